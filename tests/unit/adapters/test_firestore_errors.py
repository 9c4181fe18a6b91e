"""What Firestore refuses and how it fails, in our terms; nothing of its own words is shown."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from google.api_core import exceptions
from google.auth.exceptions import DefaultCredentialsError, RefreshError, TransportError

from serverless_sessions import clock, to_async
from serverless_sessions.errors import (
    AccessDenied,
    ConfigurationError,
    SessionError,
    SessionTooLarge,
    StoreTimeout,
    StoreUnavailable,
)
from serverless_sessions.store import Change
from serverless_sessions.testing.cases.base import entries, fresh_key, session
from serverless_sessions_adapters.firestore import FirestoreStore
from support.firestore import WatchedFirestore, watched

SECRET = "the key, the name and the text"
SIZES = (
    "maximum entity size is 1048576 bytes",
    "Document 'a/b' cannot be written because its size (1,048,667 bytes) exceeds the maximum",
    'The value of property "v" is longer than 1048487 bytes.',
    "too many index entries for entity",
    "Transaction too big. Decrease transaction size.",
)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[FirestoreStore]:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:9")
    with closing(FirestoreStore("visits", project="shop-1")) as store:
        yield store


@pytest.fixture
def client(store: FirestoreStore) -> WatchedFirestore:
    return watched(store)


@pytest.mark.parametrize(
    ("refusal", "ours", "says"),
    [
        (exceptions.DeadlineExceeded, StoreTimeout, "in time"),
        (exceptions.PermissionDenied, AccessDenied, "roles/datastore.user"),
        (exceptions.Forbidden, AccessDenied, "roles/datastore.user"),
        (exceptions.Unauthenticated, AccessDenied, "refused"),
        (exceptions.NotFound, ConfigurationError, "gcloud firestore databases create"),
        (exceptions.FailedPrecondition, ConfigurationError, "native mode"),
        (exceptions.ResourceExhausted, StoreUnavailable, "ResourceExhausted"),
        (exceptions.ServiceUnavailable, StoreUnavailable, "ServiceUnavailable"),
        (exceptions.InternalServerError, StoreUnavailable, "InternalServerError"),
        (exceptions.Unknown, StoreUnavailable, "Unknown"),
        (exceptions.Cancelled, StoreUnavailable, "Cancelled"),
        (exceptions.InvalidArgument, StoreUnavailable, "InvalidArgument"),
        (RefreshError, AccessDenied, "credentials"),
        (DefaultCredentialsError, AccessDenied, "credentials"),
        (TransportError, StoreUnavailable, "sign-in"),
        (ValueError, StoreUnavailable, "ValueError"),
    ],
)
def test_each_error_of_the_sdk(
    store: FirestoreStore,
    client: WatchedFirestore,
    refusal: Callable[[str], Exception],
    ours: type[SessionError],
    says: str,
) -> None:
    raised_by_the_sdk = refusal(SECRET)

    def refuse(_: str) -> None:
        raise raised_by_the_sdk

    client.before = refuse
    with pytest.raises(SessionError, match=says) as raised:
        store.load("key")
    assert type(raised.value) is ours
    assert "loading a session in collection 'visits'" in str(raised.value)
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is raised_by_the_sdk


@pytest.mark.parametrize("said", SIZES)
def test_a_refusal_for_the_size_is_told_with_the_limit(
    store: FirestoreStore, client: WatchedFirestore, said: str
) -> None:
    def refuse(_: str) -> None:
        raise exceptions.InvalidArgument(said)  # type: ignore[no-untyped-call]  # the SDK's own

    client.before = refuse
    with pytest.raises(SessionTooLarge, match="1048576"):
        store.create("key", session())


def test_a_message_that_is_too_long_is_too_large(
    store: FirestoreStore, client: WatchedFirestore
) -> None:
    def refuse(_: str) -> None:
        said = "gRPC message exceeds maximum size 4194304: 4300220"
        raise exceptions.ResourceExhausted(said)  # type: ignore[no-untyped-call]  # the SDK's own

    client.before = refuse
    with pytest.raises(SessionTooLarge):
        store.create("key", session())


def test_credentials_that_cannot_be_refreshed_are_no_outage(
    store: FirestoreStore, client: WatchedFirestore
) -> None:
    def refuse(_: str) -> None:
        said = f"Getting metadata from plugin failed with error: ({SECRET})"
        raise exceptions.ServiceUnavailable(said)  # type: ignore[no-untyped-call]  # the SDK's own

    client.before = refuse
    with pytest.raises(AccessDenied) as raised:
        store.load("key")
    assert SECRET not in str(raised.value)


def test_no_request_is_made_when_no_time_is_left(
    store: FirestoreStore, client: WatchedFirestore
) -> None:
    with clock.call_limit(0), pytest.raises(StoreTimeout):
        store.load("key")


OPERATIONS: dict[str, Callable[[Any], Any]] = {
    "load": lambda store: store.load(fresh_key()),
    "create": lambda store: store.create(fresh_key(), session()),
    "update": lambda store: store.update(fresh_key(), Change(set=entries(a="1"))),
    "delete": lambda store: store.delete(fresh_key()),
}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_a_server_that_is_gone_is_unavailable_at_once(
    monkeypatch: pytest.MonkeyPatch, operation: Callable[[Any], Any]
) -> None:
    with socket.socket() as never_listening:
        never_listening.bind(("127.0.0.1", 0))
        port = never_listening.getsockname()[1]
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{port}")
        with closing(FirestoreStore()) as store, clock.call_limit(60):
            began = time.monotonic()
            with pytest.raises(StoreUnavailable) as raised:
                operation(store)
            assert not isinstance(raised.value, StoreTimeout)
            assert time.monotonic() - began < 30


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_a_server_that_hangs_is_given_up_in_time(
    monkeypatch: pytest.MonkeyPatch, operation: Callable[[Any], Any]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{port}")
        with closing(FirestoreStore()) as store:
            with clock.call_limit(0.2), pytest.raises(StoreTimeout):
                operation(store)
            native = to_async(store)

            async def use() -> None:
                with clock.call_limit(0.2):
                    try:
                        await operation(native)
                    finally:
                        await native.close()

            with pytest.raises(StoreTimeout):
                asyncio.run(use())
