"""How entry texts are sealed before they reach a store. Today: not at all."""

from __future__ import annotations

from typing import Protocol


class Sealer(Protocol):
    """Seals a text so that it opens only under the same key, name and deadline."""

    def seal(self, text: str, *, key: str, name: str, deadline: int | None) -> str: ...

    def open(self, sealed: str, *, key: str, name: str, deadline: int | None) -> str:
        """Raises CorruptRecord when the text was not sealed for this place."""
        ...


class Plain:
    """Leaves texts as they are: what a store holds is readable to whoever reads the store."""

    def seal(self, text: str, *, key: str, name: str, deadline: int | None) -> str:
        return text

    def open(self, sealed: str, *, key: str, name: str, deadline: int | None) -> str:
        return sealed
