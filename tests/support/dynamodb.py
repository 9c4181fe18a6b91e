"""Stores in DynamoDB for tests, each in an empty table of its own, and the wire they talk over."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from serverless_sessions import open_store
from serverless_sessions.testing.locked_moto import locked_moto
from serverless_sessions_adapters.dynamodb import DynamoDBStore
from servers.moto_sizes import measure_items

REGION = "eu-west-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "anybody", "AWS_SECRET_ACCESS_KEY": "secret"}


@contextmanager
def client_of(endpoint: str = "") -> Iterator[Any]:
    """The client that a store opens by its url, with somebody's credentials."""
    store = store_on("any", endpoint)
    with closing(store):
        yield store.client


def store_on(table: str, endpoint: str = "") -> DynamoDBStore:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        url = f"dynamodb://{table}?region={REGION}{endpoint and f'&endpoint={endpoint}'}"
        store = open_store(url)
        assert isinstance(store, DynamoDBStore)
        return store


@contextmanager
def client_of_dynalite(endpoint: str) -> Iterator[Any]:
    """dynalite has no TTL, which nothing here depends on: the client is told that it is on."""
    with client_of(endpoint) as client:
        client.meta.events.register("before-call.dynamodb.DescribeTimeToLive", _ttl_is_on)
        yield client


def _ttl_is_on(**_: object) -> tuple[object, object]:
    description = {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}
    return SimpleNamespace(status_code=200), {"TimeToLiveDescription": description}


@contextmanager
def empty_table(client: Any) -> Iterator[DynamoDBStore]:
    client.close()  # idle connections, on which an emulator may be about to hang up
    store = DynamoDBStore(client, f"sessions-{uuid.uuid4()}")
    store.provision()
    yield store
    store.deprovision()


@contextmanager
def in_process() -> Iterator[DynamoDBStore]:
    """On moto in this process, which measures items as DynamoDB does."""
    measure_items()
    with locked_moto(), empty_table(_client_in_process()) as store:
        yield store


@functools.cache
def _client_in_process() -> Any:
    with client_of() as client:
        return client


class Call(NamedTuple):
    """One request: its operation, its body's bytes and its parameters."""

    operation: str
    size: int
    arguments: dict[str, Any]


Treatment = Callable[[Call], None]
"""Raises what the client is to raise in place of sending the request."""


class Wire:
    """What passes between a client and its server while the ``with`` block of ``watched`` lasts.

    Each of ``before`` is called with one of the next requests, in order, before it is sent; each
    of ``after`` when it has been carried out. What they raise, the client raises.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.before: list[Treatment] = []
        self.after: list[Treatment] = []

    @property
    def operations(self) -> list[str]:
        return [call.operation for call in self.calls]

    def _starts(self, model: Any, params: Any, context: Any, **_: object) -> None:
        arguments = context["arguments"]
        self.calls.append(Call(model.name, len(params["body"]), arguments))
        if self.before:
            self.before.pop(0)(self.calls[-1])

    def _ends(self, **_: object) -> None:
        if self.after:
            self.after.pop(0)(self.calls[-1])

    def _notes_arguments(self, params: Any, context: Any, **_: object) -> None:
        context["arguments"] = params


@contextmanager
def watched(store: DynamoDBStore) -> Iterator[Wire]:
    events, wire = store.client.meta.events, Wire()
    handlers = {
        "provide-client-params.dynamodb": wire._notes_arguments,
        "before-call.dynamodb": wire._starts,
        "after-call.dynamodb": wire._ends,
    }
    for name, handler in handlers.items():
        events.register(name, handler)
    try:
        yield wire
    finally:
        for name, handler in handlers.items():
            events.unregister(name, handler)


def passes(_: Call) -> None:
    """Nothing happens to the request."""


def fails_with(code: str, message: str = "", **more: Any) -> Treatment:
    """The service answers with this error, and does nothing."""

    def refuse(call: Call) -> None:
        response = {"Error": {"Code": code, "Message": message}, **more}
        raise ClientError(response, call.operation)

    return refuse


def cancelled(*codes: str) -> Treatment:
    """The service cancels a transaction, with a reason for each of its writes."""
    reasons = [{"Code": code} for code in codes]
    return fails_with("TransactionCanceledException", CancellationReasons=reasons)


def loses_the_reply(call: Call) -> None:
    raise ConnectionClosedError(endpoint_url="http://nowhere")


def raises(error: Exception) -> Treatment:
    def act(_: Call) -> None:
        raise error

    return act


def items(store: DynamoDBStore) -> list[dict[str, Any]]:
    """All that is in the table."""
    found = store.client.scan(TableName=store.table, ConsistentRead=True)["Items"]
    return sorted(found, key=lambda item: str(item["id"]["S"]))
