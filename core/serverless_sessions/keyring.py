"""The text form of encryption keys: drawn, and read back."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Final

KEY_BYTES: Final = 32


def draw() -> str:
    """A new key: 256 bits from the system's CSPRNG in base64url, 43 characters."""
    return secrets.token_urlsafe(KEY_BYTES)


def read(texts: Sequence[str]) -> tuple[bytes, ...]:
    """The keys. Raises ValueError that says which one is wrong and does not show it."""
    keys: list[bytes] = []
    for place, text in enumerate(texts, 1):
        key = _key(text)
        if key is None:
            raise ValueError(f"key {place} of {len(texts)} is not of that form")
        if key in keys:
            raise ValueError(f"key {place} of {len(texts)} repeats key {keys.index(key) + 1}")
        keys.append(key)
    return tuple(keys)


def to_text(data: bytes) -> str:
    """base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def to_bytes(text: str) -> bytes:
    """What ``to_text`` made ``text`` of. Raises ValueError for any other text: the usual decoder
    passes over odd characters and odd last bits, so that several texts stand for one."""
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if to_text(data) != text:
        raise ValueError("not base64url in its one canonical form")
    return data


def _key(text: object) -> bytes | None:
    if not isinstance(text, str):
        return None
    try:
        key = to_bytes(text)
    except ValueError:
        return None
    return key if len(key) == KEY_BYTES else None
