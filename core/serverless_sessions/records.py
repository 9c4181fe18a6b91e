"""Builds what a store is given: records and changes, sealed for their key, within its limit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from . import clock, ids
from .config import SessionConfig
from .encryption import Sealer
from .errors import SessionTooLarge
from .state import Binding, Layer
from .store import Absence, Change, Entry, Facts, Record, size_of

RESERVED: Final = "_sls."
"""Names of entries that begin so are ours."""

CSRF: Final = RESERVED + "csrf"


class Records:
    """``limit`` gives the bytes that a whole record may take, None where the store decides."""

    def __init__(
        self, config: SessionConfig, sealer: Sealer, limit: Callable[[], int | None]
    ) -> None:
        self._config = config
        self._sealer = sealer
        self._limit = limit

    def new(self, key: str, changes: Layer, user: str | None) -> Record:
        """The first record of a session. Raises SessionTooLarge."""
        now = clock.now()
        facts = Facts(
            rid=ids.draw_handle(),
            created=now,
            absolute=now + self._config.absolute_timeout,
            user=user,
            authenticated_at=now if user is not None else None,
        )
        return self._record(self._sealed(changes.sets, key), facts)

    def renewed(
        self, record: Record, old: str, new: str, changes: Layer, binding: Binding | None
    ) -> Record:
        """``record`` with ``changes``, sealed for another key, and without the secret of the CSRF
        tokens, which end with the id. Raises SessionTooLarge."""
        now = clock.now()
        stays = {} if changes.cleared else record.entries
        opened = {
            name: self.opened(name, entry, old)
            for name, entry in stays.items()
            if entry.alive(now) and name not in {CSRF, *changes.removed, *changes.sets}
        }
        facts = record.facts
        if binding is not None:
            facts = facts._replace(
                user=binding.user,
                absolute=now + self._config.absolute_timeout,
                authenticated_at=now if binding.user is not None else None,
            )
        return self._record(self._sealed({**opened, **changes.sets}, new), facts)

    def change(
        self, key: str, changes: Layer, seen: Record | None, expect: Mapping[str, str | Absence]
    ) -> Change:
        """One write to a live record, last read as ``seen``. Raises SessionTooLarge."""
        entries = self._sealed(changes.sets, key)
        self.check_size(entries)
        return Change(
            set=entries,
            remove=frozenset(changes.removed),
            clear=changes.cleared,
            idle=self._idle_deadline(),
            expect=expect,
            rid=seen.facts.rid if seen is not None else None,
            nonce=ids.draw_nonce(),
            slack=self._config.touch_every,
            seen=seen.rev if seen is not None else None,
        )

    def opened(self, name: str, entry: Entry, key: str) -> Entry:
        """A stored entry with its text unsealed. Raises CorruptRecord."""
        text = self._sealer.open(entry.text, key=key, name=name, deadline=entry.deadline)
        return Entry(text, entry.deadline)

    def check_size(self, entries: Mapping[str, Entry]) -> None:
        """Raises SessionTooLarge when ``entries`` alone pass the store's limit."""
        limit = self._limit()
        if limit is not None and (size := size_of(entries)) > limit:
            names = ", ".join(repr(name) for name in entries) if len(entries) == 1 else "it"
            raise SessionTooLarge(
                f"the session cannot be stored: {names} takes {size} bytes, and the store holds "
                f"{limit} for a session; keep large things elsewhere and their name in the session"
            )

    def _record(self, entries: dict[str, Entry], facts: Facts) -> Record:
        self.check_size(entries)
        return Record(entries, facts, self._idle_deadline(), nonce=ids.draw_nonce())

    def _sealed(self, entries: Mapping[str, Entry], key: str) -> dict[str, Entry]:
        seal = self._sealer.seal
        return {
            name: Entry(seal(e.text, key=key, name=name, deadline=e.deadline), e.deadline)
            for name, e in entries.items()
        }

    def _idle_deadline(self) -> int:
        return clock.now() + self._config.idle_timeout


def after(record: Record, change: Change) -> Record:
    """``record`` as ``change`` leaves it, its revision unknown."""
    return record._replace(
        entries=change.applied_to(record.entries),
        idle=change.idle or record.idle,
        rev=None,
        nonce=change.nonce,
    )
