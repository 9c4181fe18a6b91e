"""A store that is awaited, as one over a network would be."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple

from serverless_sessions import AsyncSessionStore, clock
from serverless_sessions.errors import Conflict, Moved, SessionGone, SessionTooLarge
from serverless_sessions.store import (
    ABSENT,
    DELETED,
    MARKER_SECONDS,
    Absence,
    Change,
    Deletion,
    Guarantees,
    Record,
    size_of,
)
from serverless_sessions.testing.watched import AsyncPassingStore

LIMIT = 1_000_000


class Marker(NamedTuple):
    to: str
    grace_until: int
    ends: int

    def alive(self, now: int) -> bool:
        return self.ends > now


class NativeStore(AsyncSessionStore):
    """A dict behind a network: between any reading and any writing, others have their turn."""

    guarantees = Guarantees(lists_users=True, max_bytes=LIMIT)

    def __init__(self) -> None:
        self._rows: dict[str, Record | Marker] = {}
        self._writes = 0
        self._turn: AbstractAsyncContextManager[object] = asyncio.Lock()

    async def load(self, key: str) -> Record | Moved | None:
        try:
            record = await self._live(key)
        except Moved as moved:
            return moved
        except SessionGone:
            return None
        return self._handed_out(record)

    async def create(self, key: str, record: Record) -> None:
        async with self._turn:
            standing = await self._standing(key)
            if isinstance(standing, Record) and standing.nonce == record.nonce:
                return
            if standing is not None:
                raise Conflict("another session stands under this key")
            self._keep(key, record)

    async def update(self, key: str, change: Change) -> None:
        async with self._turn:
            record = await self._live(key)
            if change.rid not in (None, record.facts.rid):
                raise SessionGone("another session stands under this key")
            if not change.is_met_by(record.entries, clock.now()):
                raise Conflict("an entry is not as the change expects it")
            entries = change.applied_to(self._handed_out(record).entries)
            idle = record.idle if change.idle is None else change.idle
            self._keep(key, record._replace(entries=entries, idle=idle, nonce=change.nonce))

    async def rotate(
        self, old: str, new: str, record: Record, rev: object, grace_until: int
    ) -> None:
        async with self._turn:
            standing = await self._standing(new)
            if isinstance(standing, Record) and standing.nonce == record.nonce:
                return
            if (await self._live(old)).rev != rev or standing is not None:
                raise Conflict("the session changed since it was read")
            self._keep(new, record)
            self._rows[old] = Marker(new, grace_until, clock.now() + MARKER_SECONDS)

    async def delete(self, key: str) -> Deletion | Absence | Moved:
        async with self._turn:
            standing = await self._standing(key)
            if isinstance(standing, Marker):
                return Moved(standing.to)
            self._rows.pop(key, None)
            return ABSENT if standing is None else DELETED

    async def list_user(self, user: str) -> list[str]:
        await asyncio.sleep(0)
        return [
            key
            for key, row in self._rows.items()
            if isinstance(row, Record) and row.facts.user == user
        ]

    async def _standing(self, key: str) -> Record | Marker | None:
        row = self._rows.get(key)
        await asyncio.sleep(0)
        return row if row is not None and row.alive(clock.now()) else None

    async def _live(self, key: str) -> Record:
        standing = await self._standing(key)
        if isinstance(standing, Record):
            return standing
        if standing is not None and standing.grace_until > clock.now():
            raise Moved(standing.to)
        raise SessionGone("the session has ended")

    def _keep(self, key: str, record: Record) -> None:
        if size_of(record.entries) > LIMIT:
            raise SessionTooLarge(f"a session takes {LIMIT} bytes at most")
        self._writes += 1
        self._rows[key] = record._replace(entries=dict(record.entries), rev=self._writes)

    @staticmethod
    def _handed_out(record: Record) -> Record:
        now = clock.now()
        return record._replace(entries={n: e for n, e in record.entries.items() if e.alive(now)})

    def live(self) -> list[Record]:
        """Every live record, for a test to look at."""
        rows = [row for row in self._rows.values() if isinstance(row, Record)]
        return [self._handed_out(row) for row in rows if row.alive(clock.now())]


class SlowStore(AsyncPassingStore):
    """Waits at each operation for which a ``gate`` stands, and has ``arrived`` there."""

    def __init__(self) -> None:
        self.inner = NativeStore()
        self.guarantees = self.inner.guarantees
        self.gates: dict[str, asyncio.Event] = {}
        self.arrived = asyncio.Event()

    async def pass_on(self, operation: str, *arguments: Any) -> Any:
        if operation in self.gates:
            self.arrived.set()
            await self.gates[operation].wait()
        return await getattr(self.inner, operation)(*arguments)
