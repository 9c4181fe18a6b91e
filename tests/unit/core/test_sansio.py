"""One set of operations behind a blocking face and an awaiting one."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from serverless_sessions import MemoryStore, clock, to_async
from serverless_sessions.errors import (
    SessionError,
    SessionGone,
    StoreTimeout,
    StoreUnavailable,
)
from serverless_sessions.sansio import Asking, AsyncClientStore, ClientStore, StoreOperations
from serverless_sessions.store import DELETED, Absence, Change, Deletion, Record
from serverless_sessions.testing.async_contract import AsyncStoreContract
from serverless_sessions.testing.cases.base import session
from serverless_sessions.testing.contract import StoreContract


class Relayed(StoreOperations):
    """Asks another store, which stands for a vendor's client of either kind."""

    guarantees = MemoryStore().guarantees._replace(lists_users=False, scans=False, purges=False)

    def load(self, key: str) -> Asking[Any]:
        return (yield lambda client: client.load(key))

    def create(self, key: str, record: Record) -> Asking[None]:
        yield lambda client: client.create(key, record)

    def update(self, key: str, change: Change) -> Asking[None]:
        yield lambda client: client.update(key, change)

    def rotate(
        self, old: str, new: str, record: Record, rev: object, grace_until: int
    ) -> Asking[None]:
        yield lambda client: client.rotate(old, new, record, rev, grace_until)

    def delete(self, key: str) -> Asking[Deletion | Absence | Any]:
        try:
            return (yield lambda client: client.delete(key))
        except LookupError:
            return (yield lambda client: client.delete("another key"))

    def translated(self, error: Exception, action: str) -> SessionError:
        return StoreUnavailable(f"{action}: {type(error).__name__}")


class TestBlockingFace(StoreContract):
    @pytest.fixture
    def store(self) -> ClientStore:
        return ClientStore(Relayed(), MemoryStore())


class TestAwaitingFace(AsyncStoreContract):
    @pytest.fixture
    def async_store(self) -> AsyncClientStore:
        memory = MemoryStore()
        return AsyncClientStore(Relayed(), lambda: to_async(memory))


class Client:
    """A vendor's client, each of whose calls ends as it is told."""

    def __init__(self, *outcomes: Any) -> None:
        self.outcomes = list(outcomes)
        self.closed = 0

    def load(self, *_: Any) -> Any:
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    delete = load


class AsyncClient(Client):
    async def load(self, *_: Any) -> Any:
        return super().load()

    delete = load

    async def close(self) -> None:
        self.closed += 1


class Silent(AsyncClient):
    async def load(self, *_: Any) -> Any:
        await asyncio.Event().wait()


async def awaited(*outcomes: Any) -> Any:
    client = AsyncClient(*outcomes)
    return await AsyncClientStore(Relayed(), lambda: client).delete("key")


def test_what_a_client_raises_can_be_caught_where_it_was_asked() -> None:
    assert ClientStore(Relayed(), Client(KeyError(), DELETED)).delete("key") is DELETED
    assert asyncio.run(awaited(KeyError(), DELETED)) is DELETED


def test_what_an_operation_lets_pass_becomes_ours_and_keeps_its_cause() -> None:
    vendors = RuntimeError("with a secret in it")
    for outcome in (
        lambda: ClientStore(Relayed(), Client(vendors)).delete("key"),
        lambda: asyncio.run(awaited(vendors)),
    ):
        with pytest.raises(StoreUnavailable) as raised:
            outcome()
        assert str(raised.value) == "deleting a session: RuntimeError"
        assert raised.value.__cause__ is vendors


def test_an_error_of_ours_passes_unchanged() -> None:
    ours = SessionGone()
    with pytest.raises(SessionGone) as raised:
        ClientStore(Relayed(), Client(ours)).delete("key")
    assert raised.value is ours


def test_a_clients_own_time_out_is_a_store_timeout() -> None:
    with pytest.raises(StoreTimeout):
        ClientStore(Relayed(), Client(TimeoutError())).load("key")


def test_an_await_that_takes_too_long_is_given_up() -> None:
    with clock.call_limit(0.05), pytest.raises(StoreTimeout):
        asyncio.run(AsyncClientStore(Relayed(), Silent).load("key"))


def test_each_event_loop_has_a_client_of_its_own_and_closes_it() -> None:
    opened: list[AsyncClient] = []

    def open_client() -> AsyncClient:
        opened.append(AsyncClient(None, None))
        return opened[-1]

    store = AsyncClientStore(Relayed(), open_client)

    async def use() -> None:
        await store.load("key")
        await store.load("key")
        await store.close()
        await store.close()

    asyncio.run(use())
    asyncio.run(use())
    assert [client.closed for client in opened] == [1, 1]


def test_a_loop_that_begins_while_another_opens_its_client_keeps_its_own() -> None:
    opened: list[AsyncClient] = []
    other = asyncio.new_event_loop()

    def in_another_thread() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(other.run_until_complete, store.load("key")).result()

    def open_client() -> AsyncClient:
        opened.append(client := AsyncClient(None, None))
        if len(opened) == 1:
            in_another_thread()
        return client

    store = AsyncClientStore(Relayed(), open_client)
    with closing(other):
        asyncio.run(store.load("key"))
        in_another_thread()
        assert len(opened) == 2


def test_a_client_of_a_loop_that_has_ended_is_not_kept() -> None:
    store = AsyncClientStore(Relayed(), lambda: AsyncClient(None))
    for _ in range(3):
        asyncio.run(store.load("key"))
    assert len(store._clients) == 1


def test_to_async_takes_the_native_view_where_there_is_one() -> None:
    memory = MemoryStore()
    native = ClientStore(Relayed(), memory, open_async=lambda: to_async(memory))
    assert isinstance(to_async(native), AsyncClientStore)
    assert to_async(native) is to_async(native)
    assert not isinstance(to_async(ClientStore(Relayed(), memory)), AsyncClientStore)

    native.create("key", record := session())
    found = asyncio.run(to_async(native).load("key"))
    assert isinstance(found, Record)
    assert found.facts == record.facts
