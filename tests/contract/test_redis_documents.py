"""The contract suite over Redis and Upstash with Astro's layout, and a cluster of three nodes."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from hypothesis.stateful import run_state_machine_as_test

from contract.fault_cases import FaultCases
from serverless_sessions import AsyncSessionStore, open_store
from serverless_sessions.document_operations import TextStore
from serverless_sessions.errors import Moved
from serverless_sessions.store import DELETED, Change, SessionStore
from serverless_sessions.testing.async_contract import AsyncStoreContract, blocking
from serverless_sessions.testing.cases.base import (
    created,
    entries,
    fresh_key,
    loaded,
    rotated,
    texts,
)
from serverless_sessions.testing.contract import StoreContract
from serverless_sessions.testing.machine import store_machine
from serverless_sessions_adapters.redis import RedisTextStore
from serverless_sessions_adapters.upstash import UpstashTextStore
from servers.fault_proxy import FaultProxy, fault_proxy
from servers.faults import redis_error
from servers.lockstep import speak_redis
from servers.process import HOST
from servers.redis_cluster import RedisCluster
from servers.redis_server import RedisServer
from servers.upstash_bridge import Upstash
from support.documents import DEAD


def opened(url: str) -> RedisTextStore:
    """A store whose keys are nobody else's."""
    together = "&" if "?" in url else "?"
    store = open_store(f"{url}{together}layout=astro&base=test-{secrets.token_hex(4)}")
    assert isinstance(store, RedisTextStore)
    return store


def planted(store: RedisTextStore | UpstashTextStore) -> list[str]:
    keys = [fresh_key() for _ in DEAD]
    for key, text in zip(keys, DEAD, strict=True):
        store.client.client.set(store.texts.place_of(key), text)
    return keys


def native(store: TextStore) -> AsyncSessionStore:
    awaited = store.native_async()
    assert awaited is not None
    return awaited


class TestRedisTexts(StoreContract):
    threads, increments, duels = 8, 8, 50

    @pytest.fixture
    def store(self, redis_server: RedisServer) -> Iterator[SessionStore]:
        with closing(opened(redis_server.url)) as store:
            yield store

    def plant_damage(self, store: SessionStore) -> list[str]:
        assert isinstance(store, RedisTextStore)
        return planted(store)


class TestRedisTextsAwaited(AsyncStoreContract):
    threads, increments, duels = 8, 4, 20

    @pytest.fixture
    def async_store(self, redis_server: RedisServer) -> Iterator[AsyncSessionStore]:
        with closing(opened(redis_server.url)) as store:
            yield native(store)


class TestRedisTextsFaults(FaultCases):
    broken = (
        redis_error("LOADING Redis is loading the dataset in memory"),
        redis_error("OOM command not allowed when used memory > 'maxmemory'."),
    )

    @pytest.fixture
    def proxy(self, redis_server: RedisServer) -> Iterator[FaultProxy]:
        with fault_proxy(redis_server.port, speak_redis) as proxy:
            yield proxy

    def opened(self, proxy: FaultProxy) -> SessionStore:
        return opened(f"redis://{HOST}:{proxy.port}")


@pytest.fixture
def upstash_texts(upstash: Upstash, monkeypatch: pytest.MonkeyPatch) -> Iterator[UpstashTextStore]:
    monkeypatch.setenv("UPSTASH_REDIS_REST_URL", upstash.url)
    monkeypatch.setenv("UPSTASH_REDIS_REST_TOKEN", upstash.token)
    store = open_store(f"upstash://?layout=astro&base=test-{secrets.token_hex(4)}")
    assert isinstance(store, UpstashTextStore)
    with closing(store):
        yield store


class TestUpstashTexts(StoreContract):
    threads, increments, duels = 8, 4, 20

    @pytest.fixture
    def store(self, upstash_texts: UpstashTextStore) -> SessionStore:
        return upstash_texts

    def plant_damage(self, store: SessionStore) -> list[str]:
        assert isinstance(store, UpstashTextStore)
        return planted(store)


class TestUpstashTextsAwaited(AsyncStoreContract):
    threads, increments, duels = 8, 4, 20

    @pytest.fixture
    def async_store(self, upstash_texts: UpstashTextStore) -> AsyncSessionStore:
        return native(upstash_texts)


@pytest.mark.parametrize("awaited", [False, True])
def test_on_a_cluster_a_session_moves_from_slot_to_slot(
    redis_cluster: RedisCluster, awaited: bool
) -> None:
    url = f"{redis_cluster.url.removesuffix('/0')}?cluster=on"
    with closing(opened(url)) as store, ExitStack() as stack:
        used = stack.enter_context(blocking(native(store))) if awaited else store
        for _ in range(5):
            key = created(used)
            used.update(key, Change(set=entries(a="1")))
            new = rotated(used, key, grace=10)
            moved = used.load(key)
            assert isinstance(moved, Moved)
            assert moved.to == new
            assert texts(loaded(used, new)) == {"first": "1", "a": "1"}
            assert isinstance(used.delete(key), Moved)
            assert used.delete(new) is DELETED
            assert used.load(new) is None


def test_redis_texts_beside_memory(redis_server: RedisServer) -> None:
    machine = store_machine(lambda: closing(opened(redis_server.url)), examples=20)
    run_state_machine_as_test(machine)
