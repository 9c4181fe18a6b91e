"""How entry texts are sealed before they reach a store: not at all, or with the key ring's keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from .errors import CorruptRecord

SEALED: Final = "e1."
"""What a sealed text begins with, and none of a value: the form, with its version."""


class Sealer(Protocol):
    """Seals a text so that it opens only under the same stored key, name and deadline."""

    @property
    def binds_facts(self) -> bool:
        """Whether a record's facts are sealed beside its entries, so that they can be trusted."""
        ...

    def seal(self, text: str, *, key: str, name: str, deadline: int | None) -> str: ...

    def open(self, sealed: str, *, key: str, name: str, deadline: int | None) -> str:
        """Raises CorruptRecord when the text was not sealed for this place."""
        ...

    def size(self, text: str) -> int:
        """Bytes that ``text`` takes when it is sealed."""
        ...

    def pseudonyms(self, user: str) -> tuple[str, ...]:
        """The names under which stores may know ``user``. The first is the one to write, and to
        which a rotation takes a session."""
        ...


class Plain:
    """Leaves texts as they are: what a store holds is readable to whoever reads the store."""

    binds_facts = False

    def seal(self, text: str, *, key: str, name: str, deadline: int | None) -> str:
        return text

    def open(self, sealed: str, *, key: str, name: str, deadline: int | None) -> str:
        if sealed.startswith(SEALED):
            raise CorruptRecord(f"{name!r} is encrypted, and SESSION_ENCRYPTION_KEYS is not set")
        return sealed

    def size(self, text: str) -> int:
        return len(text.encode())

    def pseudonyms(self, user: str) -> tuple[str, ...]:
        return (user,)


def sealer_of(keys: Sequence[str]) -> Sealer:
    """What seals with these keys in their text form, the first of them for what is written.

    Raises MissingDependency when there are some and the package ``cryptography`` is not.
    """
    if not keys:
        return Plain()
    from .sealing import KeyRing

    return KeyRing(keys)
