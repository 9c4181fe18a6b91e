"""How a store of Deno KV is opened, what it shares with Deno, and what it says is wrong."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from serverless_sessions import clock, open_store
from serverless_sessions.errors import (
    AccessDenied,
    ConfigurationError,
    Conflict,
    CorruptRecord,
    SessionTooLarge,
    StoreTimeout,
    StoreUnavailable,
)
from serverless_sessions.store import ABSENT, DELETED
from serverless_sessions.testing.cases.base import created, fresh_key, loaded, texts
from serverless_sessions_adapters.deno_kv import DenoKVStore
from servers.deno_kv import DenoKV
from servers.fault_proxy import FaultProxy, fault_proxy
from servers.faults import Answer, http_answer
from servers.lockstep import speak_http
from servers.process import HOST

TOKEN = "DENO_KV_ACCESS_TOKEN"
SECRET = "hunter2"
TEXTS = ['[["Map"]]', "é" * 200, "鍵" * 200, "a鍵", "😀" * 9_000, "x" * 31_000]


def opened(url: str) -> DenoKVStore:
    store = open_store(url)
    assert isinstance(store, DenoKVStore)
    return store


@pytest.fixture
def proxy(deno_kv: DenoKV, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    monkeypatch.setenv(TOKEN, deno_kv.token)
    with fault_proxy(deno_kv.port, speak_http) as proxy:
        yield proxy


@pytest.fixture
def store(proxy: FaultProxy) -> Iterator[DenoKVStore]:
    base = f"test:{secrets.token_hex(4)}"
    with closing(opened(f"deno-kv://?endpoint=http://{HOST}:{proxy.port}&base={base}")) as store:
        yield store


def put(store: DenoKVStore, key: str, text: str, version: object = ABSENT) -> object:
    return store.documents.put(key, text, if_version=version, expires=None)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("deno-kv://d1", "https://api.deno.com/databases/d1/connect"),
        ("deno-kv://?endpoint=http://denokv:4512/", "http://denokv:4512"),
    ],
)
def test_a_url_names_the_database(monkeypatch: pytest.MonkeyPatch, url: str, address: str) -> None:
    monkeypatch.setenv(TOKEN, SECRET)
    assert opened(url).documents._connect._url == address


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("deno-kv", "deno-kv://DATABASE_ID"),
        ("deno-kv://d?endpoint=https://x", "deno-kv://DATABASE_ID"),
        ("deno-kv://d/path", "takes no path"),
        ("deno-kv://?endpoint=hunter2", "endpoint"),
        ("deno-kv://d?token=hunter2", "unknown parameter 'token'"),
        (f"deno-kv://d?base={'b' * 1920}", "base is too long"),
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
        opened("deno-kv://d")
    assert SECRET not in str(raised.value)


def test_deno_reads_what_we_write_and_we_read_what_it_writes(
    store: DenoKVStore, deno_kv: DenoKV
) -> None:
    ours = {secrets.token_hex(8): text for text in TEXTS}
    theirs = {secrets.token_hex(8): text for text in TEXTS}
    for key, text in ours.items():
        put(store, key, text)
    base = [*store.documents._base]
    read = deno_kv.evaluated(
        f"""
        const base = {json.dumps(base)}, theirs = {json.dumps(theirs)};
        for (const key in theirs) await kv.set([...base, key], theirs[key]);
        const found = {{}};
        for await (const {{ key, value }} of kv.list({{ prefix: base }})) found[key.at(-1)] = value;
        console.log(JSON.stringify(found));
        """
    )
    assert json.loads(read) == {**ours, **theirs}
    for key, text in theirs.items():
        found = store.documents.get(key)
        assert found is not None
        assert found[0] == text


def test_a_value_that_is_no_string_is_an_error_until_it_is_destroyed(
    store: DenoKVStore, deno_kv: DenoKV
) -> None:
    key = fresh_key()
    base = json.dumps([*store.documents._base, key])
    for value in ("7", "{ a: 1 }", "new Uint8Array(3)", "new Deno.KvU64(3n)", "''"):
        deno_kv.evaluated(f"await kv.set({base}, {value});")
        with pytest.raises(CorruptRecord):
            store.load(key)
        assert store.delete(key) is DELETED
        assert store.load(key) is None


def test_a_write_holds_for_the_version_that_was_read_alone(store: DenoKVStore) -> None:
    key = fresh_key()
    version = put(store, key, "a")
    with pytest.raises(Conflict):
        put(store, key, "b")
    with pytest.raises(Conflict):
        put(store, key, "b", b"\xff" * 10)
    assert store.documents.get(key) == ("a", version)
    again = put(store, key, "a", version)
    assert again != version
    with pytest.raises(Conflict):
        put(store, key, "b", version)


def test_a_value_has_a_size(store: DenoKVStore) -> None:
    assert store.guarantees.max_bytes == 24_000
    put(store, fresh_key(), "é" + "x" * 31_998)
    put(store, fresh_key(), "鍵" + "x" * 31_997)
    with pytest.raises(SessionTooLarge, match="65536"):
        put(store, fresh_key(), "鍵" * 32_768)


def _metadata(**changed: Any) -> Answer:
    told = {
        "version": 3,
        "databaseId": "d",
        "endpoints": [{"url": "/v2", "consistency": "strong"}],
        "token": SECRET,
        "expiresAt": "2100-01-01T00:00:00.000Z",
    }
    return http_answer(200, {**told, **changed})


@pytest.mark.parametrize(
    "answer",
    [
        _metadata(version=1),
        _metadata(databaseId=None),
        _metadata(token=""),
        _metadata(token=7),
        _metadata(endpoints=None),
        _metadata(endpoints=[]),
        _metadata(endpoints=["/v2"]),
        _metadata(endpoints=[{"url": "/v2", "consistency": "eventual"}]),
        _metadata(endpoints=[{"url": "file:///v2", "consistency": "strong"}]),
        _metadata(expiresAt="soon"),
        http_answer(200, b""),
        http_answer(200, b"[]"),
        http_answer(400, b"no version in common"),
    ],
)
def test_metadata_that_do_not_serve_are_an_error(
    store: DenoKVStore, proxy: FaultProxy, answer: Answer
) -> None:
    proxy.inject(answer)
    with pytest.raises(StoreUnavailable):
        store.load(fresh_key())
    created(store)


def _asks_for_metadata(request: bytes) -> bool:
    return request.startswith(b"POST / ")


def test_metadata_are_asked_for_once_and_again_when_their_token_ends(
    store: DenoKVStore, proxy: FaultProxy
) -> None:
    created(store)
    before = proxy.traffic
    created(store)
    assert (proxy.traffic - before).requests == 1

    ended = _metadata(expiresAt="2020-01-01T00:00:00Z")
    with closing(opened(f"deno-kv://?endpoint=http://{HOST}:{proxy.port}")) as other:
        given = proxy.inject(ended, when=_asks_for_metadata)
        with pytest.raises(AccessDenied):
            other.load(fresh_key())
        assert given.hits == 1
        before = proxy.traffic
        assert other.load(fresh_key()) is None
        assert (proxy.traffic - before).requests == 2


def test_a_token_taken_back_is_asked_for_anew(store: DenoKVStore, proxy: FaultProxy) -> None:
    key = created(store)
    proxy.inject(http_answer(401, b"no"), when=lambda request: b"snapshot_read" in request)
    before = proxy.traffic
    assert texts(loaded(store, key)) == {"first": "1"}
    assert (proxy.traffic - before).requests == 3


@pytest.mark.parametrize("call", ["snapshot_read", "atomic_write"])
def test_an_endpoint_that_is_out_of_use_is_left(
    store: DenoKVStore, proxy: FaultProxy, call: str
) -> None:
    key = created(store)
    disabled = b"\x10\x01" if call == "snapshot_read" else b"\x08\x05"
    proxy.inject(http_answer(200, disabled), when=lambda request: call.encode() in request)
    asked = proxy.inject(lambda: None, when=_asks_for_metadata)
    with pytest.raises(StoreUnavailable):
        store.delete(key)
    assert store.delete(key) is DELETED
    assert asked.hits == 1


def test_an_answer_that_may_be_old_is_no_answer(store: DenoKVStore, proxy: FaultProxy) -> None:
    created(store)
    proxy.inject(http_answer(200, b"\x0a\x00\x40\x01"))
    with pytest.raises(StoreUnavailable, match="consistent"):
        store.load(fresh_key())


def test_a_token_that_is_refused_is_denied_and_not_shown(
    proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN, SECRET)
    with closing(opened(f"deno-kv://?endpoint=http://{HOST}:{proxy.port}")) as store:
        with pytest.raises(AccessDenied, match=TOKEN) as raised:
            store.check()
        connect = store.documents._connect
        proxy.inject(_metadata())
        with pytest.raises(AccessDenied, match=TOKEN):
            store.check()
        shown = repr((raised.value, raised.value.__cause__, store, connect, connect._access))
    assert SECRET not in shown


def test_the_check_proves_the_conditions(store: DenoKVStore, proxy: FaultProxy) -> None:
    assert [finding.ok for finding in store.check()] == [True]
    written = http_answer(200, b"\x08\x01\x12\x01v")
    proxy.inject(written, when=lambda request: b"atomic_write" in request)
    assert [finding.ok for finding in store.check()] == [False]


def test_a_call_takes_no_longer_than_it_is_given(
    monkeypatch: pytest.MonkeyPatch, silent_server: int
) -> None:
    monkeypatch.setenv(TOKEN, SECRET)
    url = f"deno-kv://?endpoint=http://{HOST}:{silent_server}"
    with closing(opened(url)) as store, clock.call_limit(0.05), pytest.raises(StoreTimeout):
        store.load(fresh_key())
