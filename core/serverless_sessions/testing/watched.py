"""Stores that pass every operation on: noted, counted, and with a test stepping in between."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ..errors import Moved
from ..store import Absence, AsyncSessionStore, Change, Deletion, Found, Record, SessionStore

T = TypeVar("T")
Hook = Callable[[str], object]
"""Gets an operation's name, and is awaited if it can be. What it raises is raised."""


def finished(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    coroutine.close()
    raise AssertionError("a blocking session's request has waited for something")


class PassingStore(SessionStore):
    """Hands each operation to ``pass_on``."""

    def pass_on(self, operation: str, *arguments: Any) -> Any:
        raise NotImplementedError

    def load(self, key: str) -> Found:
        found: Found = self.pass_on("load", key)
        return found

    def create(self, key: str, record: Record) -> None:
        self.pass_on("create", key, record)

    def update(self, key: str, change: Change) -> None:
        self.pass_on("update", key, change)

    def rotate(self, old: str, new: str, record: Record, rev: object, grace_until: int) -> None:
        self.pass_on("rotate", old, new, record, rev, grace_until)

    def delete(self, key: str) -> Deletion | Absence | Moved:
        answer: Deletion | Absence | Moved = self.pass_on("delete", key)
        return answer

    def list_user(self, user: str) -> list[str]:
        listed: list[str] = self.pass_on("list_user", user)
        return listed


class AsyncPassingStore(AsyncSessionStore):
    """Hands each operation to ``pass_on``, awaited."""

    async def pass_on(self, operation: str, *arguments: Any) -> Any:
        raise NotImplementedError

    async def load(self, key: str) -> Found:
        found: Found = await self.pass_on("load", key)
        return found

    async def create(self, key: str, record: Record) -> None:
        await self.pass_on("create", key, record)

    async def update(self, key: str, change: Change) -> None:
        await self.pass_on("update", key, change)

    async def rotate(
        self, old: str, new: str, record: Record, rev: object, grace_until: int
    ) -> None:
        await self.pass_on("rotate", old, new, record, rev, grace_until)

    async def delete(self, key: str) -> Deletion | Absence | Moved:
        answer: Deletion | Absence | Moved = await self.pass_on("delete", key)
        return answer

    async def list_user(self, user: str) -> list[str]:
        listed: list[str] = await self.pass_on("list_user", user)
        return listed


class WatchedStore(PassingStore):
    """Passes every operation on to ``inner``, and names it in ``calls``.

    ``before`` and ``after`` are called round each. A reply is lost when ``after`` raises
    StoreUnavailable.
    """

    def __init__(self, inner: SessionStore) -> None:
        self.inner = inner
        self.guarantees = inner.guarantees
        self.kind = inner.kind
        self.calls: list[str] = []
        self.before: Hook = _do_nothing
        self.after: Hook = _do_nothing

    def pass_on(self, operation: str, *arguments: Any) -> Any:
        self.calls.append(operation)
        finished(_told(self.before, operation))
        result = getattr(self.inner, operation)(*arguments)
        finished(_told(self.after, operation))
        return result

    def colocated(self, a: str, b: str) -> bool:
        return self.inner.colocated(a, b)


class WatchedAsyncStore(AsyncPassingStore):
    """``WatchedStore`` for a store that is awaited."""

    def __init__(self, inner: AsyncSessionStore) -> None:
        self.inner = inner
        self.guarantees = inner.guarantees
        self.kind = inner.kind
        self.calls: list[str] = []
        self.before: Hook = _do_nothing
        self.after: Hook = _do_nothing

    async def pass_on(self, operation: str, *arguments: Any) -> Any:
        self.calls.append(operation)
        await _told(self.before, operation)
        result = await getattr(self.inner, operation)(*arguments)
        await _told(self.after, operation)
        return result

    def colocated(self, a: str, b: str) -> bool:
        return self.inner.colocated(a, b)


def _do_nothing(operation: str) -> None:
    """The hook of a test that only counts."""


async def _told(hook: Hook, operation: str) -> None:
    answer = hook(operation)
    if inspect.isawaitable(answer):
        await answer
