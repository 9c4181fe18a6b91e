"""How an Upstash store is opened, what it sends, and what it says is wrong."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
from upstash_redis.errors import UpstashError

from serverless_sessions import clock, ids, open_store
from serverless_sessions.errors import (
    AccessDenied,
    ConfigurationError,
    SessionError,
    SessionTooLarge,
    StoreTimeout,
    StoreUnavailable,
)
from serverless_sessions.store import Change
from serverless_sessions.testing.cases.base import created, entries, session
from serverless_sessions_adapters.upstash import UpstashStore
from servers.fault_proxy import FaultProxy, fault_proxy
from servers.faults import http_answer
from servers.lockstep import speak_http
from servers.process import HOST
from servers.upstash_bridge import Upstash

URL, TOKEN = "UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"
SECRET = "the value of a session"


@pytest.fixture
def proxy(upstash: Upstash, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    with fault_proxy(upstash.port, speak_http) as proxy:
        monkeypatch.setenv(URL, f"http://{HOST}:{proxy.port}")
        monkeypatch.setenv(TOKEN, upstash.token)
        yield proxy


@pytest.fixture
def store(proxy: FaultProxy) -> Iterator[UpstashStore]:
    with closing(opened(f"upstash://?prefix=test-{secrets.token_hex(4)}")) as store:
        yield store


def opened(url: str = "upstash") -> UpstashStore:
    store = open_store(url)
    assert isinstance(store, UpstashStore)
    return store


@pytest.mark.parametrize("missing", [URL, TOKEN])
def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setenv(URL, "https://example.upstash.io")
    monkeypatch.setenv(TOKEN, "hunter2")
    monkeypatch.delenv(missing)
    with pytest.raises(ConfigurationError, match=missing) as raised:
        opened()
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("upstash://host", "takes no host"),
        ("upstash://?token=hunter2", "unknown parameter 'token'"),
        ("upstash://?max_bytes=x", "whole number"),
    ],
)
def test_a_wrong_url_is_refused(monkeypatch: pytest.MonkeyPatch, url: str, says: str) -> None:
    monkeypatch.setenv(URL, "https://example.upstash.io")
    monkeypatch.setenv(TOKEN, "token")
    with pytest.raises(ConfigurationError, match=says) as raised:
        opened(url)
    assert "hunter2" not in str(raised.value)


def test_an_address_of_the_redis_protocol_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URL, "rediss://:hunter2@example.upstash.io:6379")
    monkeypatch.setenv(TOKEN, "token")
    with pytest.raises(ConfigurationError, match="https://") as raised:
        opened()
    assert "hunter2" not in str(raised.value)


def test_each_operation_is_one_request_and_one_key_of_a_large_session_a_small_one(
    store: UpstashStore, proxy: FaultProxy
) -> None:
    key = created(store, session({f"k{n}": "x" * 2000 for n in range(100)}))
    store.update(key, Change(set=entries(learnt="the script")))
    before = proxy.traffic
    store.update(key, Change(set=entries(small="y" * 20), nonce=ids.draw_nonce()))
    moved = proxy.traffic - before
    assert moved.requests == 1
    assert moved.sent < 2000


def test_a_reply_that_says_nothing_is_not_asked_for_twice_by_the_sdk(
    store: UpstashStore, proxy: FaultProxy
) -> None:
    created(store)
    hit = proxy.inject(http_answer(502, b"<html>"), times=None)
    with pytest.raises(StoreUnavailable):
        store.load("0" * 64)
    assert hit.hits == 1


def test_a_token_that_may_not_write_is_denied(
    monkeypatch: pytest.MonkeyPatch, proxy: FaultProxy, upstash: Upstash
) -> None:
    for token in (upstash.read_only_token, "hunter2"):
        monkeypatch.setenv(TOKEN, token)
        with closing(opened()) as store, pytest.raises(AccessDenied, match=TOKEN) as raised:
            created(store)
        assert token not in str(raised.value)


@pytest.mark.parametrize(
    ("error", "becomes"),
    [
        (httpx.ReadTimeout(SECRET), StoreTimeout),
        (httpx.ConnectError(SECRET), StoreUnavailable),
        (UpstashError(f"ERR {SECRET}"), StoreUnavailable),
        (UpstashError("WRONGPASS invalid or missing auth token"), AccessDenied),
        (UpstashError("NOPERM this user has no permissions to run the 'evalsha'"), AccessDenied),
        (UpstashError("WRONGTYPE Operation against a key"), ConfigurationError),
        (UpstashError("ERR max request size exceeded. Limit: 10485760 bytes"), SessionTooLarge),
        (UpstashError("ERR max daily request limit exceeded"), StoreUnavailable),
        (KeyError(SECRET), StoreUnavailable),
    ],
)
def test_errors_of_the_client_become_ours_without_its_words(
    store: UpstashStore, error: Exception, becomes: type[SessionError]
) -> None:
    translated = store.operations.translated(error, "loading a session")
    assert type(translated) is becomes
    assert SECRET not in str(translated)


def test_a_call_takes_no_longer_than_it_is_given(
    monkeypatch: pytest.MonkeyPatch, silent_server: int
) -> None:
    monkeypatch.setenv(URL, f"http://127.0.0.1:{silent_server}")
    monkeypatch.setenv(TOKEN, "token")

    with closing(opened()) as store, clock.call_limit(0.05):
        with pytest.raises(StoreTimeout):
            store.load("0" * 64)
        with pytest.raises(StoreTimeout):
            asyncio.run(_awaited_load(store))


async def _awaited_load(store: UpstashStore) -> None:
    awaited = store.native_async()
    assert awaited is not None
    try:
        await awaited.load("0" * 64)
    finally:
        await awaited.close()


def test_the_check_needs_no_session(store: UpstashStore) -> None:
    assert [finding.ok for finding in store.check()] == [True, True]
