"""Whether the target has what a move has put there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..store import Record, SessionStore
from .calls import Calls
from .journal import Journal, Row, State
from .merging import differs
from .moving import BATCH, batches


@dataclass
class Verification:
    """``rewritten`` copies were written again: what had changed was carried over, or functions of
    the target did. ``missing`` and ``differing`` are the handles of sessions that live in the
    source: their copies are gone, or are not what was copied."""

    checked: int = 0
    rewritten: int = 0
    missing: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not (self.missing or self.differing)


def verify(
    source: SessionStore,
    target: SessionStore,
    journal: Journal,
    tell: Callable[[int], None] = lambda _: None,
) -> Verification:
    """Read the whole target, by its ``scan`` where it has one. Raises the errors of a store."""
    result, number = Verification(), journal.begin_pass()
    from_source, from_target = Calls(source), Calls(target)

    def compare(found: dict[str, Record], rows: Iterable[Row]) -> None:
        seen = [row for row in rows if row.key in found and row.state is State.COPIED]
        for row in seen:
            _compare(row, found[row.key], journal, result)
        journal.check([row.key for row in seen], number)
        tell(len(seen))

    if target.guarantees.scans:
        for batch in batches(target.scan(), BATCH):
            found = dict(batch)
            compare(found, journal.rows(list(found)).values())
    for rows in journal.unchecked(number, BATCH):
        loaded = {row.key: from_target.load(row.key) for row in rows}
        compare({k: r for k, r in loaded.items() if isinstance(r, Record)}, rows)
        for row in rows:
            gone = not isinstance(loaded[row.key], Record)
            if gone and _lives(from_source.load(row.key), row):
                result.missing.append(row.rid)
    return result


def _compare(row: Row, record: Record, journal: Journal, result: Verification) -> None:
    result.checked += 1
    if record.facts.rid != row.rid:
        result.rewritten += 1
    elif differs(record, journal.version(record), journal.facts(record.facts), row):
        result.differing.append(row.rid)
    elif record.nonce != row.nonce:
        result.rewritten += 1


def _lives(found: object, row: Row) -> bool:
    return isinstance(found, Record) and found.facts.rid == row.rid
