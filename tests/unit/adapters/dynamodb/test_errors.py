"""What the client raises becomes an error of ours, which names table and action and no secret."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    ReadTimeoutError,
    SSLError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

from serverless_sessions import clock
from serverless_sessions.errors import (
    AccessDenied,
    ConfigurationError,
    Conflict,
    CorruptRecord,
    SessionError,
    SessionTooLarge,
    StoreTimeout,
    StoreUnavailable,
)
from serverless_sessions.store import DELETED, Change
from serverless_sessions.testing.cases.base import (
    created,
    entries,
    fresh_key,
    loaded,
    session,
    texts,
)
from serverless_sessions_adapters._dynamodb_errors import translated
from serverless_sessions_adapters.dynamodb import DynamoDBStore
from support.dynamodb import (
    Treatment,
    Wire,
    cancelled,
    fails_with,
    items,
    raises,
)

SECRET = "value-of-a-session"
NOWHERE = "https://dynamodb.eu-west-1.amazonaws.com"

UNAVAILABLE = (
    "InternalServerError",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionInProgressException",
)
DENIED = (
    "AccessDeniedException",
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "UnrecognizedClientException",
)
AT_THE_CLIENT: dict[Exception, type[SessionError]] = {
    ConnectTimeoutError(endpoint_url=NOWHERE): StoreTimeout,
    ReadTimeoutError(endpoint_url=NOWHERE): StoreTimeout,
    ConnectionClosedError(endpoint_url=NOWHERE): StoreUnavailable,
    EndpointConnectionError(endpoint_url=NOWHERE): StoreUnavailable,
    HTTPClientError(error=OSError(SECRET)): StoreUnavailable,
    SSLError(endpoint_url=NOWHERE, error=SECRET): StoreUnavailable,
    ResponseParserError(SECRET): StoreUnavailable,
    NoCredentialsError(): AccessDenied,
    CredentialRetrievalError(provider="sso", error_msg=SECRET): AccessDenied,
    TokenRetrievalError(provider="sso", error_msg=SECRET): AccessDenied,
    RuntimeError(SECRET): StoreUnavailable,
}


def everything(store: DynamoDBStore) -> list[Callable[[], object]]:
    """One call of each operation, the transactions among them."""
    key, moving, bound = created(store), created(store), created(store, session(user="ann"))
    seen = loaded(store, moving)
    return [
        lambda: store.load(key),
        lambda: store.create(fresh_key(), session()),
        lambda: store.create(fresh_key(), session(user="ann")),
        lambda: store.update(key, Change(set=entries(a="1"))),
        lambda: store.rotate(moving, fresh_key(), session(), seen.rev, clock.now()),
        lambda: store.delete(key),
        lambda: store.delete(bound),
        lambda: store.list_user("ann"),
        lambda: list(store.scan()),
    ]


@pytest.mark.parametrize(
    ("treatment", "expected"),
    [
        *((fails_with(code, SECRET), StoreUnavailable) for code in UNAVAILABLE),
        *((fails_with(code, SECRET), AccessDenied) for code in DENIED),
        *((raises(error), expected) for error, expected in AT_THE_CLIENT.items()),
        (fails_with("ResourceNotFoundException", SECRET), ConfigurationError),
        (fails_with("ValidationException", SECRET), ConfigurationError),
        (fails_with("NewException", SECRET), StoreUnavailable),
    ],
)
def test_every_error_of_every_operation_is_ours(
    store: DynamoDBStore, wire: Wire, treatment: Treatment, expected: type[SessionError]
) -> None:
    calls = everything(store)
    before = items(store)
    for call in calls:
        wire.before = [treatment]
        with pytest.raises(expected) as raised:
            call()
        assert type(raised.value) is expected
        assert raised.value.__cause__ is not None
        assert repr(store.table) in str(raised.value)
        assert SECRET not in str(raised.value)
    assert items(store) == before


@pytest.mark.parametrize(
    ("operation", "allowed"),
    [("UpdateItem", "dynamodb:UpdateItem"), ("TransactWriteItems", "dynamodb:PutItem, UpdateItem")],
)
def test_a_missing_permission_is_named(operation: str, allowed: str) -> None:
    denied = ClientError({"Error": {"Code": "AccessDeniedException"}}, operation)
    said = str(translated(denied, "updating a session", "carts"))
    assert "updating a session in the table 'carts'" in said
    assert allowed in said


def test_a_missing_table_says_how_it_is_made(store: DynamoDBStore) -> None:
    missing = DynamoDBStore(store.client, "missing")
    with pytest.raises(ConfigurationError, match=r"'missing'.*partition key 'id', a string"):
        missing.load(fresh_key())


def test_a_table_with_another_key_is_refused(store: DynamoDBStore) -> None:
    store.client.create_table(
        TableName="another",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )
    with pytest.raises(ConfigurationError, match="partition key 'id'"):
        created(DynamoDBStore(store.client, "another"))


CANCELLED = {
    ("None", "ThrottlingError"): StoreUnavailable,
    ("ProvisionedThroughputExceeded", "None"): StoreUnavailable,
    ("None", "AccessDenied"): AccessDenied,
    ("None", "ValidationError"): StoreUnavailable,
}


@pytest.mark.parametrize(("codes", "expected"), CANCELLED.items())
def test_a_cancelled_transaction_tells_its_reason(
    store: DynamoDBStore, wire: Wire, codes: tuple[str, ...], expected: type[SessionError]
) -> None:
    key = created(store)
    seen = loaded(store, key)
    wire.before = [cancelled(*codes)]
    with pytest.raises(expected):
        store.rotate(key, fresh_key(), session(), seen.rev, clock.now())


def held(call: Any) -> None:
    if call.operation == "TransactWriteItems":
        cancelled("None", "TransactionConflict")(call)
    fails_with("TransactionConflictException")(call)


@pytest.mark.parametrize(
    "treatment", [held, fails_with("ReplicatedWriteConflictException")], ids=["region", "regions"]
)
def test_a_write_waits_for_a_transaction_that_holds_its_item(
    store: DynamoDBStore, wire: Wire, treatment: Treatment
) -> None:
    for call in everything(store)[1:7]:
        wire.calls.clear()
        wire.before = [treatment] * 3
        call()
        assert len(wire.operations) >= 4


def test_a_write_waits_no_longer_than_its_call_has_time(
    store: DynamoDBStore, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = created(store)
    # A busy machine wakes a sleeper late, when no time is left: that would be a StoreTimeout.
    monkeypatch.setattr(time, "sleep", lambda _: None)
    wire.before = [held] * 1000
    with clock.call_limit(0.2), pytest.raises(Conflict):
        store.update(key, Change(set=entries(a="1")))
    assert 1 < len(wire.operations) < 1000
    wire.before.clear()
    assert texts(loaded(store, key)) == {"first": "1"}


@pytest.mark.parametrize(
    "treatment",
    [
        fails_with(
            "ValidationException", "Item size to update has exceeded the maximum allowed size"
        ),
        fails_with("ValidationException", "Item size has exceeded the maximum allowed size"),
    ],
)
def test_an_item_that_is_refused_for_its_size_is_too_large(
    store: DynamoDBStore, wire: Wire, treatment: Treatment
) -> None:
    key = created(store, session({"large": "x" * 300_000}))
    wire.before = [treatment]
    with pytest.raises(SessionTooLarge, match="409600"):
        store.update(key, Change(set=entries(more="x" * 200_000)))
    assert set(loaded(store, key).entries) == {"large"}


def test_room_is_made_of_entries_that_have_ended(store: DynamoDBStore) -> None:
    """They stay in the item until it is full, as a write of some entries does not see others."""
    key = created(store, session({"large": "x" * 300_000}))
    ended = {"brief": entries(brief="x" * 90_000)["brief"]._replace(deadline=clock.now())}
    store.update(key, Change(set=ended))
    store.update(key, Change(set=entries(more="x" * 90_000)))
    assert set(loaded(store, key).entries) == {"large", "more"}


def test_an_entry_in_no_form_of_ours_is_reported_and_stays(store: DynamoDBStore) -> None:
    key = created(store, session({"a": "1"}))
    (item,) = items(store)
    item["v"]["M"]["a"] = {"N": "1"}
    store.client.put_item(TableName=store.table, Item=item)
    with pytest.raises(CorruptRecord, match="'a'"):
        store.load(key)
    assert items(store) == [item]
    assert store.delete(key) is DELETED
