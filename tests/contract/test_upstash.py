"""The contract suite over UpstashStore: its REST protocol in front of a real Redis."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis.stateful import run_state_machine_as_test

from serverless_sessions import AsyncSessionStore, open_store
from serverless_sessions.store import SessionStore
from serverless_sessions.testing.async_contract import AsyncStoreContract
from serverless_sessions.testing.contract import StoreContract
from serverless_sessions.testing.machine import store_machine
from serverless_sessions_adapters.upstash import UpstashStore
from servers.upstash_bridge import Upstash
from support.redis_damage import half_hashes


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, upstash: Upstash) -> None:
    monkeypatch.setenv("UPSTASH_REDIS_REST_URL", upstash.url)
    monkeypatch.setenv("UPSTASH_REDIS_REST_TOKEN", upstash.token)


def opened() -> UpstashStore:
    """A store whose keys are nobody else's."""
    store = open_store(f"upstash://?prefix=test-{secrets.token_hex(4)}")
    assert isinstance(store, UpstashStore)
    return store


class TestUpstash(StoreContract):
    @pytest.fixture
    def store(self) -> Iterator[SessionStore]:
        with closing(opened()) as store:
            yield store

    def plant_damage(self, store: SessionStore) -> list[str]:
        assert isinstance(store, UpstashStore)
        halves = half_hashes(store.operations)
        for place, fields in halves.values():
            store.client.hset(place, values=fields)
        return list(halves)


class TestUpstashAwaited(AsyncStoreContract):
    @pytest.fixture
    def async_store(self) -> Iterator[AsyncSessionStore]:
        with closing(opened()) as store:
            awaited = store.native_async()
            assert awaited is not None
            yield awaited


def test_upstash_beside_memory() -> None:
    run_state_machine_as_test(store_machine(lambda: closing(opened())))
