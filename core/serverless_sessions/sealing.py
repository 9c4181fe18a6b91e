"""AES-256-GCM over each entry of a session, with a ring of keys that can be exchanged."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from . import keyring
from .compression import packed, unpacked
from .encryption import SEALED
from .errors import ConfigurationError, CorruptRecord, MissingDependency
from .store import RESERVED

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ID_BYTES: Final = 4
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
SETTING: Final = "SESSION_ENCRYPTION_KEYS"
_CIPHERS_KEPT = 64


class KeyRing:
    """Seals with the first key and opens with the one that sealed, found by its short id.

    A sealed text is ``e1.`` and, in base64url, the key's id (4 bytes), the nonce (12), the
    ciphertext and its tag (16): 46 bytes and a third of the text more than the text itself.
    Opening it demands the stored key, name and deadline that it was sealed for.

    Nonces are 96 random bits. NIST SP 800-38D (8.3) allows 2**32 texts to one key with such
    nonces; here that many to one session, as each session is sealed with a key of its own,
    derived by HKDF (RFC 5869) from the ring's key and the session's stored key. The name of a
    user is hidden by HMAC-SHA256 with yet another derived key.

    Takes keys in their text form, as the configuration has checked them. Raises
    MissingDependency without the package ``cryptography``.
    """

    binds_facts = True

    def __init__(self, keys: Sequence[str]) -> None:
        _import_the_package()
        self._keys = tuple(_Key(secret) for secret in keyring.read(keys))
        self._by_id = {key.id: key for key in self._keys}
        if len(self._by_id) < len(self._keys):
            raise ConfigurationError(
                f"two keys of {SETTING} share their short id; draw another in place of the newest"
            )

    def seal(self, text: str, *, key: str, name: str, deadline: int | None) -> str:
        newest, nonce = self._keys[0], os.urandom(NONCE_BYTES)
        secret = newest.cipher(key).encrypt(nonce, packed(text), _place(key, name, deadline))
        return SEALED + keyring.to_text(newest.id + nonce + secret)

    def open(self, sealed: str, *, key: str, name: str, deadline: int | None) -> str:
        if not sealed.startswith(SEALED):
            raise CorruptRecord(f"{name!r} is stored without encryption, and {SETTING} is set")
        try:
            data = keyring.to_bytes(sealed[len(SEALED) :])
        except ValueError as error:
            raise CorruptRecord(f"{name!r} is not as it was sealed: it was altered") from error
        sealing = self._by_id.get(data[:ID_BYTES])
        if sealing is None:
            raise CorruptRecord(
                f"{name!r} was sealed with a key that {SETTING} does not hold: "
                "add that key behind the newest, or end the session with destroy()"
            )
        from cryptography.exceptions import InvalidTag

        nonce, secret = data[ID_BYTES : ID_BYTES + NONCE_BYTES], data[ID_BYTES + NONCE_BYTES :]
        try:
            # A text cut short has no whole nonce or tag, which the cipher refuses in its own way.
            opened = sealing.cipher(key).decrypt(nonce, secret, _place(key, name, deadline))
        except (InvalidTag, ValueError) as error:
            raise CorruptRecord(
                f"{name!r} does not open with its key of {SETTING}: it was altered, or sealed "
                "for another session, name or deadline"
            ) from error
        return unpacked(opened)

    def size(self, text: str) -> int:
        data = ID_BYTES + NONCE_BYTES + len(packed(text)) + TAG_BYTES
        return len(SEALED) + (4 * data + 2) // 3

    def pseudonyms(self, user: str) -> tuple[str, ...]:
        return tuple(key.pseudonym(user) for key in self._keys)


class _Key:
    """One key of the ring, of which only what is derived from it is ever used."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.id = self._derived("id", length=ID_BYTES)
        self._users = self._derived("users")
        self.cipher = lru_cache(_CIPHERS_KEPT)(self._cipher)

    def pseudonym(self, user: str) -> str:
        import hmac

        return RESERVED + keyring.to_text(hmac.digest(self._users, user.encode(), "sha256"))

    def _cipher(self, key: str) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._derived("values", key))

    def _derived(self, purpose: str, subject: str = "", *, length: int = 32) -> bytes:
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        info = f"serverless-sessions/1/{purpose}/{subject}".encode()
        return HKDF(SHA256(), length, salt=None, info=info).derive(self._secret)


def _import_the_package() -> None:
    """All that is needed of it, in a platform's start-up phase and not in the first request."""
    try:
        import cryptography.exceptions
        import cryptography.hazmat.primitives.ciphers.aead
        import cryptography.hazmat.primitives.hashes
        import cryptography.hazmat.primitives.kdf.hkdf  # noqa: F401
    except ImportError as error:
        raise MissingDependency(
            f"{SETTING} is set, which needs a package that cannot be imported "
            f'({error.name}): pip install "serverless-sessions[encryption]"'
        ) from error


def _place(key: str, name: str, deadline: int | None) -> bytes:
    """Associated data: each part with its length before it, so that no two places look alike."""
    parts = (SEALED, key, name, "" if deadline is None else str(deadline))
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
