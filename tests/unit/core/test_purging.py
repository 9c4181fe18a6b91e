"""purge_expired: bounded in number, time and rate, and telling how many went."""

from __future__ import annotations

import time

import pytest

from serverless_sessions import MemoryStore, clock, ids, purging
from serverless_sessions.errors import (
    ConfigurationError,
    StoreTimeout,
    StoreUnavailable,
    Unsupported,
)
from serverless_sessions.purging import BATCH, purge_expired
from serverless_sessions.store import Facts, Record
from serverless_sessions.testing import FrozenClock
from serverless_sessions.testing.watched import AsyncPassingStore, WatchedStore


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses that were asked for; the monotonic time goes on by them alone."""
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    monkeypatch.setattr(time, "monotonic", lambda: sum(pauses))
    return pauses


@pytest.fixture
def store(frozen_clock: FrozenClock) -> MemoryStore:
    return MemoryStore()


def fill(store: MemoryStore, number: int, *, idle: int = 0) -> None:
    """Sessions that ended now, or end in ``idle`` seconds."""
    now = clock.now()
    for _ in range(number):
        facts = Facts(ids.draw(), now - 60, now + 60)
        store.create(ids.stored_key(ids.draw()), Record({}, facts, now + idle))


def test_it_removes_the_expired_and_tells_how_many(store: MemoryStore, slept: list[float]) -> None:
    fill(store, 3)
    fill(store, 2, idle=30)
    assert purge_expired(store) == 3
    assert len(list(store.scan())) == 2
    assert purge_expired(store) == 0
    assert slept == []


def test_it_stops_at_the_limit(store: MemoryStore, slept: list[float]) -> None:
    fill(store, BATCH + 7)
    assert purge_expired(store, limit=BATCH + 2) == BATCH + 2
    assert purge_expired(store, limit=0) == 0
    assert purge_expired(store) == 5


def test_it_keeps_to_the_rate(store: MemoryStore, slept: list[float]) -> None:
    fill(store, 2 * BATCH)
    assert purge_expired(store, per_second=BATCH / 4) == 2 * BATCH
    assert slept == [4, 4]


def test_it_stops_when_its_time_is_up_and_the_next_call_goes_on(
    store: MemoryStore, slept: list[float]
) -> None:
    fill(store, 5 * BATCH)
    assert purge_expired(store, per_second=BATCH, seconds=3) == 3 * BATCH
    assert sum(slept) == 3
    slept.clear()
    assert purge_expired(store, limit=BATCH, per_second=BATCH / 60, seconds=3) == BATCH
    assert slept == []
    assert purge_expired(store, limit=BATCH - 1, per_second=1, seconds=3) == BATCH - 1
    assert slept == []
    fill(store, 2 * BATCH)
    assert purge_expired(store, per_second=BATCH / 60, seconds=3) == BATCH
    assert slept == [3]
    slept.clear()
    assert purge_expired(store, per_second=BATCH, seconds=3) == BATCH + 1


def test_each_call_of_the_store_is_given_what_is_left_of_the_time(
    store: MemoryStore, slept: list[float]
) -> None:
    fill(store, 2 * BATCH)
    left: list[float] = []

    class Noting(MemoryStore):
        def purge(self, limit: int = 1000) -> int:
            left.append(clock.time_left())
            return store.purge(limit)

    purge_expired(Noting(), per_second=BATCH, seconds=10)
    assert left == [10, 9, 8]


def test_a_call_that_runs_out_of_time_ends_it(slept: list[float]) -> None:
    class Slow(MemoryStore):
        def purge(self, limit: int = 1000) -> int:
            time.sleep(clock.time_left())
            raise StoreTimeout("too slow")

    class Broken(MemoryStore):
        def purge(self, limit: int = 1000) -> int:
            raise StoreTimeout("no answer")

    assert purge_expired(Slow()) == 0
    with pytest.raises(StoreTimeout):
        purge_expired(Broken())


def test_a_store_that_fails_is_told(store: MemoryStore) -> None:
    class Down(MemoryStore):
        def purge(self, limit: int = 1000) -> int:
            raise StoreUnavailable("down")

    with pytest.raises(StoreUnavailable):
        purge_expired(Down())
    with pytest.raises(Unsupported):
        purge_expired(WatchedStore(MemoryStore()))


def test_the_store_is_the_one_of_the_environment_and_opened_once(
    session_store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    purging._manager.cache_clear()
    fill(session_store, 2)
    assert purge_expired() == 2
    assert purge_expired("memory://") == 0
    first = purging._manager("memory://")
    assert purging._manager("memory://") is first


def test_a_store_that_can_only_be_awaited_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="AsyncPassingStore can only be awaited"):
        purge_expired(AsyncPassingStore())
