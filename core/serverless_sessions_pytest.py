"""The pytest plugin: fixtures for whoever tests a handler.

It stands outside the packages, and imports them only when a fixture is used: pytest imports it
in every run of everybody who has them installed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from serverless_sessions import SessionStore
    from serverless_sessions.testing.clock import FrozenClock
    from serverless_sessions.testing.lambda_events import LambdaContext
    from serverless_sessions.testing.stored import SessionMaker


@pytest.fixture
def session_store() -> Iterator[SessionStore]:
    """An empty MemoryStore in which every handler keeps its sessions during the test.

    ``SESSION_STORE``, where it is not set, says so too: to processes that the test starts.
    """
    from serverless_sessions.memory import MemoryStore
    from serverless_sessions.testing.stored import replaced_store

    store = MemoryStore()
    with pytest.MonkeyPatch.context() as patch, replaced_store(store):
        if not os.environ.get("SESSION_STORE"):
            patch.setenv("SESSION_STORE", "memory://")
        yield store


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
def lambda_context() -> LambdaContext:
    """The context of one invocation, its remaining time counting down from 3 seconds."""
    from serverless_sessions.testing.lambda_events import LambdaContext

    return LambdaContext()
