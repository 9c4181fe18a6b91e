"""The contract suite for a store that is awaited.

    class TestMyStore(AsyncStoreContract):
        @pytest.fixture
        def async_store(self):
            return MyStore()

Every call runs on one event loop, from many threads at once where a case has them, and under
the time limit and the frozen time of its caller.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest

from ..errors import Moved
from ..handlers import _loop
from ..store import (
    Absence,
    AnyStore,
    AsyncSessionStore,
    Change,
    Deletion,
    Found,
    Record,
    SessionStore,
)
from .contract import StoreContract

T = TypeVar("T")


class BlockingStore(SessionStore):
    """``inner`` for callers that cannot await: each call waits for its coroutine."""

    def __init__(self, inner: AsyncSessionStore) -> None:
        self.inner = inner
        self.guarantees = inner.guarantees
        self.kind = inner.kind

    def load(self, key: str) -> Found:
        return _run(self.inner.load(key))

    def create(self, key: str, record: Record) -> None:
        _run(self.inner.create(key, record))

    def update(self, key: str, change: Change) -> None:
        _run(self.inner.update(key, change))

    def rotate(self, old: str, new: str, record: Record, rev: object, grace_until: int) -> None:
        _run(self.inner.rotate(old, new, record, rev, grace_until))

    def delete(self, key: str) -> Deletion | Absence | Moved:
        return _run(self.inner.delete(key))

    def colocated(self, a: str, b: str) -> bool:
        return self.inner.colocated(a, b)

    def list_user(self, user: str) -> list[str]:
        return _run(self.inner.list_user(user))

    def close(self) -> None:
        _run(self.inner.close())

    def __repr__(self) -> str:
        return repr(self.inner)


@contextmanager
def blocking(store: AsyncSessionStore) -> Iterator[BlockingStore]:
    """``store`` with calls instead of coroutines; closed at the end, on the loop it ran on."""
    driven = BlockingStore(store)
    try:
        yield driven
    finally:
        driven.close()


class AsyncStoreContract(StoreContract):
    """Every case of the contract. A subclass defines the fixture ``async_store``.

    ``plant_damage`` is given a ``BlockingStore``, whose ``inner`` is the store.
    """

    @pytest.fixture
    def async_store(self) -> AsyncSessionStore:
        raise NotImplementedError("a subclass of AsyncStoreContract defines 'async_store'")

    def driven(self, store: SessionStore) -> AnyStore:
        assert isinstance(store, BlockingStore)
        return store.inner

    @pytest.fixture
    def store(self, async_store: AsyncSessionStore) -> Iterator[SessionStore]:
        with blocking(async_store) as store:
            yield store


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    result: T = _loop.run(coroutine)
    return result
