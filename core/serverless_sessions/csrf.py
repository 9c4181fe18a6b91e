"""Cross-site request forgery: a check of the headers that browsers set, and tokens for forms.

``is_cross_site`` is the check of ASVS 5.0 3.5.1 and the fetch-metadata part of OWASP's cheat
sheet: no token, no state, and nothing that a page could forge. ``Session.csrf_token`` is for
those who need a token besides (NIST SP 800-63B 5.1.1 asks for one in forms that post).
"""

from __future__ import annotations

import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from .errors import CorruptRecord, InvalidArgument

Text = str | bytes
RequestHeaders = Mapping[str, Any] | Iterable[tuple[Text, Text]]
"""Whatever a front door hands over: names with one value or a list of them, a WSGI ``environ``, or
pairs as in an ASGI ``scope["headers"]``."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN = frozenset({"same-origin", "none"})


def is_cross_site(
    method: str, headers: RequestHeaders, *, trusted_origins: Collection[str] = ()
) -> bool:
    """Whether a state-changing request came from a page of another origin: answer it with 403.

    Safe methods always pass, so they must not change anything. A sibling subdomain counts as
    another site, because it may be in other hands. ``trusted_origins`` such as
    ``https://login.example.com`` may post here all the same.

    ``Sec-Fetch-Site`` decides where it is there; otherwise ``Origin`` has to name the request's
    ``Host``. A request with neither passes: no current browser sends such a POST, clients such
    as curl do, and the session cookie's SameSite attribute still stands in the way.

    Raises InvalidArgument where ``trusted_origins`` is one text: a part of it is another origin.
    """
    if isinstance(trusted_origins, str):
        raise InvalidArgument("trusted_origins takes several, as in {'https://login.example.com'}")
    if method in SAFE_METHODS:
        return False
    fields = [*(headers.items() if isinstance(headers, Mapping) else headers)]
    origin = _value(fields, "origin")
    if origin not in (None, "null") and origin in trusted_origins:
        return False
    site = _value(fields, "sec-fetch-site")
    if site is not None:
        return site not in _OWN
    return origin is not None and not _names_host(origin, _value(fields, "host"))


def _value(fields: Iterable[tuple[Text, Any]], name: str) -> str | None:
    """A header that is there twice is joined, so that it equals nothing that is accepted."""
    names = (name, "http_" + name.replace("-", "_"))
    values: list[Text] = []
    for given, value in fields:
        if _text(given).lower() in names:
            values += value if isinstance(value, list) else [value]
    return ", ".join(_text(value).strip(" \t") for value in values) if values else None


def _text(value: Text) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _names_host(origin: str, host: str | None) -> bool:
    """Browsers leave the scheme's own port out of both headers, so that text equals text."""
    if not host:
        return False
    return origin.lower() in (f"https://{host}".lower(), f"http://{host}".lower())


# Tokens

_SECRET_BYTES = 32
_TOKEN = re.compile(r"[A-Za-z0-9_-]{86}==")
_SECRET = re.compile(r"[0-9a-f]{64}")


def draw_secret() -> str:
    return secrets.token_hex(_SECRET_BYTES)


def masked(secret: str) -> str:
    """A token of the secret, under another pad each time: one that stood unchanged in every
    compressed page could be guessed byte by byte (BREACH). Raises CorruptRecord."""
    pad = secrets.token_bytes(_SECRET_BYTES)
    return urlsafe_b64encode(pad + _xor(pad, _bytes_of(secret))).decode()


def is_token(token: object, secret: object) -> bool:
    """Raises CorruptRecord for what is no secret: it was damaged in the store."""
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        return False
    pad, hidden = _halves(urlsafe_b64decode(token))
    return hmac.compare_digest(_xor(pad, hidden), _bytes_of(secret))


def _bytes_of(secret: object) -> bytes:
    if not isinstance(secret, str) or not _SECRET.fullmatch(secret):
        raise CorruptRecord("the secret of the session's CSRF tokens was damaged in the store")
    return bytes.fromhex(secret)


def _halves(both: bytes) -> tuple[bytes, bytes]:
    return both[:_SECRET_BYTES], both[_SECRET_BYTES:]


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
