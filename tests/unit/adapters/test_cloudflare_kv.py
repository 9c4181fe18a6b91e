"""How a store of Cloudflare KV is opened, what it sends, and what it says is wrong."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from serverless_sessions import clock, open_store
from serverless_sessions.errors import (
    AccessDenied,
    ConfigurationError,
    StoreTimeout,
    StoreUnavailable,
    Unsupported,
)
from serverless_sessions.store import ABSENT, Change
from serverless_sessions.testing.cases.base import created, entries, fresh_key, loaded, texts
from serverless_sessions_adapters.cloudflare_kv import LEAST_SECONDS, CloudflareKVStore
from servers.cloudflare_kv import ACCOUNT, NAMESPACE, CloudflareKV
from servers.fault_proxy import FaultProxy, fault_proxy
from servers.faults import http_answer
from servers.lockstep import speak_http
from servers.process import HOST

TOKEN = "CLOUDFLARE_API_TOKEN"
URL = "cloudflare-kv://a1/n1"
SECRET = "hunter2"


def opened(url: str) -> CloudflareKVStore:
    store = open_store(url)
    assert isinstance(store, CloudflareKVStore)
    return store


@pytest.fixture
def proxy(cloudflare_kv: CloudflareKV, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    monkeypatch.setenv(TOKEN, cloudflare_kv.token)
    with fault_proxy(cloudflare_kv.port, speak_http) as proxy:
        yield proxy


@pytest.fixture
def store(proxy: FaultProxy, cloudflare_kv: CloudflareKV) -> Iterator[CloudflareKVStore]:
    base = f"test:{secrets.token_hex(4)}"
    with closing(opened(f"{cloudflare_kv.url(proxy.port)}&base={base}")) as store:
        yield store


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (URL, "https://api.cloudflare.com/client/v4/accounts/a1/storage/kv/namespaces/n1/values/k"),
        (f"{URL}?base=sess:", "{}/sess%3Ak"),
        (f"{URL}?base=/a//b%3A", "{}/a%3Ab%3Ak"),
        (f"{URL}?base=%C3%A9%25", "{}/%C3%A9%25%3Ak"),
    ],
)
def test_a_key_is_one_segment(monkeypatch: pytest.MonkeyPatch, url: str, address: str) -> None:
    monkeypatch.setenv(TOKEN, SECRET)
    values = "https://api.cloudflare.com/client/v4/accounts/a1/storage/kv/namespaces/n1/values"
    assert opened(url).documents._url("k") == address.format(values)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("cloudflare-kv", "cloudflare-kv://ACCOUNT/NAMESPACE"),
        ("cloudflare-kv://a", "cloudflare-kv://ACCOUNT/NAMESPACE"),
        ("cloudflare-kv:///n", "cloudflare-kv://ACCOUNT/NAMESPACE"),
        ("cloudflare-kv://a/n/m", "cloudflare-kv://ACCOUNT/NAMESPACE"),
        (f"{URL}?base={'b' * 384}", "base is too long"),
        (f"{URL}?token=hunter2", "unknown parameter 'token'"),
        (f"{URL}?endpoint=hunter2", "endpoint"),
        ("cloudflare-kv://u:hunter2@a/n", "takes no user"),
    ],
)
def test_a_wrong_url_is_refused(monkeypatch: pytest.MonkeyPatch, url: str, says: str) -> None:
    monkeypatch.setenv(TOKEN, SECRET)
    with pytest.raises(ConfigurationError, match=says) as raised:
        opened(url)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("told", ["", "hunter2\n"])
def test_a_token_is_needed(monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    monkeypatch.setenv(TOKEN, told)
    with pytest.raises(ConfigurationError, match=TOKEN) as raised:
        opened(URL)
    assert SECRET not in str(raised.value)


def test_a_namespace_that_is_not_there_is_no_empty_session(
    proxy: FaultProxy, cloudflare_kv: CloudflareKV
) -> None:
    url = cloudflare_kv.url(proxy.port, namespace="another")
    with closing(opened(url)) as store:
        with pytest.raises(ConfigurationError, match="no such namespace"):
            store.load(fresh_key())
        with pytest.raises(ConfigurationError, match="no such namespace"):
            created(store)
        with pytest.raises(ConfigurationError, match="no such namespace"):
            store.check()


def test_a_token_that_is_refused_is_denied_and_not_shown(
    store: CloudflareKVStore, proxy: FaultProxy, cloudflare_kv: CloudflareKV
) -> None:
    for status in (401, 403):
        proxy.inject(
            http_answer(status, {"errors": [{"message": cloudflare_kv.token}]}), times=None
        )
        with pytest.raises(AccessDenied, match=TOKEN) as raised:
            store.check()
        assert cloudflare_kv.token not in repr((raised.value, raised.value.__cause__, store))
        proxy.heal()
    assert [finding.ok for finding in store.check()] == [True]


def test_a_request_too_many_says_why(store: CloudflareKVStore, proxy: FaultProxy) -> None:
    proxy.inject(http_answer(429, {"success": False}), when=lambda r: r.startswith(b"PUT "))
    with pytest.raises(StoreUnavailable, match="one write a second"):
        created(store)
    proxy.inject(http_answer(429, {"success": False}), when=lambda r: r.startswith(b"GET "))
    with pytest.raises(StoreUnavailable, match="1,200 requests"):
        store.load(fresh_key())


@pytest.mark.parametrize("status", [404, 429, 500, 502, 503])
def test_a_page_of_some_proxy_is_no_empty_session(
    store: CloudflareKVStore, proxy: FaultProxy, status: int
) -> None:
    key = created(store)
    proxy.inject(http_answer(status, b"<html>Error</html>"), times=3)
    for asked in (store.load, store.delete, lambda key: store.update(key, Change(clear=True))):
        with pytest.raises(StoreUnavailable):
            asked(key)
    assert texts(loaded(store, key)) == {"first": "1"}


@pytest.mark.parametrize("answer", [b"", b"{}", b'{"success": false}', b'{"success": 1}', b"[1]"])
def test_only_what_is_said_to_be_done_is_done(
    store: CloudflareKVStore, proxy: FaultProxy, answer: bytes
) -> None:
    proxy.inject(http_answer(200, answer), times=2)
    with pytest.raises(StoreUnavailable):
        store.documents.put(fresh_key(), "[]", if_version=ABSENT, expires=None)
    with pytest.raises(StoreUnavailable):
        store.documents.remove(fresh_key())


def test_what_needs_a_condition_is_refused(store: CloudflareKVStore) -> None:
    key = created(store)
    assert store.guarantees[:4] == (False, False, False, False)
    with pytest.raises(Unsupported):
        store.update(key, Change(set=entries(a="1"), expect={"first": "1"}))
    assert texts(loaded(store, key)) == {"first": "1"}


def test_what_ends_sooner_than_cloudflare_allows_is_written(store: CloudflareKVStore) -> None:
    store.documents.put("k", "[]", if_version=ABSENT, expires=clock.now() + 1)
    found = store.documents.get("k")
    assert found is not None
    assert found[0] == "[]"


@pytest.mark.parametrize("seconds", [None, -5, 10, 100_000])
def test_an_expiration_is_far_enough_ahead(
    store: CloudflareKVStore, proxy: FaultProxy, seconds: int | None
) -> None:
    seen: list[bytes] = []

    def noted(request: bytes) -> bool:
        seen.append(request)
        return True

    proxy.inject(http_answer(200, {"success": True}), when=noted)
    ends = None if seconds is None else clock.now() + seconds
    store.documents.put("k", "[]", if_version=ABSENT, expires=ends)
    query = seen[0].split()[1].decode().partition("?")[2]
    if ends is None:
        assert query == ""
    else:
        assert int(query.removeprefix("expiration=")) >= max(ends, time.time() + LEAST_SECONDS - 60)


def test_a_call_takes_no_longer_than_it_is_given(
    monkeypatch: pytest.MonkeyPatch, silent_server: int
) -> None:
    monkeypatch.setenv(TOKEN, SECRET)
    url = f"cloudflare-kv://{ACCOUNT}/{NAMESPACE}?endpoint=http://{HOST}:{silent_server}"
    with closing(opened(url)) as store, clock.call_limit(0.05), pytest.raises(StoreTimeout):
        store.load(fresh_key())
