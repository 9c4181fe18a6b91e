"""A credential that signs in to Azurite, which checks all of a token but its signature."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from azure.core.credentials import AccessToken, TokenCredential


class SelfMadeCredential(TokenCredential):
    """Tokens as the identity platform shapes them, for ``azurite_with_sign_in``."""

    def __init__(self, audience: str = "https://storage.azure.com") -> None:
        self._audience = audience

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        now = int(time.time())
        claims = {
            "aud": self._audience,
            "iss": "https://sts.windows.net/00000000-0000-0000-0000-000000000000/",
            "iat": now - 60,
            "nbf": now - 60,
            "exp": now + 3600,
        }
        parts = ({"alg": "RS256", "typ": "JWT"}, claims, {"signature": "none"})
        texts = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts)
        return AccessToken(".".join(text.rstrip("=") for text in texts), now + 3600)
