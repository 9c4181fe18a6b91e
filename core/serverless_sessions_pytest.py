"""The pytest plugin: fixtures for whoever tests a handler.

It stands outside the packages, and imports them only when a fixture is used: pytest imports it
in every run of everybody who has them installed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from serverless_sessions import SessionStore
    from serverless_sessions.testing.clock import FrozenClock
    from serverless_sessions.testing.lambda_events import LambdaContext
    from serverless_sessions.testing.stored import SessionMaker


@pytest.fixture
def session_store(request: pytest.FixtureRequest) -> Iterator[SessionStore]:
    """An empty MemoryStore in which every handler keeps its sessions during the test; the table
    of dynamodb_sessions in a test that uses it.

    ``SESSION_STORE``, where it is not set, says memory:// to processes that the test starts.
    """
    if "dynamodb_sessions" in request.fixturenames:
        yield request.getfixturevalue("dynamodb_sessions")
        return
    from serverless_sessions.memory import MemoryStore

    store = MemoryStore()
    with _in_use(store):
        yield store


@pytest.fixture
def dynamodb_sessions() -> Iterator[SessionStore]:
    """An empty table of DynamoDB in this process, in which every handler keeps its sessions.

    It is moto's, made safe for threads. No AWS account is used: whatever is asked of AWS during
    the test, moto answers. Raises MissingDependency where moto is not installed.
    """
    from serverless_sessions import SessionStore, open_store
    from serverless_sessions.testing.locked_moto import locked_moto

    with pytest.MonkeyPatch.context() as patch, locked_moto():
        for profile in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
            patch.delenv(profile, raising=False)
        patch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
        store = open_store("dynamodb://sessions?region=us-east-1")
        assert isinstance(store, SessionStore)
        store.provision()
        with _in_use(store):
            yield store
        store.close()


@pytest.fixture
def make_session(session_store: SessionStore) -> SessionMaker:
    """``make_session(user=..., data={...}, flashes=[...])``: a live session in session_store."""
    from serverless_sessions.testing.stored import SessionMaker

    return SessionMaker(session_store)


@pytest.fixture
def frozen_clock() -> Iterator[FrozenClock]:
    """Stops the time that every deadline is held to; ``advance(seconds)`` moves it."""
    from serverless_sessions.testing.clock import FrozenClock

    with FrozenClock() as clock:
        yield clock


@pytest.fixture
def lambda_event(session_store: SessionStore) -> Callable[..., dict[str, Any]]:
    """``lambda_event(front_door, path, json=..., cookies=[...])``: an event as AWS sends it.

    The handler that gets it keeps its sessions in session_store.
    """
    from serverless_sessions.testing.requests import lambda_event

    return lambda_event


@pytest.fixture
def websocket_event(session_store: SessionStore) -> Callable[..., dict[str, Any]]:
    """``websocket_event("$connect", connection_id=..., cookies=[...])``: an event of an API
    Gateway WebSocket API.

    The handler that gets it keeps its sessions in session_store.
    """
    from serverless_sessions.testing.websocket_events import websocket_event

    return websocket_event


@pytest.fixture
def lambda_context() -> LambdaContext:
    """The context of one invocation, its remaining time counting down from 3 seconds."""
    from serverless_sessions.testing.lambda_events import LambdaContext

    return LambdaContext()


@contextmanager
def _in_use(store: SessionStore) -> Iterator[None]:
    from serverless_sessions.testing.stored import replaced_store

    with pytest.MonkeyPatch.context() as patch, replaced_store(store):
        if not os.environ.get("SESSION_STORE"):
            patch.setenv("SESSION_STORE", "memory://")
        yield
