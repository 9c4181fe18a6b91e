"""What happens to sessions is told, to whoever listens, without anything secret."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from serverless_sessions import Event, MemoryStore, SessionConfig, SessionManager
from serverless_sessions.events import emit, observed, together
from serverless_sessions.testing.browser import Browser, Driver, settled
from serverless_sessions.testing.watched import WatchedStore
from support.failures import down
from support.scenes import INTENTS


@pytest.fixture(params=["sync", "async"])
def driver(request: pytest.FixtureRequest) -> Driver:
    chosen: Driver = request.param
    return chosen


def test_hook_and_observers_are_told_in_order() -> None:
    told: list[str] = []
    with observed(lambda _: told.append("outer")), observed(lambda _: told.append("inner")):
        emit(Event("created"), lambda _: told.append("hook"))
    emit(Event("created"))
    assert told == ["outer", "inner", "hook"]


def test_a_listener_that_fails_is_logged_and_the_others_are_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told: list[Event] = []

    def fail(_: Event) -> None:
        raise RuntimeError("broken listener")

    with observed(fail), observed(told.append):
        emit(Event("lost"), told.append)
    assert told == [Event("lost"), Event("lost")]
    (logged,) = caplog.records
    assert (logged.name, logged.levelno) == ("serverless_sessions", logging.ERROR)
    assert "broken listener" in caplog.text


def test_of_several_hooks_each_is_told_though_another_fails() -> None:
    told: list[Event] = []

    def fail(_: Event) -> None:
        raise RuntimeError

    emit(Event("lost"), together(told.append, fail, told.append))
    assert told == [Event("lost")] * 2


def test_what_ends_a_process_is_not_swallowed_and_later_events_are_told() -> None:
    def stop(_: Event) -> None:
        raise KeyboardInterrupt

    told: list[Event] = []
    with pytest.raises(KeyboardInterrupt):
        emit(Event("lost"), stop)
    emit(Event("lost"), told.append)
    assert told == [Event("lost")]


def test_an_observer_hears_its_own_context_only() -> None:
    heard: dict[str, list[str]] = {"a": [], "b": []}

    async def request(name: str) -> None:
        with observed(lambda event: heard[name].append(event.operation or "")):
            await asyncio.sleep(0)
            emit(Event("store_call", operation=name))

    async def both() -> None:
        await asyncio.gather(request("a"), request("b"))

    asyncio.run(both())
    assert heard == {"a": ["a"], "b": ["b"]}


def test_fact_33_a_malformed_id_is_told_when_it_arrives(driver: Driver) -> None:
    told: list[Event] = []
    manager = SessionManager(MemoryStore(), SessionConfig(on_event=told.append))
    Browser(manager, driver, "../../etc/passwd").request(INTENTS["nothing"])
    assert told == [Event("refused_id")]


def test_a_store_call_tells_operation_duration_and_error(driver: Driver) -> None:
    told: list[Event] = []
    store = WatchedStore(MemoryStore())
    client = Browser(SessionManager(store, SessionConfig(on_event=told.append)), driver)
    client.request(INTENTS["set"])
    call = told[0]
    assert (call.name, call.operation, call.store, call.error) == (
        "store_call",
        "create",
        "memory",
        None,
    )
    assert call.seconds is not None
    assert call.seconds >= 0

    told.clear()
    store.before = down
    with pytest.raises(Exception, match="down"):
        client.request(INTENTS["get"])
    assert [(e.name, e.operation, e.error) for e in told] == [
        ("store_call", "load", "StoreUnavailable"),
        ("store_error", "load", "StoreUnavailable"),
    ] * 2  # a call whose reply may be lost is made again


def test_fact_32_no_event_holds_an_id_a_key_or_a_value(driver: Driver) -> None:
    told: list[Event] = []
    manager = SessionManager(MemoryStore(), SessionConfig(on_event=told.append, rotation_grace=60))
    client = Browser(manager, driver)
    ids: list[Any] = []

    async def act(session: Any) -> None:
        ids.append(session.id)
        session.set("iban", "DE02-hush")
        await settled(session.modify("pin", lambda n: n + 1, 1233))
        session.bind("alice@example.com")

    for _ in range(2):
        client.request(act)
        ids.append(client.id)
    shown = repr(told)
    for secret in ("hush", "iban", "pin", "1234", "alice", *filter(None, ids)):
        assert secret not in shown
    handles = {event.handle for event in told if event.handle}
    assert len(handles) == 1
