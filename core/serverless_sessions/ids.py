"""Session ids: how they are drawn, recognised, and turned into stored keys."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from typing import Final, NamedTuple

_WELL_FORMED = re.compile(r"[A-Za-z0-9_-]{43}")
_UUID_4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_HANDLE = re.compile(r"[A-Za-z0-9_-]{16}")

COOKIE = "cookie"


def draw() -> str:
    """A new id: 256 bits from the system's CSPRNG (ASVS 5.0 7.2.3 asks for 128 or more)."""
    return secrets.token_urlsafe(32)


def draw_handle() -> str:
    """A new public name of a session, for logs and lists; it opens nothing."""
    return secrets.token_urlsafe(12)


def is_handle(text: str) -> bool:
    """Whether ``text`` has the form of a handle: a damaged record can hold anything as its own."""
    return _HANDLE.fullmatch(text) is not None


def draw_nonce() -> str:
    """A new mark by which a write recognises itself when its reply was lost."""
    return secrets.token_urlsafe(9)


def is_well_formed(text: str) -> bool:
    """Whether ``text`` has the form of an id; anything else is never looked up."""
    return _WELL_FORMED.fullmatch(text) is not None


def stored_key(session_id: str) -> str:
    """The key under which a store knows ``session_id``: 64 hex digits of SHA-256.

    The store never sees an id, so a leaked table opens no session (ASVS 5.0 11.2.4). The
    source is part of the hash: an id that arrives one way is never a key of another.
    """
    return hashlib.sha256(f"{COOKIE}\0{session_id}".encode()).hexdigest()


class Kind(NamedTuple):
    """The form of ids, how one is drawn, and the key under which a store knows its session."""

    form: re.Pattern[str]
    draw: Callable[[], str]
    stored_key: Callable[[str], str]

    def is_well_formed(self, text: str) -> bool:
        """Whether ``text`` may be an id; anything else is never looked up."""
        return self.form.fullmatch(text) is not None


def draw_uuid() -> str:
    """A new UUID of version 4, as ``crypto.randomUUID`` of JavaScript writes it: 122 random bits,
    in lower case."""
    import uuid

    return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))


def _itself(session_id: str) -> str:
    return session_id


OWN: Final = Kind(_WELL_FORMED, draw, stored_key)
ASTRO: Final = Kind(_UUID_4, draw_uuid, _itself)
"""What Astro demands: it looks a session up under the id itself. It never writes capitals, and
compares them when it looks one up: an id with capitals is nobody's."""
