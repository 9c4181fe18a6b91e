"""A store that notes the calls it gets and lets a test step in between them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from ..aio import async_store
from ..errors import Moved
from ..store import (
    Absence,
    AnyStore,
    AsyncSessionStore,
    Change,
    Deletion,
    Guarantees,
    Record,
    SessionStore,
)

T = TypeVar("T")
Hook = Callable[[str], Awaitable[None]]
"""Gets the name of an operation; what it raises is raised by the operation."""


def finished(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    coroutine.close()
    raise AssertionError("a blocking session's request has waited for something")


async def _nothing(operation: str) -> None:
    """The hook of a test that only counts."""


class Watch:
    """What both kinds of watched store share.

    ``before`` and ``after`` are awaited round each operation. A reply is lost when ``after``
    raises StoreUnavailable.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.before: Hook = _nothing
        self.after: Hook = _nothing


class WatchedStore(SessionStore):
    """Passes every operation on to ``inner``; its asynchronous view is watched by the same."""

    def __init__(self, inner: SessionStore, watch: Watch) -> None:
        self.inner = inner
        self.watch = watch
        self.guarantees = inner.guarantees

    def load(self, key: str) -> Record | Moved | None:
        return self._passed_on("load", lambda: self.inner.load(key))

    def create(self, key: str, record: Record) -> None:
        self._passed_on("create", lambda: self.inner.create(key, record))

    def update(self, key: str, change: Change) -> None:
        self._passed_on("update", lambda: self.inner.update(key, change))

    def rotate(self, old: str, new: str, record: Record, rev: object, grace_until: int) -> None:
        self._passed_on("rotate", lambda: self.inner.rotate(old, new, record, rev, grace_until))

    def delete(self, key: str) -> Deletion | Absence | Moved:
        return self._passed_on("delete", lambda: self.inner.delete(key))

    def colocated(self, a: str, b: str) -> bool:
        return self.inner.colocated(a, b)

    def _passed_on(self, operation: str, call: Callable[[], T]) -> T:
        async def step() -> T:
            self.watch.calls.append(operation)
            await self.watch.before(operation)
            result = call()
            await self.watch.after(operation)
            return result

        return finished(step())


class WatchedAsyncStore(AsyncSessionStore):
    """Passes every operation on to ``inner``, awaited."""

    def __init__(self, inner: AsyncSessionStore, watch: Watch) -> None:
        self.inner = inner
        self.watch = watch

    @property
    def guarantees(self) -> Guarantees:  # type: ignore[override]  # read from inner
        return self.inner.guarantees

    async def load(self, key: str) -> Record | Moved | None:
        return await self._passed_on("load", self.inner.load(key))

    async def create(self, key: str, record: Record) -> None:
        await self._passed_on("create", self.inner.create(key, record))

    async def update(self, key: str, change: Change) -> None:
        await self._passed_on("update", self.inner.update(key, change))

    async def rotate(
        self, old: str, new: str, record: Record, rev: object, grace_until: int
    ) -> None:
        await self._passed_on("rotate", self.inner.rotate(old, new, record, rev, grace_until))

    async def delete(self, key: str) -> Deletion | Absence | Moved:
        return await self._passed_on("delete", self.inner.delete(key))

    def colocated(self, a: str, b: str) -> bool:
        return self.inner.colocated(a, b)

    async def _passed_on(self, operation: str, call: Coroutine[Any, Any, T]) -> T:
        self.watch.calls.append(operation)
        try:
            await self.watch.before(operation)
            result = await call
        finally:
            call.close()
        await self.watch.after(operation)
        return result


def watched(store: AnyStore, watch: Watch) -> AnyStore:
    """``store`` of the kind that it is, with ``watch`` on it."""
    if isinstance(store, SessionStore):
        return WatchedStore(store, watch)
    return WatchedAsyncStore(async_store(store), watch)
