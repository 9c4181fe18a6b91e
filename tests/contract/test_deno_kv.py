"""The contract suite over DenoKVStore: KV Connect in front of Deno's own KV."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis.stateful import run_state_machine_as_test

from contract.fault_cases import FaultCases
from serverless_sessions import AsyncSessionStore, open_store, to_async
from serverless_sessions.store import ABSENT, SessionStore
from serverless_sessions.testing.async_contract import AsyncStoreContract
from serverless_sessions.testing.cases.base import fresh_key
from serverless_sessions.testing.contract import StoreContract
from serverless_sessions.testing.machine import store_machine
from serverless_sessions_adapters.deno_kv import DenoKVStore
from servers.deno_kv import DenoKV
from servers.fault_proxy import FaultProxy, fault_proxy
from servers.faults import http_answer
from servers.lockstep import speak_http
from servers.process import HOST
from support.documents import DEAD


def opened(endpoint: str) -> DenoKVStore:
    """A store whose keys are nobody else's."""
    store = open_store(f"deno-kv://?base=test:{secrets.token_hex(4)}&endpoint={endpoint}")
    assert isinstance(store, DenoKVStore)
    return store


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, deno_kv: DenoKV) -> None:
    monkeypatch.setenv("DENO_KV_ACCESS_TOKEN", deno_kv.token)


class TestDenoKV(StoreContract):
    threads, increments, duels = 8, 4, 50

    @pytest.fixture
    def store(self, deno_kv: DenoKV) -> Iterator[SessionStore]:
        with closing(opened(deno_kv.endpoint)) as store:
            yield store

    def plant_damage(self, store: SessionStore) -> list[str]:
        assert isinstance(store, DenoKVStore)
        keys = [fresh_key() for _ in DEAD]
        for key, text in zip(keys, DEAD, strict=True):
            store.documents.put(key, text, if_version=ABSENT, expires=None)
        return keys


class TestDenoKVAwaited(AsyncStoreContract):
    threads, increments, duels = 4, 2, 10

    @pytest.fixture
    def async_store(self, deno_kv: DenoKV) -> Iterator[AsyncSessionStore]:
        with closing(opened(deno_kv.endpoint)) as store:
            yield to_async(store)


class TestDenoKVFaults(FaultCases):
    broken = (
        http_answer(500, b"internal error"),
        http_answer(502, b"<html>Bad Gateway</html>"),
        http_answer(429, b""),
        http_answer(200, b""),
        http_answer(200, b"\x08\x05"),
        http_answer(200, b"\x0a\xff"),
    )

    @pytest.fixture
    def proxy(self, deno_kv: DenoKV) -> Iterator[FaultProxy]:
        with fault_proxy(deno_kv.port, speak_http) as proxy:
            yield proxy

    def opened(self, proxy: FaultProxy) -> SessionStore:
        return opened(f"http://{HOST}:{proxy.port}")


def test_deno_kv_beside_memory(deno_kv: DenoKV) -> None:
    machine = store_machine(lambda: closing(opened(deno_kv.endpoint)), examples=10)
    run_state_machine_as_test(machine)
