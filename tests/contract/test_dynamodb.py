"""The contract suite over DynamoDBStore: on moto's server, on moto in process, and on dynalite."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from contract.fault_cases import FaultCases
from serverless_sessions import AsyncSessionStore, clock, to_async
from serverless_sessions.store import SessionStore
from serverless_sessions.testing.async_contract import AsyncStoreContract, BlockingStore
from serverless_sessions.testing.cases import entries
from serverless_sessions.testing.cases.base import fresh_key
from serverless_sessions.testing.cases.entries import HOSTILE_NAMES
from serverless_sessions.testing.contract import StoreContract
from serverless_sessions.testing.machine import store_machine
from serverless_sessions_adapters.dynamodb import DynamoDBStore
from servers.fault_proxy import FaultProxy, fault_proxy
from servers.faults import http_answer
from servers.lockstep import speak_http
from servers.moto_server import DynamoDBServer
from servers.process import HOST
from support.dynamodb import client_of, client_of_dynalite, empty_table, in_process, store_on

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def served(moto_server: DynamoDBServer) -> Iterator[Any]:
    with client_of(moto_server.endpoint) as client:
        yield client


@pytest.fixture(scope="module")
def by_dynalite(dynalite: DynamoDBServer) -> Iterator[Any]:
    with client_of_dynalite(dynalite.endpoint) as client:
        client.meta.events.register("before-call.dynamodb.TransactWriteItems", _no_transactions)
        yield client


def _no_transactions(**_: object) -> None:
    pytest.skip("dynalite has no TransactWriteItems")


class DynamoDBCases(StoreContract):
    def plant_damage(self, store: SessionStore) -> list[str]:
        """Items with a deadline and some of the rest, entries included."""
        if isinstance(store, BlockingStore):
            store = store.inner._store  # type: ignore[attr-defined]  # what the threads call
        assert isinstance(store, DynamoDBStore)
        ends = {"N": str(clock.now() + 1000)}
        whole = {
            "v": {"M": {"name": {"S": "text"}}},
            "exp": ends,
            "abs": ends,
            "rev": {"S": "1"},
            "rid": {"S": "handle"},
            "created": ends,
        }
        halves: list[dict[str, Any]] = [{n: v for n, v in whole.items() if n != no} for no in whole]
        halves += [{**whole, name: {"BOOL": True}} for name in whole]
        halves += [{"exp": ends, "ttl": ends}, {**whole, "to": {"S": fresh_key()}}]
        keys = [fresh_key() for _ in halves]
        for key, half in zip(keys, halves, strict=True):
            item = {"id": {"S": key}, **half}
            store.client.put_item(TableName=store.table, Item=item)
        return keys


class TestOnMotoServer(DynamoDBCases):
    @pytest.fixture
    def store(self, served: Any) -> Iterator[DynamoDBStore]:
        with empty_table(served) as store:
            yield store


class TestInProcess(DynamoDBCases):
    @pytest.fixture
    def store(self) -> Iterator[DynamoDBStore]:
        with in_process() as store:
            yield store


class TestOnDynalite(DynamoDBCases):
    """Without transactions, so without rotation and sessions of users."""

    @pytest.fixture(autouse=True)
    def no_proto(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """dynalite is written in JavaScript and loses a key named ``__proto__`` in an item."""
        monkeypatch.setattr(entries, "HOSTILE_NAMES", [*filter("__proto__".__ne__, HOSTILE_NAMES)])

    @pytest.fixture
    def store(self, by_dynalite: Any) -> Iterator[DynamoDBStore]:
        with empty_table(by_dynalite) as store:
            yield store


class TestAwaited(AsyncStoreContract, DynamoDBCases):
    """The same calls in worker threads; the races are run in full without them."""

    duels = 40
    increments = 2

    @pytest.fixture
    def async_store(self, served: Any) -> Iterator[AsyncSessionStore]:
        with empty_table(served) as store:
            yield to_async(store)


class TestDynamoDBFaults(FaultCases):
    broken = (
        http_answer(500, b"<html>Internal Server Error</html>"),
        http_answer(500, {"__type": "com.amazonaws.dynamodb.v20120810#InternalServerError"}),
        http_answer(400, {"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException"}),
        http_answer(200, b'{"Item": {"id"'),
    )

    @pytest.fixture
    def proxy(self, moto_server: DynamoDBServer) -> Iterator[FaultProxy]:
        with fault_proxy(moto_server.port, speak_http) as proxy:
            yield proxy

    def opened(self, proxy: FaultProxy) -> SessionStore:
        store = store_on(f"sessions-{uuid.uuid4()}", f"http://{HOST}:{proxy.port}")
        store.provision()
        return store


TestDynamoDBBesideMemory = store_machine(in_process, examples=25).TestCase
