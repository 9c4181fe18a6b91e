"""The contract suite over RedisStore: Redis old and new, Valkey, and a cluster of three nodes."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis.stateful import run_state_machine_as_test

from contract.fault_cases import FaultCases
from serverless_sessions import AsyncSessionStore, open_store
from serverless_sessions.store import SessionStore
from serverless_sessions.testing.async_contract import AsyncStoreContract, BlockingStore
from serverless_sessions.testing.contract import StoreContract
from serverless_sessions.testing.machine import store_machine
from serverless_sessions_adapters.redis import RedisStore
from servers.fault_proxy import FaultProxy, fault_proxy
from servers.faults import redis_error
from servers.lockstep import speak_redis
from servers.process import HOST
from servers.redis_cluster import RedisCluster
from servers.redis_server import RedisServer
from support.redis_damage import half_hashes


def opened(url: str) -> RedisStore:
    """A store whose keys are nobody else's."""
    together = "&" if "?" in url else "?"
    store = open_store(f"{url}{together}prefix=test-{secrets.token_hex(4)}")
    assert isinstance(store, RedisStore)
    return store


def clustered(cluster: RedisCluster) -> RedisStore:
    return opened(f"{cluster.url.removesuffix('/0')}?cluster=on")


def plant(store: SessionStore) -> list[str]:
    assert isinstance(store, RedisStore)
    halves = half_hashes(store.operations)
    for place, fields in halves.values():
        store.client.hset(place, mapping=fields)
    return list(halves)


class TestRedis(StoreContract):
    @pytest.fixture
    def store(self, redis_server: RedisServer) -> Iterator[SessionStore]:
        with closing(opened(redis_server.url)) as store:
            yield store

    def plant_damage(self, store: SessionStore) -> list[str]:
        return plant(store)


class TestOldestRedis(StoreContract):
    @pytest.fixture
    def store(self, redis_6: RedisServer) -> Iterator[SessionStore]:
        with closing(opened(redis_6.url)) as store:
            yield store


class TestValkey(StoreContract):
    @pytest.fixture
    def store(self, valkey: RedisServer) -> Iterator[SessionStore]:
        with closing(opened(valkey.url)) as store:
            yield store


class TestRedisCluster(StoreContract):
    @pytest.fixture
    def store(self, redis_cluster: RedisCluster) -> Iterator[SessionStore]:
        with closing(clustered(redis_cluster)) as store:
            yield store

    def plant_damage(self, store: SessionStore) -> list[str]:
        return plant(store)


class TestRedisAwaited(AsyncStoreContract):
    @pytest.fixture
    def async_store(self, redis_server: RedisServer) -> Iterator[AsyncSessionStore]:
        with closing(opened(redis_server.url)) as self.blocking:
            yield native(self.blocking)

    def plant_damage(self, store: SessionStore) -> list[str]:
        assert isinstance(store, BlockingStore)
        return plant(self.blocking)


class TestRedisClusterAwaited(AsyncStoreContract):
    @pytest.fixture
    def async_store(self, redis_cluster: RedisCluster) -> Iterator[AsyncSessionStore]:
        with closing(clustered(redis_cluster)) as store:
            yield native(store)


class TestRedisFaults(FaultCases):
    broken = (
        redis_error("LOADING Redis is loading the dataset in memory"),
        redis_error("OOM command not allowed when used memory > 'maxmemory'."),
        redis_error("READONLY You can't write against a read only replica."),
        redis_error("ERR something inside broke"),
    )

    @pytest.fixture
    def proxy(self, redis_server: RedisServer) -> Iterator[FaultProxy]:
        with fault_proxy(redis_server.port, speak_redis) as proxy:
            yield proxy

    def opened(self, proxy: FaultProxy) -> SessionStore:
        return opened(f"redis://{HOST}:{proxy.port}")


def native(store: RedisStore) -> AsyncSessionStore:
    awaited = store.native_async()
    assert awaited is not None
    return awaited


def test_redis_beside_memory(redis_server: RedisServer) -> None:
    run_state_machine_as_test(store_machine(lambda: closing(opened(redis_server.url))))


def test_a_cluster_beside_memory(redis_cluster: RedisCluster) -> None:
    run_state_machine_as_test(store_machine(lambda: closing(clustered(redis_cluster)), examples=20))
