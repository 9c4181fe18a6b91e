"""The contract suite over NetlifyBlobsStore: Netlify's own BlobsServer, by both of its doors."""

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
from serverless_sessions_adapters.netlify_blobs import NetlifyBlobsStore
from servers.fault_proxy import FaultProxy, fault_proxy
from servers.faults import http_answer
from servers.lockstep import speak_http
from servers.netlify_blobs import NetlifyBlobs
from support.documents import DEAD


def opened(url: str = "netlify-blobs://") -> NetlifyBlobsStore:
    """A store whose blobs are nobody else's."""
    place, mark, query = url.partition("?")
    store = open_store(f"{place}/test-{secrets.token_hex(4)}{mark}{query}")
    assert isinstance(store, NetlifyBlobsStore)
    return store


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, netlify_blobs: NetlifyBlobs) -> None:
    monkeypatch.setenv("NETLIFY_BLOBS_CONTEXT", netlify_blobs.context())
    monkeypatch.setenv("NETLIFY_AUTH_TOKEN", netlify_blobs.token)


class TestNetlifyBlobs(StoreContract):
    threads, increments, duels = 8, 4, 50

    @pytest.fixture
    def store(self) -> Iterator[SessionStore]:
        with closing(opened()) as store:
            yield store

    def plant_damage(self, store: SessionStore) -> list[str]:
        assert isinstance(store, NetlifyBlobsStore)
        keys = [fresh_key() for _ in DEAD]
        for key, text in zip(keys, DEAD, strict=True):
            store.documents.put(key, text, if_version=ABSENT, expires=None)
        return keys


class TestNetlifyBlobsByTheAPIAwaited(AsyncStoreContract):
    threads, increments, duels = 4, 2, 10

    @pytest.fixture
    def async_store(self, netlify_blobs: NetlifyBlobs) -> Iterator[AsyncSessionStore]:
        server = f"http://127.0.0.1:{netlify_blobs.port}"
        with closing(opened(f"netlify-blobs://{netlify_blobs.site}?endpoint={server}")) as store:
            yield to_async(store)


class TestNetlifyBlobsFaults(FaultCases):
    broken = (
        http_answer(500, b""),
        http_answer(502, b"<html>Bad Gateway</html>"),
        http_answer(429, {"code": 429, "message": "too many requests"}),
        http_answer(200, b""),
    )

    @pytest.fixture
    def proxy(self, netlify_blobs: NetlifyBlobs) -> Iterator[FaultProxy]:
        with (
            fault_proxy(netlify_blobs.port, speak_http) as proxy,
            pytest.MonkeyPatch.context() as patch,
        ):
            patch.setenv("NETLIFY_BLOBS_CONTEXT", netlify_blobs.context(proxy.port))
            yield proxy

    def opened(self, proxy: FaultProxy) -> SessionStore:
        return opened()


def test_netlify_blobs_beside_memory() -> None:
    run_state_machine_as_test(store_machine(lambda: closing(opened()), examples=10))
