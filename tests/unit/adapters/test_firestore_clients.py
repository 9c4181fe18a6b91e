"""Whose a Firestore client is: a process's, an event loop's, and no longer than it is needed."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest

from serverless_sessions import to_async
from serverless_sessions.sansio import AsyncClientStore
from serverless_sessions.store import Record
from serverless_sessions.testing.cases.base import created, fresh_key, loaded, session, texts
from serverless_sessions_adapters.firestore import FirestoreStore
from servers.firestore_emulator import FirestoreEmulator
from support.firestore import empty_store

FORKING = """
import os, signal, sys
from serverless_sessions.testing.cases.base import created, loaded
from serverless_sessions_adapters.firestore import FirestoreStore

store = FirestoreStore(sys.argv[1], project="tests")
key = created(store)
inherited = store.client.client
if os.fork():
    _, status = os.wait()
    loaded(store, key)
    assert store.client.client is inherited
    sys.exit(os.waitstatus_to_exitcode(status))
signal.alarm(30)
loaded(store, key)
os._exit(0 if store.client.client is not inherited else 1)
"""


@pytest.fixture
def store(
    firestore_emulator: FirestoreEmulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FirestoreStore]:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_emulator.host)
    with closing(empty_store()) as store:
        yield store


def test_a_forked_child_opens_a_client_of_its_own(store: FirestoreStore) -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORKING, store.location.collection]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_a_store_that_was_closed_opens_again(store: FirestoreStore) -> None:
    key = created(store)
    store.close()
    assert texts(loaded(store, key)) == {"first": "1"}


def test_each_event_loop_has_a_client(store: FirestoreStore) -> None:
    native, key = to_async(store), fresh_key()

    async def create() -> object:
        await native.create(key, session())
        return client_of(native)

    async def load() -> object:
        assert isinstance(await native.load(key), Record)
        opened = client_of(native)
        await native.close()
        return opened

    assert asyncio.run(create()) is not asyncio.run(load())
    gc.collect()  # the first loop has ended without closing its client: nothing complains


def client_of(native: object) -> object:
    assert isinstance(native, AsyncClientStore)
    return native.client


def test_requests_on_one_loop_overlap(store: FirestoreStore) -> None:
    native = to_async(store)

    async def use() -> None:
        keys = [fresh_key() for _ in range(20)]
        await asyncio.gather(*(native.create(key, session()) for key in keys))
        found = await asyncio.gather(*map(native.load, keys))
        assert all(isinstance(each, Record) for each in found)
        await native.close()

    asyncio.run(use())


def test_deprovision_removes_every_session(store: FirestoreStore) -> None:
    keys = [created(store, session(user="ann")) for _ in range(3)]
    store.deprovision()
    assert store.list_user("ann") == []
    assert {store.load(key) for key in keys} == {None}
    store.deprovision()
