"""The contract suite over stores that are awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

from serverless_sessions import AsyncSessionStore, MemoryStore, Moved, clock, to_async
from serverless_sessions.store import Record
from serverless_sessions.testing.async_contract import AsyncStoreContract, blocking
from serverless_sessions_adapters.sqlite import SqliteStore
from support.native import Marker, NativeStore


class UnlockedStore(NativeStore):
    """Lets others in between reading and writing."""

    def __init__(self) -> None:
        super().__init__()
        self._turn = nullcontext()

    async def _standing(self, key: str) -> Record | Marker | None:
        standing = await super()._standing(key)
        await asyncio.sleep(0.002)
        return standing


class TestNativeStore(AsyncStoreContract):
    @pytest.fixture
    def async_store(self) -> AsyncSessionStore:
        return NativeStore()


class TestThreadedMemoryStore(AsyncStoreContract):
    @pytest.fixture
    def async_store(self) -> AsyncSessionStore:
        return to_async(MemoryStore())


class TestThreadedSqliteStore(AsyncStoreContract):
    @pytest.fixture
    def async_store(self, tmp_path: Path) -> Iterator[AsyncSessionStore]:
        with closing(SqliteStore(tmp_path / "sessions.db")) as store:
            yield to_async(store)


def test_a_store_that_races_with_itself_is_found_out() -> None:
    with blocking(UnlockedStore()) as store, pytest.raises(AssertionError):
        TestNativeStore().test_increments_by_compare_and_set_are_all_counted(store)


def test_the_callers_time_limit_reaches_the_coroutine() -> None:
    class Impatient(NativeStore):
        async def load(self, key: str) -> Record | Moved | None:
            seen.append(clock.time_left())
            return None

    seen: list[float] = []
    with blocking(Impatient()) as store, clock.call_limit(500):
        store.load("key")
    assert 400 < seen[0] <= 500
