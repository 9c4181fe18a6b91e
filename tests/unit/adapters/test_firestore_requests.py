"""What FirestoreStore sends: requests for each operation, their options, and their bytes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from functools import partial
from typing import Any

import pytest
from google.cloud.firestore_v1 import types

from serverless_sessions import clock, to_async
from serverless_sessions.errors import Moved, SessionGone
from serverless_sessions.sansio import AsyncClientStore
from serverless_sessions.store import Change
from serverless_sessions.testing.cases.base import (
    created,
    entries,
    fresh_key,
    loaded,
    renewed,
    rotated,
    session,
)
from serverless_sessions_adapters.firestore import FirestoreStore
from servers.firestore_emulator import FirestoreEmulator
from support.firestore import (
    Making,
    as_expected,
    as_seen,
    blind,
    blind_and_due,
    empty_store,
    watched,
)


@pytest.fixture
def store(
    firestore_emulator: FirestoreEmulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FirestoreStore]:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_emulator.host)
    with closing(empty_store()) as store:
        yield store


def nowhere(_: FirestoreStore) -> str:
    return fresh_key()


def ended(store: FirestoreStore) -> str:
    return created(store, session(idle=0))


def moved(store: FirestoreStore) -> str:
    key = created(store)
    rotated(store, key, grace=10)
    return key


Prepared = Callable[[], object]


def loading(store: FirestoreStore, key: str) -> Prepared:
    return partial(store.load, key)


def creating(store: FirestoreStore, key: str) -> Prepared:
    return partial(store.create, key, session())


def updating(making: Making) -> Callable[[FirestoreStore, str], Prepared]:
    return lambda store, key: partial(store.update, key, making(store, key, a="1"))


def touching_within_slack(store: FirestoreStore, key: str) -> Prepared:
    idle = loaded(store, key).idle + 9
    return partial(store.update, key, Change(set=entries(a="1"), idle=idle, slack=10))


def rotating(store: FirestoreStore, key: str) -> Prepared:
    record = loaded(store, key)
    return partial(store.rotate, key, fresh_key(), renewed(record), record.rev, clock.now())


def deleting(store: FirestoreStore, key: str) -> Prepared:
    return partial(store.delete, key)


def listing(store: FirestoreStore, key: str) -> Prepared:
    return partial(store.list_user, "ann")


READ, WRITE, QUERY = "get", "commit", "query"


@pytest.mark.parametrize(
    ("prepare", "of", "requests"),
    [
        pytest.param(loading, created, [READ], id="load"),
        pytest.param(loading, nowhere, [READ], id="load, unknown"),
        pytest.param(loading, moved, [READ], id="load, moved"),
        pytest.param(creating, nowhere, [WRITE], id="create"),
        pytest.param(creating, ended, [WRITE, READ, WRITE], id="create over a dead session"),
        pytest.param(updating(blind), created, [WRITE], id="blind update"),
        pytest.param(updating(blind), nowhere, [WRITE], id="blind update, unknown"),
        pytest.param(updating(blind), ended, [WRITE], id="blind update, ended"),
        pytest.param(updating(blind), moved, [WRITE, READ], id="blind update, moved"),
        pytest.param(updating(blind_and_due), created, [WRITE, WRITE], id="blind update and touch"),
        pytest.param(touching_within_slack, created, [WRITE], id="blind update, touch not due"),
        pytest.param(updating(as_seen), created, [WRITE], id="update after a read, and touch"),
        pytest.param(updating(as_expected), created, [READ, WRITE], id="update without a read"),
        pytest.param(rotating, created, [WRITE], id="rotate"),
        pytest.param(deleting, created, [READ, WRITE], id="delete"),
        pytest.param(deleting, nowhere, [READ], id="delete, unknown"),
        pytest.param(deleting, moved, [READ], id="delete, moved"),
        pytest.param(listing, nowhere, [QUERY], id="list_user"),
    ],
)
def test_requests_of_an_operation(
    store: FirestoreStore,
    prepare: Callable[[FirestoreStore, str], Prepared],
    of: Callable[[FirestoreStore], str],
    requests: list[str],
) -> None:
    operation = prepare(store, of(store))
    client = watched(store)
    with suppress(SessionGone, Moved):
        operation()
    assert [request for request in client.requests if request != "pause"] == requests


class Tapped:
    """The generated client inside the SDK's, with what it is given to send."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if name not in ("commit", "batch_get_documents", "run_query"):
            return method

        def passed_on(**given: Any) -> Any:
            self.sent.append((name, given))
            return method(**given)

        return passed_on

    def bytes_of(self, at: int) -> int:
        name, given = self.sent[at]
        assert name == "commit"
        return len(types.CommitRequest.serialize(types.CommitRequest(given["request"])))


def tapped(client: Any) -> Tapped:
    tap = client._firestore_api_internal = Tapped(client._firestore_api)
    return tap


def test_every_request_is_tried_once_and_within_the_time_that_is_left(
    store: FirestoreStore,
) -> None:
    tap = tapped(store.client.client)
    with clock.call_limit(7):
        key = created(store, session(user="ann"))
        store.update(key, Change(set=entries(a="1"), idle=clock.now() + 7200))
        rotated(store, key)
        store.delete(key)
        store.list_user("ann")
        list(store.scan())
    assert {name for name, _ in tap.sent} == {"commit", "batch_get_documents", "run_query"}
    assert all(given["retry"] is None for _, given in tap.sent)
    assert all(0 < given["timeout"] <= 7 for _, given in tap.sent)


def test_awaited_requests_are_made_so_too(store: FirestoreStore) -> None:
    native = to_async(store)
    assert isinstance(native, AsyncClientStore)

    async def use() -> Tapped:
        tap = tapped(native.client._client)
        key = fresh_key()
        await native.create(key, session())
        assert await native.load(key) is not None
        await native.update(key, Change(set=entries(a="1")))
        await native.delete(key)
        await native.close()
        return tap

    with clock.call_limit(7):
        tap = asyncio.run(use())
    assert [name for name, _ in tap.sent] == [
        "commit",
        "batch_get_documents",
        "commit",
        "batch_get_documents",
        "commit",
    ]
    assert all(given["retry"] is None for _, given in tap.sent)
    assert all(0 < given["timeout"] <= 7 for _, given in tap.sent)


@pytest.mark.parametrize("making", [blind, as_seen])
def test_one_small_key_of_a_large_session_sends_little(
    store: FirestoreStore, making: Making
) -> None:
    key = created(store, session({f"name {n}": "x" * 2000 for n in range(100)}))
    change = making(store, key, small="x" * 20)
    tap = tapped(store.client.client)
    store.update(key, change)
    assert [tap.bytes_of(n) for n in range(len(tap.sent))] < [700]


def test_a_log_out_does_not_fetch_the_session(store: FirestoreStore) -> None:
    key = created(store, session({"large": "x" * 200_000}))
    tap = tapped(store.client.client)
    store.delete(key)
    name, given = tap.sent[0]
    assert name == "batch_get_documents"
    assert "v" not in given["request"]["mask"].field_paths


def test_threads_share_one_client(store: FirestoreStore, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    kind = type(store.client.client)
    store.close()
    build = kind.__init__

    def noted(self: Any, *given: Any, **named: Any) -> None:
        opened.append(self)
        build(self, *given, **named)

    monkeypatch.setattr(kind, "__init__", noted)
    together = threading.Barrier(8)

    def use(_: int) -> None:
        together.wait()
        created(store)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(8)))
    assert len(opened) == 1
