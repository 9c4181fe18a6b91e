"""What only code that awaits can do to its session: cancel, overlap, outlive, go to a thread."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from serverless_sessions import (
    AsyncSession,
    MemoryStore,
    Session,
    SessionClosed,
    SessionConfig,
    SessionManager,
    StoreTimeout,
    current_async_session,
    current_session,
)
from serverless_sessions.errors import Conflict, StoreUnavailable
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.store import Change
from serverless_sessions.testing.browser import Browser
from serverless_sessions.testing.lambda_events import HttpRequest, to_event
from serverless_sessions.testing.watched import WatchedStore
from support.failures import once
from support.native import SlowStore

OK: dict[str, Any] = {"statusCode": 200}
EVENT = to_event("http-api", HttpRequest())


def client_of(store: Any, **settings: Any) -> Browser:
    return Browser(SessionManager(store, SessionConfig(**settings)), "async")


async def visit(session: AsyncSession) -> None:
    session.set("k", 1)


async def content(client: Browser) -> dict[str, Any]:
    async def look(session: AsyncSession) -> dict[str, Any]:
        return dict(await session.items())

    found: dict[str, Any] = await client.send(look)
    return found


def test_a_cancelled_read_ends_at_once() -> None:
    async def scenario() -> None:
        store = SlowStore()
        client = client_of(store, store_timeout=60)
        await client.send(visit)

        async def impatient(session: AsyncSession) -> str:
            store.gates["load"] = asyncio.Event()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await session.get("k")
            del store.gates["load"]
            return str(await session.get("k"))

        began = time.monotonic()
        assert await client.send(impatient) == "1"
        assert time.monotonic() - began < 30

    asyncio.run(scenario())


def test_a_cancelled_modify_is_not_tried_again() -> None:
    async def scenario() -> None:
        store = SlowStore()
        client = client_of(store)
        await client.send(visit)
        attempts = 0

        async def conflict(key: str, change: Change) -> None:
            nonlocal attempts
            attempts += 1
            if attempts == 3:
                task.cancel()
            raise Conflict("somebody else was first")

        store.update = conflict  # type: ignore[method-assign]

        async def act(session: AsyncSession) -> None:
            await session.modify("k", lambda n: n + 1)

        task = asyncio.create_task(client.send(act))
        with pytest.raises(asyncio.CancelledError):
            await task
        assert attempts == 3

    asyncio.run(scenario())


def test_a_write_whose_reply_is_lost_is_settled_though_the_request_is_cancelled() -> None:
    store = WatchedStore(MemoryStore())
    client = client_of(store)
    client.request(visit)

    async def scenario() -> None:
        loop = asyncio.get_running_loop()

        def lose_the_reply() -> None:
            loop.call_soon_threadsafe(task.cancel)
            raise StoreUnavailable("the reply is lost")

        async def act(session: AsyncSession) -> None:
            session.regenerate()
            store.after = once(lose_the_reply, at="rotate")
            store.calls.clear()
            try:
                await session.save()
            except asyncio.CancelledError:
                task.uncancel()

        task = asyncio.ensure_future(client.send(act))
        await task

    before = client.id
    asyncio.run(scenario())
    assert store.calls == ["load", "rotate", "load"]
    assert client.set_cookie == "new"
    assert client.id != before
    assert asyncio.run(content(client)) == {"k": 1}


@pytest.mark.parametrize("operation", ["load", "update"])
def test_guarantee_6_a_store_that_hangs_is_a_timeout(operation: str) -> None:
    async def scenario() -> None:
        store = SlowStore()
        client = client_of(store)
        await client.send(visit)
        client.manager.config = client.manager.config.changed(store_timeout=0.05)
        store.gates[operation] = asyncio.Event()

        async def act(session: AsyncSession) -> None:
            if operation == "load":
                await session.get("k")
            session.set("k", 2)

        async with asyncio.timeout(30):
            with pytest.raises(StoreTimeout, match=operation):
                await client.send(act)

    asyncio.run(scenario())


def test_a_log_out_holds_though_it_is_cancelled_while_another_task_has_its_turn() -> None:
    async def scenario() -> None:
        store = SlowStore()
        client = client_of(store)
        await client.send(visit)
        store.gates["load"] = asyncio.Event()

        async def act(session: AsyncSession) -> None:
            reading = asyncio.create_task(session.get("k"))
            await store.arrived.wait()
            session.destroy()
            raise ValueError(f"the handler failed before {reading}")

        request = asyncio.create_task(client.send(act))
        await store.arrived.wait()
        for _ in range(5):
            await asyncio.sleep(0)
            request.cancel()
        store.gates["load"].set()
        with pytest.raises((ValueError, asyncio.CancelledError)):
            await request
        assert store.inner.live() == []

    asyncio.run(scenario())


def test_decision_1_a_thread_of_an_async_handler_changes_the_current_session() -> None:
    store = MemoryStore()

    @with_session(store=store)
    async def handler(event: Any, context: Any) -> Any:
        def work() -> None:
            current_async_session().set("thread", threading.current_thread() is not here)

        here = threading.current_thread()
        await asyncio.to_thread(work)
        return OK

    assert handler(EVENT, None)["cookies"]
    ((_, record),) = store.scan()
    assert record.entries["thread"].text == "[true]"


def test_decision_1_a_thread_of_a_def_handler_uses_the_current_session() -> None:
    store = MemoryStore()

    @with_session(store=store)
    def handler(event: Any, context: Any, session: Session) -> Any:
        def work() -> int:
            value: int = current_session().modify("n", lambda n: n + 1, 0)
            return value

        async def twice() -> list[int]:
            return [await asyncio.to_thread(work), await asyncio.to_thread(work)]

        return OK | {"body": str([*asyncio.run(twice()), session["n"]])}

    assert handler(EVENT, None)["body"] == "[1, 2, 2]"


def test_a_thread_that_outlives_its_cancelled_handler_finds_the_session_closed() -> None:
    store = MemoryStore()
    started, answered, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        assert answered.wait(10)
        session = current_async_session()
        with pytest.raises(SessionClosed):
            session.set("late", 1)
        with pytest.raises(SessionClosed):
            session.destroy()
        ended.set()

    @with_session(store=store)
    async def handler(event: Any, context: Any, session: AsyncSession) -> Any:
        session.set("early", 1)
        task = asyncio.create_task(asyncio.to_thread(work))
        await asyncio.to_thread(started.wait, 10)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        handler(EVENT, None)
    answered.set()
    assert ended.wait(10)
    assert list(store.scan()) == []
