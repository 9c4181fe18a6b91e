"""Several tasks of one request use its session at the same time, or after it was answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from serverless_sessions import (
    AsyncSession,
    MemoryStore,
    SessionClosed,
    SessionConfig,
    SessionManager,
)
from serverless_sessions.testing.browser import Browser, Driver, settled
from support.native import NativeStore, SlowStore


def client_of(store: Any, **settings: Any) -> Browser:
    return Browser(SessionManager(store, SessionConfig(**settings)), "async")


async def visit(session: AsyncSession) -> None:
    session.set("k", 1)


async def content(client: Browser) -> dict[str, Any]:
    async def look(session: AsyncSession) -> dict[str, Any]:
        return dict(await session.items())

    found: dict[str, Any] = await client.send(look)
    return found


def test_several_tasks_share_a_session_in_turns() -> None:
    async def scenario() -> None:
        client = client_of(NativeStore())
        await client.send(visit)

        async def act(session: AsyncSession) -> None:
            async with asyncio.TaskGroup() as group:
                for _ in range(5):
                    group.create_task(session.modify("k", lambda n: n + 1))
                    group.create_task(session.get("k"))
                    group.create_task(session.save())

        await client.send(act)
        assert await content(client) == {"k": 6}

    asyncio.run(scenario())


INTENTS: dict[str, tuple[Callable[[AsyncSession], None], str]] = {
    "set": (lambda session: session.set("b", 2), "a=1 b=2"),
    "set again": (lambda session: session.set("a", 2), "a=2"),
    "delete": (lambda session: session.delete("a"), "empty"),
    "clear": (lambda session: session.clear(), "empty"),
    "flash": (lambda session: session.flash("b", 2), "a=1 flashed"),
    "bind": (lambda session: session.bind("alice"), "a=1 @alice"),
    "regenerate": (lambda session: session.regenerate(), "a=1"),
    "destroy": (lambda session: session.destroy(), "-"),
}


@pytest.mark.parametrize("intent", INTENTS)
@pytest.mark.parametrize("during", ["create", "update", "load"])
def test_what_is_asked_while_another_task_awaits_the_store_is_done_after_it(
    during: str, intent: str
) -> None:
    ask, expected = INTENTS[intent]

    async def scenario() -> str:
        store = SlowStore()
        client = client_of(store)

        async def begin(session: AsyncSession) -> None:
            session.set("a", 1)

        async def act(session: AsyncSession) -> None:
            store.gates[during] = asyncio.Event()
            if during == "load":
                task = asyncio.create_task(session.get("a"))
            else:
                session.set("a", 1)
                task = asyncio.create_task(session.save())
            await store.arrived.wait()
            ask(session)
            store.gates.pop(during).set()
            await task

        if during != "create":
            await client.send(begin)
        await client.send(act)
        created = during == "create" and intent != "destroy"
        assert (client.set_cookie == "new") == (created or intent in ("bind", "regenerate"))
        return await told(client)

    assert asyncio.run(scenario()) == expected


async def told(client: Browser) -> str:
    """What the client's cookie opens."""

    async def look(session: AsyncSession) -> str:
        info = await session.info()
        if info.handle is None:
            return "-"
        pairs = [f"{key}={value}" for key, value in await session.items()]
        flashed = ["flashed"] if await session.flashes() else []
        user = [f"@{info.user}"] if info.user else []
        return " ".join([*pairs, *flashed, *user]) or "empty"

    found: str = await client.send(look)
    return found


def test_decision_4_a_task_that_outlives_the_answer_cannot_write() -> None:
    """It asked for its turn while the session was being saved, which is over when it gets it."""

    async def scenario() -> None:
        store = SlowStore()
        client = client_of(store)
        await client.send(visit)
        tasks: list[asyncio.Task[Any]] = []

        async def act(session: AsyncSession) -> None:
            async def late() -> None:
                await store.arrived.wait()
                await session.modify("k", lambda n: n + 1)

            session.set("j", 1)
            store.gates["update"] = asyncio.Event()
            tasks.append(asyncio.create_task(late()))

        request = asyncio.create_task(client.send(act))
        await store.arrived.wait()
        await asyncio.sleep(0)
        store.gates["update"].set()
        await request
        with pytest.raises(SessionClosed):
            await tasks[0]
        assert await content(client) == {"k": 1, "j": 1}

    asyncio.run(scenario())


def test_decision_4_an_intent_while_the_answer_is_being_saved_is_too_late() -> None:
    async def scenario() -> None:
        store = SlowStore()
        client = client_of(store)
        await client.send(visit)
        tasks: list[asyncio.Task[Any]] = []

        async def act(session: AsyncSession) -> None:
            async def late() -> None:
                await store.arrived.wait()
                with pytest.raises(SessionClosed):
                    session.set("k", 2)
                with pytest.raises(SessionClosed):
                    session.destroy()

            store.gates["update"] = asyncio.Event()
            tasks.append(asyncio.create_task(late()))
            session.set("j", 1)

        request = asyncio.create_task(client.send(act))
        await store.arrived.wait()
        await asyncio.sleep(0)
        store.gates["update"].set()
        await request
        await tasks[0]
        assert await content(client) == {"k": 1, "j": 1}

    asyncio.run(scenario())


@pytest.mark.parametrize("driver", ["sync", "async"])
def test_the_function_of_modify_may_say_what_else_is_to_change(driver: Driver) -> None:
    async def act(session: Any) -> None:
        def fn(n: int) -> int:
            session.set("k", "set")
            session.delete("gone")
            return n + 1

        session.set("k", 1)
        session.set("gone", 1)
        assert await settled(session.modify("n", fn, 0)) == 1

    async def look(session: Any) -> dict[str, Any]:
        return {key: await settled(session.get(key)) for key in await settled(session.keys())}

    client = Browser(SessionManager(MemoryStore(), SessionConfig()), driver)
    client.request(act)
    assert client.request(look) == {"k": "set", "n": 1}
