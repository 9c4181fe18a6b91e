"""The store contract in its plainest form: a dict and a lock, in this process only."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from . import clock
from .errors import Conflict, Moved, SessionGone
from .store import (
    ABSENT,
    DELETED,
    EXPIRED,
    MARKER_SECONDS,
    Absence,
    Change,
    Deletion,
    Found,
    Guarantees,
    Record,
    SessionStore,
    refuse_oversize,
    size_of,
)

if TYPE_CHECKING:
    from .urls import StoreURL

MAX_BYTES = 1_000_000


class _Marker(NamedTuple):
    """What a rotation leaves under the old key, for MARKER_SECONDS."""

    to: str
    grace_until: int
    ends: int

    def alive(self, now: int) -> bool:
        return self.ends > now


class MemoryStore(SessionStore):
    """Keeps sessions in this process, for tests; they end with it. The reference of the contract.

    ``max_bytes`` bounds a whole record.
    """

    kind = "memory"

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.guarantees = Guarantees(
            lists_users=True, scans=True, purges=True, max_bytes=max_bytes, tells_expired=True
        )
        self._max_bytes = max_bytes
        self._kept: dict[str, Record | _Marker] = {}
        self._revisions = itertools.count(1)
        self._lock = threading.Lock()

    def load(self, key: str) -> Found:
        with self._lock:
            match self._standing(key):
                case Record() as record:
                    return _handed_out(record)
                case _Marker() as marker if marker.grace_until > clock.now():
                    return Moved(marker.to)
                case None if isinstance(self._kept.get(key), Record):
                    return EXPIRED
                case _:
                    return None

    def create(self, key: str, record: Record) -> None:
        with self._lock:
            standing = self._standing(key)
            if _is_repeat(record, standing):
                return
            if standing is not None:
                raise Conflict("another session stands under this key")
            self._keep(key, record)

    def update(self, key: str, change: Change) -> None:
        with self._lock:
            record = self._live(key)
            if change.rid is not None and change.rid != record.facts.rid:
                raise SessionGone("another session stands under this key")
            if not change.is_met_by(record.entries, clock.now()):
                raise Conflict("an entry is not as the change expects it")
            self._keep(
                key,
                record._replace(
                    entries=change.applied_to(_handed_out(record).entries),
                    idle=record.idle if change.idle is None else change.idle,
                    nonce=change.nonce,
                ),
            )

    def rotate(self, old: str, new: str, record: Record, rev: object, grace_until: int) -> None:
        with self._lock:
            standing = self._standing(new)
            if _is_repeat(record, standing):
                return
            if self._live(old).rev != rev:
                raise Conflict("the session changed since it was read")
            if standing is not None:
                raise Conflict("another session stands under the new key")
            self._keep(new, record)
            self._kept[old] = _Marker(new, grace_until, clock.now() + MARKER_SECONDS)

    def delete(self, key: str) -> Deletion | Absence | Moved:
        with self._lock:
            standing = self._standing(key)
            if isinstance(standing, _Marker):
                return Moved(standing.to)
            self._kept.pop(key, None)
            return DELETED if standing is not None else ABSENT

    def list_user(self, user: str) -> list[str]:
        with self._lock:
            standing = {key: self._standing(key) for key in self._kept}
        return [
            key
            for key, record in standing.items()
            if isinstance(record, Record) and record.facts.user == user
        ]

    def scan(self) -> Iterator[tuple[str, Record]]:
        with self._lock:
            keys = list(self._kept)
        for key in keys:
            record = self.load(key)
            if isinstance(record, Record):
                yield key, record

    def purge(self, limit: int = 1000) -> int:
        with self._lock:
            now = clock.now()
            dead = (key for key, kept in self._kept.items() if not kept.alive(now))
            purged = list(itertools.islice(dead, limit))
            for key in purged:
                del self._kept[key]
            return len(purged)

    def _standing(self, key: str) -> Record | _Marker | None:
        kept = self._kept.get(key)
        return kept if kept is not None and kept.alive(clock.now()) else None

    def _live(self, key: str) -> Record:
        match self._standing(key):
            case Record() as record:
                return record
            case _Marker() as marker if marker.grace_until > clock.now():
                raise Moved(marker.to)
            case _:
                raise SessionGone("the session has ended")

    def _keep(self, key: str, record: Record) -> None:
        refuse_oversize(size_of(record.entries), self._max_bytes)
        self._kept[key] = record._replace(entries=dict(record.entries), rev=next(self._revisions))


def _handed_out(record: Record) -> Record:
    """A copy without the entries that have ended."""
    now = clock.now()
    return record._replace(entries={n: e for n, e in record.entries.items() if e.alive(now)})


def _is_repeat(record: Record, standing: Record | _Marker | None) -> bool:
    """Whether ``standing`` is what this very write has stored before its reply was lost."""
    return isinstance(standing, Record) and standing.nonce == record.nonce != ""


def open_url(url: StoreURL) -> MemoryStore:
    """``memory://``, with ``max_bytes`` as its parameter."""
    url.allow_parts()
    with url.parameters() as take:
        return MemoryStore(take.integer("max_bytes", MAX_BYTES, least=1))
