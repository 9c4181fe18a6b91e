"""Which value counts when a session has been copied and both stores may have changed since."""

from __future__ import annotations

from typing import NamedTuple

from .. import clock, ids
from ..store import ABSENT, Change, Record
from .journal import Row, Version, alive


class Merge(NamedTuple):
    """``change`` brings the target up to date, None where nothing is to be done; ``kept`` are the
    names of entries that differ from the source's and stay."""

    change: Change | None
    kept: frozenset[str]


def merged(source: Record, target: Record, row: Row, wanted: Version, standing: Version) -> Merge:
    """Carry the source's entries over, but for those that the target's functions have written.

    An entry of the target was written by them when it is none that a move has put there.
    ``wanted`` and ``standing`` are the versions of the two records.
    """
    now = clock.now()
    ours, theirs = alive(wanted, now), alive(standing, now)
    differing = {name for name in ours | theirs if ours.get(name) != theirs.get(name)}
    kept = {name for name in differing if theirs.get(name) not in row.known(name, now)}
    goes = differing - kept
    later = source.idle > target.idle
    if not goes and not later:
        return Merge(None, frozenset(kept))
    entries = target.entries
    return Merge(
        Change(
            set={name: source.entries[name] for name in goes if name in ours},
            remove=frozenset(name for name in goes if name not in ours),
            idle=source.idle if later else None,
            expect={name: entries[name].text if name in theirs else ABSENT for name in goes},
            rid=target.facts.rid,
            nonce=ids.draw_nonce(),
            seen=target.rev,
        ),
        frozenset(kept),
    )


def differs(record: Record, standing: Version, facts: str, row: Row) -> bool:
    """Whether a record of the target is not what a move has put there, though nobody else has
    written it."""
    now, wanted = clock.now(), alive(row.versions[-1], clock.now())
    theirs = alive(standing, now)
    if facts != row.facts:
        return True
    if record.nonce == row.nonce != "":
        return theirs != wanted or record.idle != row.idle
    return any(
        theirs.get(name) != wanted.get(name) and theirs.get(name) in row.known(name, now)
        for name in wanted | theirs
    )
