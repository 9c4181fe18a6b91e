"""The contract suite over Redis and Upstash with Astro's layout: one server, and three nodes."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis.stateful import run_state_machine_as_test

from contract.fault_cases import FaultCases
from serverless_sessions import AsyncSessionStore, open_store
from serverless_sessions.document_operations import TextStore
from serverless_sessions.store import SessionStore
from serverless_sessions.testing.async_contract import AsyncStoreContract
from serverless_sessions.testing.cases.base import fresh_key
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
    @pytest.fixture
    def store(self, redis_server: RedisServer) -> Iterator[SessionStore]:
        with closing(opened(redis_server.url)) as store:
            yield store

    def plant_damage(self, store: SessionStore) -> list[str]:
        assert isinstance(store, RedisTextStore)
        return planted(store)


class TestRedisClusterTextsAwaited(AsyncStoreContract):
    threads, increments, duels = 8, 4, 50

    @pytest.fixture
    def async_store(self, redis_cluster: RedisCluster) -> Iterator[AsyncSessionStore]:
        url = f"{redis_cluster.url.removesuffix('/0')}?cluster=on"
        with closing(opened(url)) as store:
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
    threads, increments, duels = 8, 4, 50

    @pytest.fixture
    def store(self, upstash_texts: UpstashTextStore) -> SessionStore:
        return upstash_texts

    def plant_damage(self, store: SessionStore) -> list[str]:
        assert isinstance(store, UpstashTextStore)
        return planted(store)


class TestUpstashTextsAwaited(AsyncStoreContract):
    threads, increments, duels = 8, 4, 50

    @pytest.fixture
    def async_store(self, upstash_texts: UpstashTextStore) -> AsyncSessionStore:
        return native(upstash_texts)


def test_redis_texts_beside_memory(redis_server: RedisServer) -> None:
    machine = store_machine(lambda: closing(opened(redis_server.url)), examples=20)
    run_state_machine_as_test(machine)
