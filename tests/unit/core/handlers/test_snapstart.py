"""Before a snapshot the store is closed, after a restore it is opened anew."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import snapshot_restore_py as hooks

from serverless_sessions import AsyncSession, MemoryStore, Session, StoreUnavailable
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.testing.lambda_events import HttpRequest, to_event
from serverless_sessions_adapters.sqlite import SqliteStore

EVENT = to_event("rest", HttpRequest())


@pytest.fixture(autouse=True)
def snapstart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("SESSION_STORE", f"sqlite:///{tmp_path}/sessions.db")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "shop")
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
    state = random.getstate()
    yield
    hooks.get_before_snapshot().clear()
    hooks.get_after_restore().clear()
    random.setstate(state)


def snapshot() -> None:
    for function, arguments, named in reversed(hooks.get_before_snapshot()):
        function(*arguments, **named)


def restore() -> None:
    for function, arguments, named in hooks.get_after_restore():
        function(*arguments, **named)


def decorated(kind: str) -> Any:
    def handler(event: Any, context: Any, session: Session) -> Any:
        session.set("a", 1)
        return {"statusCode": 200}

    async def async_handler(event: Any, context: Any, session: AsyncSession) -> Any:
        session.set("a", 1)
        return {"statusCode": 200}

    both: Any = handler if kind == "def" else async_handler
    return with_session(both)


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_the_store_is_closed_before_and_opened_after(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[SqliteStore] = []
    close = SqliteStore.close

    def note(store: SqliteStore) -> None:
        closed.append(store)
        close(store)

    monkeypatch.setattr(SqliteStore, "close", note)
    handler = decorated(kind)
    handler(EVENT, None)
    before = handler.sessions.store
    snapshot()
    assert set(map(id, closed)) == {id(before)}
    restore()
    after = handler.sessions.store
    assert after is not before
    assert handler(EVENT, None)["statusCode"] == 200
    assert handler.sessions.store is after


def test_chance_differs_between_instances_of_one_snapshot() -> None:
    decorated("def")
    snapshot()
    state = random.getstate()
    drawn = []
    for _ in range(2):
        random.setstate(state)
        restore()
        drawn.append(random.random())
    assert drawn[0] != drawn[1]


def test_a_store_that_cannot_be_closed_stops_no_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    handler = decorated("def")
    before = handler.sessions.store

    def fail(store: SqliteStore) -> None:
        raise StoreUnavailable("it hangs")

    monkeypatch.setattr(SqliteStore, "close", fail)
    snapshot()
    restore()
    assert handler.sessions.store is not before


def test_a_store_that_somebody_else_opened_is_left_to_them() -> None:
    store = MemoryStore()

    @with_session(store=store)
    def handler(event: Any, context: Any, session: Session) -> Any:
        return {"statusCode": 200}

    snapshot()
    restore()
    assert handler.sessions.store is store


@pytest.mark.parametrize("kind", ["on-demand", "provisioned-concurrency", ""])
def test_without_snapstart_nothing_is_registered(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", kind)
    decorated("def")
    assert hooks.get_before_snapshot() == hooks.get_after_restore() == []


def test_a_runtime_without_the_hooks_starts_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "snapshot_restore_py", None)
    handler = decorated("def")
    assert handler(EVENT, None)["statusCode"] == 200
