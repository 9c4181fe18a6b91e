"""The contract suite over CloudflareKVStore: what is left of it without conditional writes."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis.stateful import run_state_machine_as_test

from contract.fault_cases import FaultCases
from serverless_sessions import open_store
from serverless_sessions.store import ABSENT, SessionStore
from serverless_sessions.testing.cases.base import fresh_key
from serverless_sessions.testing.contract import StoreContract
from serverless_sessions.testing.machine import store_machine
from serverless_sessions_adapters.cloudflare_kv import CloudflareKVStore
from servers.cloudflare_kv import CloudflareKV
from servers.fault_proxy import FaultProxy, fault_proxy
from servers.faults import http_answer
from servers.lockstep import speak_http
from support.documents import DEAD


def opened(url: str) -> CloudflareKVStore:
    """A store whose keys are nobody else's."""
    store = open_store(f"{url}&base=test:{secrets.token_hex(4)}")
    assert isinstance(store, CloudflareKVStore)
    return store


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, cloudflare_kv: CloudflareKV) -> None:
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", cloudflare_kv.token)


class TestCloudflareKV(StoreContract):
    threads, increments, duels = 8, 4, 50

    @pytest.fixture
    def store(self, cloudflare_kv: CloudflareKV) -> Iterator[SessionStore]:
        with closing(opened(cloudflare_kv.url())) as store:
            yield store

    def plant_damage(self, store: SessionStore) -> list[str]:
        assert isinstance(store, CloudflareKVStore)
        keys = [fresh_key() for _ in DEAD]
        for key, text in zip(keys, DEAD, strict=True):
            store.documents.put(key, text, if_version=ABSENT, expires=None)
        return keys


class TestCloudflareKVFaults(FaultCases):
    refuses = frozenset({"/add"})
    broken = (
        http_answer(500, {"success": False, "errors": [{"code": 10001, "message": "down"}]}),
        http_answer(502, b"<html>Bad Gateway</html>"),
        http_answer(429, {"success": False, "errors": [{"code": 10048, "message": "slow"}]}),
        http_answer(404, {"success": False, "errors": [{"code": 7003, "message": "no route"}]}),
    )

    @pytest.fixture
    def proxy(self, cloudflare_kv: CloudflareKV) -> Iterator[FaultProxy]:
        with fault_proxy(cloudflare_kv.port, speak_http) as proxy:
            self.url = cloudflare_kv.url(proxy.port)
            yield proxy

    def opened(self, proxy: FaultProxy) -> SessionStore:
        return opened(self.url)


def test_cloudflare_kv_beside_memory(cloudflare_kv: CloudflareKV) -> None:
    machine = store_machine(lambda: closing(opened(cloudflare_kv.url())), examples=10)
    run_state_machine_as_test(machine)
