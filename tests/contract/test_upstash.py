"""The contract suite over UpstashStore: its REST protocol in front of a real Redis."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis.stateful import run_state_machine_as_test

from contract.fault_cases import FaultCases
from serverless_sessions import AsyncSessionStore, open_store
from serverless_sessions.store import SessionStore
from serverless_sessions.testing.async_contract import AsyncStoreContract
from serverless_sessions.testing.contract import StoreContract
from serverless_sessions.testing.machine import store_machine
from serverless_sessions_adapters.upstash import UpstashStore
from servers.fault_proxy import FaultProxy, fault_proxy
from servers.faults import http_answer
from servers.lockstep import speak_http
from servers.process import HOST
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


class TestUpstashFaults(FaultCases):
    broken = (
        http_answer(500, {"error": "ERR internal error"}),
        http_answer(502, b"<html>Bad Gateway</html>"),
        http_answer(429, {"error": "ERR max daily request limit exceeded"}),
        http_answer(200, b"[]"),
        http_answer(200, b""),
    )

    @pytest.fixture
    def proxy(self, upstash: Upstash) -> Iterator[FaultProxy]:
        with fault_proxy(upstash.port, speak_http) as proxy:
            yield proxy

    def opened(self, proxy: FaultProxy) -> SessionStore:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("UPSTASH_REDIS_REST_URL", f"http://{HOST}:{proxy.port}")
            return opened()


def test_upstash_beside_memory() -> None:
    run_state_machine_as_test(store_machine(lambda: closing(opened())))
