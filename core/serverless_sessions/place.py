"""Where the session at hand is, as far as this invocation has seen."""

from __future__ import annotations

from typing import NamedTuple

from .store import Record


class Place(NamedTuple):
    """A session seen alive in this invocation: the id that led to it, and its stored key.

    ``record`` is None when it was written without having been read, and has no ``rev`` when
    it is known to lag behind what is stored.
    """

    session_id: str
    key: str
    record: Record | None = None
    through_marker: bool = False
    foreign: bool = False
    gone: bool = False

    def is_of(self, seen: Place) -> bool:
        """False for a later session under an id of the platform's."""
        if self.record is None or seen.record is None:
            return True
        return self.record.facts.rid == seen.record.facts.rid
