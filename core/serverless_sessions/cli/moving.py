"""Moves sessions to another store while functions use both: what is copied, and which value counts.

A pass goes through the source, copies what is new, carries over what has changed since it was
copied, and ends in the target what has been ended in the source. It may be cut off anywhere and
begun again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from enum import Enum
from itertools import islice
from typing import TypeVar

from .. import clock
from ..errors import ConfigurationError, Conflict, Moved, SessionGone, SessionTooLarge
from ..store import EXPIRED, Record, SessionStore
from .calls import Calls
from .journal import Journal, Row, State
from .merging import merged

BATCH = 200
ATTEMPTS = 20
MANY = 100
T = TypeVar("T")


class Outcome(Enum):
    COPIED = "copied"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    KEPT = "kept"
    """The target has a newer session, or newer entries, and they stay."""
    ENDED = "ended"
    """It has been ended in one store: it was ended in the target, or is not copied again."""
    EXPIRED = "expired"
    TOO_LARGE = "too_large"


@dataclass
class Tally:
    """What a pass did, counted in sessions."""

    copied: int = 0
    updated: int = 0
    unchanged: int = 0
    kept: int = 0
    ended: int = 0
    expired: int = 0
    too_large: int = 0

    def count(self, outcome: Outcome, times: int = 1) -> None:
        setattr(self, outcome.value, getattr(self, outcome.value) + times)

    @property
    def changes(self) -> int:
        return self.copied + self.updated + self.ended

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


def refuse_unlike(source: SessionStore, target: SessionStore) -> None:
    """Raises ConfigurationError where cookies would not find their sessions, or never could."""
    if not source.guarantees.scans:
        raise ConfigurationError(
            f"{type(source).__name__} cannot go through its sessions, so they cannot be moved"
        )
    if is_shared(source) != is_shared(target):
        raise ConfigurationError(
            "one of the two stores keeps sessions in Astro's layout, under ids as they are, and the"
            " other under hashes of ids: no cookie would find its session after the move"
        )


def is_shared(store: SessionStore) -> bool:
    """Whether the store has Astro's layout."""
    return store.guarantees.shared_with_astro


_STATES = {
    **dict.fromkeys((Outcome.COPIED, Outcome.UPDATED, Outcome.UNCHANGED), State.COPIED),
    Outcome.KEPT: State.COPIED,
    **dict.fromkeys((Outcome.ENDED, Outcome.EXPIRED), State.ENDED),
}
"""Of a session that was too large nothing is noted, so that it is tried again."""


class Move:
    """One pass after another from ``source`` to ``target``; ``workers`` sessions at a time."""

    def __init__(
        self, source: SessionStore, target: SessionStore, journal: Journal, *, workers: int = 8
    ) -> None:
        self._source = Calls(source)
        self._target = Calls(target)
        self._journal = journal
        self._workers = workers

    def run(self, tell: Callable[[int], None] = lambda _: None) -> Tally:
        """One pass; ``tell`` is given the number of sessions looked at since it was last called.

        Raises the errors of a store that fails, and ConfigurationError for a source that lost all
        its sessions at once.
        """
        tally, number, any_there = Tally(), self._journal.begin_pass(), False
        with ThreadPoolExecutor(self._workers) as pool:
            for batch in batches(self._source.store.scan(), BATCH):
                any_there = True
                self._carry(dict(batch), number, pool, tally)
                tell(len(batch))
            expected = self._journal.expected(clock.now())
            if not any_there and expected >= MANY:
                raise ConfigurationError(
                    f"the source has none of the {expected} sessions that were copied from it: is"
                    " it the right one? If so, remove the journal; nothing is left to be moved"
                )
            for rows in self._journal.unseen(number, BATCH):
                self._end(rows, number, pool, tally)
                tell(len(rows))
        return tally

    def preview(self, tell: Callable[[int], None] = lambda _: None) -> Tally:
        """What a pass would do, by the source and the journal alone; nothing is written."""
        tally = Tally()
        seen: set[str] = set()
        for batch in batches(self._source.store.scan(), BATCH):
            found = dict(batch)
            rows = self._journal.rows(list(found))
            seen.update(found)
            for key, record in found.items():
                tally.count(self._forecast(record, rows.get(key)))
            tell(len(batch))
        for copied in self._journal.copied(BATCH):
            gone = [row for row in copied if row.key not in seen]
            over = [row for row in gone if row.deadline <= clock.now()]
            tally.count(Outcome.EXPIRED, len(over))
            tally.count(Outcome.ENDED, len(gone) - len(over))
        return tally

    def _forecast(self, record: Record, row: Row | None) -> Outcome:
        if row is None or row.state is State.INTENDED:
            return Outcome.COPIED
        if row.state is State.ENDED and row.rid == record.facts.rid:
            return Outcome.ENDED
        return Outcome.UNCHANGED if self._is_done(record, row) else Outcome.UPDATED

    def _carry(
        self, found: dict[str, Record], number: int, pool: ThreadPoolExecutor, tally: Tally
    ) -> None:
        """Bring what the source has into the target."""
        rows = self._journal.rows(list(found))
        known = {key: self._forecast(found[key], rows.get(key)) for key in found}
        left_alone = (Outcome.UNCHANGED, Outcome.ENDED)
        tally.count(Outcome.UNCHANGED, sum(known[key] in left_alone for key in found))
        rows_to_settle = [
            self._row(key, record, rows.get(key))
            for key, record in found.items()
            if known[key] not in left_alone
        ]
        self._journal.intend(rows_to_settle, found, number)
        outcomes = list(
            pool.map(
                lambda row: self._settle(found[row.key], row, rows.get(row.key)), rows_to_settle
            )
        )
        for outcome in outcomes:
            tally.count(outcome)
        pairs = zip(rows_to_settle, outcomes, strict=True)
        self._journal.settle(
            {row.key: _STATES[outcome] for row, outcome in pairs if outcome in _STATES}
        )

    def _settle(self, record: Record, row: Row, before: Row | None) -> Outcome:
        """Copy a session, or carry over what changed in it."""
        was_copied = before is not None and before.state is State.COPIED
        if not record.alive(clock.now()):
            return Outcome.EXPIRED
        try:
            for attempt in range(ATTEMPTS):
                outcome = self._attempt(record, row, before, looks=was_copied or attempt > 0)
                if outcome is not None:
                    return outcome
        except SessionTooLarge:
            return Outcome.TOO_LARGE
        # Nothing lives there, and nothing can begin there: it is the marker of a rotation.
        return Outcome.ENDED

    def _attempt(
        self, record: Record, row: Row, before: Row | None, *, looks: bool
    ) -> Outcome | None:
        """None to look again: somebody came between."""
        found = self._target.load(row.key) if looks else None
        if isinstance(found, Moved):
            return Outcome.ENDED
        if isinstance(found, Record):
            if found.facts.rid != record.facts.rid:
                return self._succeed(record, row, before, found)
            return self._merge(record, row, before, found)
        if _was_ended_there(before, record, found):
            return Outcome.ENDED
        try:
            self._target.create(row.key, record)
        except Conflict:
            return None
        return Outcome.COPIED

    def _succeed(
        self, record: Record, row: Row, before: Row | None, standing: Record
    ) -> Outcome | None:
        """Two sessions of one key, as a trusted id can have: the one that began later stays."""
        is_our_copy = before is not None and before.rid == standing.facts.rid
        if not is_our_copy and standing.facts.created >= record.facts.created:
            return Outcome.KEPT
        self._target.delete(row.key)
        return None

    def _merge(
        self, record: Record, row: Row, before: Row | None, standing: Record
    ) -> Outcome | None:
        versions = self._journal.version(record), self._journal.version(standing)
        if before is None and record.idle >= standing.idle:
            # Whose copy it is was forgotten. Each use moves the idle deadline: the later counts.
            row = row._replace(versions=(versions[1], *row.versions))
        change, kept = merged(record, standing, row, *versions)
        if change is None:
            return Outcome.KEPT if kept else Outcome.UNCHANGED
        try:
            self._target.update(row.key, change)
        except (Conflict, SessionGone, Moved):
            return None
        return Outcome.UPDATED

    def _end(self, rows: list[Row], number: int, pool: ThreadPoolExecutor, tally: Tally) -> None:
        """End in the target what the source has no longer, unless its time was over there."""
        looked = pool.map(lambda row: self._source.load(row.key), rows)
        found = dict(zip((row.key for row in rows), looked, strict=True))
        live = {key: record for key, record in found.items() if isinstance(record, Record)}
        if live:
            self._carry(live, number, pool, tally)
        gone = [row for row in rows if row.key not in live]
        outcomes = pool.map(lambda row: self._end_one(row, found[row.key]), gone)
        states = {}
        for row, outcome in zip(gone, outcomes, strict=True):
            tally.count(outcome)
            states[row.key] = State.ENDED
        self._journal.settle(states)

    def _end_one(self, row: Row, found: object) -> Outcome:
        if found is EXPIRED or row.deadline <= clock.now():
            return Outcome.EXPIRED
        standing = self._target.load(row.key)
        if isinstance(standing, Record) and standing.facts.rid != row.rid:
            return Outcome.KEPT
        self._target.delete(row.key)
        return Outcome.ENDED

    def _is_done(self, record: Record, row: Row) -> bool:
        """Whether the target has been given this very record."""
        return (
            row.state is State.COPIED
            and (row.rid, row.idle) == (record.facts.rid, record.idle)
            and row.versions == (self._journal.version(record),)
        )

    def _row(self, key: str, record: Record, before: Row | None) -> Row:
        """What is intended for a session, after what may stand in the target already."""
        same = before is not None and before.rid == record.facts.rid
        versions = before.versions if before is not None and same else ()
        return Row(
            key=key,
            rid=record.facts.rid,
            nonce=before.nonce if before is not None and same else record.nonce,
            facts=before.facts if before and same else self._journal.facts(record.facts),
            idle=record.idle,
            deadline=record.deadline,
            there=before.there if before is not None and same else record.deadline,
            versions=(*versions, self._journal.version(record)),
            state=before.state if before is not None and same else State.INTENDED,
        )


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _was_ended_there(before: Row | None, record: Record, found: object) -> bool:
    """Whether a copy that is not found was destroyed, and has not come to its deadline."""
    if before is None or before.state is not State.COPIED or before.rid != record.facts.rid:
        return False
    return found is not EXPIRED and before.there > clock.now()
