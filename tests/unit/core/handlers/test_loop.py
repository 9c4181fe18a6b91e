"""Nothing that one async handler does ends the process's loop, or waits for itself on it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any

import pytest

from serverless_sessions import AsyncSession, ConfigurationError, MemoryStore
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.testing.lambda_events import HttpRequest, to_event

OK: dict[str, Any] = {"statusCode": 200}
EVENT = to_event("http-api", HttpRequest())
EXITS = pytest.mark.parametrize("ending", [SystemExit, KeyboardInterrupt])
Ending = type[BaseException]


def bounded(handler: Callable[[Any, Any], Any]) -> Any:
    """What the handler answers or raises; TimeoutError when its thread hangs and is left behind."""
    outcome: Future[Any] = Future()

    def call() -> None:
        try:
            outcome.set_result(handler(EVENT, None))
        except BaseException as raised:  # noqa: BLE001  (told to the test)
            outcome.set_exception(raised)

    threading.Thread(target=call, daemon=True).start()
    return outcome.result(10)


@with_session(store=MemoryStore())
async def answers(event: Any, context: Any) -> Any:
    await asyncio.sleep(0)
    return OK


async def leave(ending: Ending) -> None:
    raise ending("left")


async def leave_later(ending: Ending) -> None:
    await asyncio.sleep(0.01)
    raise ending("left")


@EXITS
def test_the_loop_outlives_a_handler_that_exits(ending: Ending) -> None:
    @with_session(store=MemoryStore())
    async def exits(event: Any, context: Any) -> Any:
        raise ending

    for _ in range(2):
        with pytest.raises(ending):
            bounded(exits)
    assert bounded(answers) == OK


@EXITS
@pytest.mark.parametrize("leaves", [leave, leave_later])
def test_the_loop_outlives_an_exit_in_a_task_that_the_handler_awaits(
    ending: Ending, leaves: Callable[[Ending], Coroutine[Any, Any, None]]
) -> None:
    store = MemoryStore()

    @with_session(store=store)
    async def exits(event: Any, context: Any, session: AsyncSession) -> Any:
        session.set("k", 1)
        await asyncio.create_task(leaves(ending))
        pytest.fail("went on after the exit")

    for _ in range(2):
        with pytest.raises(ending, match="left"):
            bounded(exits)
    assert bounded(answers) == OK
    assert list(store.scan()) == []


@EXITS
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_loop_outlives_an_exit_in_a_task_that_nobody_awaits(ending: Ending) -> None:
    @with_session(store=MemoryStore())
    async def goes_on(event: Any, context: Any) -> Any:
        task = asyncio.create_task(leave(ending))
        await asyncio.sleep(0.01)
        return OK | {"body": str(task.done())}

    for _ in range(2):
        assert bounded(goes_on) == OK | {"body": "True"}
    assert bounded(answers) == OK


@EXITS
def test_the_loop_outlives_an_exit_in_a_callback(ending: Ending) -> None:
    @with_session(store=MemoryStore())
    async def goes_on(event: Any, context: Any) -> Any:
        def end() -> None:
            raise ending

        asyncio.get_running_loop().call_soon(end)
        await asyncio.sleep(0.01)
        return OK

    assert bounded(goes_on) == bounded(answers) == OK


def test_the_loop_outlives_a_handler_that_stops_it() -> None:
    @with_session(store=MemoryStore())
    async def stops(event: Any, context: Any) -> Any:
        asyncio.get_running_loop().stop()
        await asyncio.sleep(0.01)
        return OK

    assert bounded(stops) == bounded(answers) == OK


def test_an_exit_in_one_request_leaves_the_others_alone() -> None:
    arrived, left = threading.Event(), threading.Event()
    results: list[Any] = []

    @with_session(store=MemoryStore())
    async def waits(event: Any, context: Any) -> Any:
        arrived.set()
        while not left.is_set():
            await asyncio.sleep(0.001)
        return OK

    @with_session(store=MemoryStore())
    async def exits(event: Any, context: Any) -> Any:
        await asyncio.create_task(leave(SystemExit))

    other = threading.Thread(target=lambda: results.append(waits(EVENT, None)), daemon=True)
    other.start()
    assert arrived.wait(10)
    with pytest.raises(SystemExit):
        bounded(exits)
    left.set()
    other.join(10)
    assert results == [OK]


def test_an_async_handler_called_on_its_own_loop_is_told_so_at_once() -> None:
    @with_session(store=MemoryStore())
    async def calls_another(event: Any, context: Any) -> Any:
        with pytest.raises(ConfigurationError, match=r"event loop.*asyncio\.to_thread"):
            answers(event, context)
        return OK

    @with_session(store=MemoryStore())
    async def calls_in_a_callback(event: Any, context: Any) -> Any:
        raised: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

        def call() -> None:
            try:
                answers(event, context)
            except ConfigurationError as error:
                raised.set_result(error)

        asyncio.get_running_loop().call_soon(call)
        return OK | {"body": type(await raised).__name__}

    assert bounded(calls_another) == OK
    assert bounded(calls_in_a_callback)["body"] == "ConfigurationError"
    assert bounded(answers) == OK


def test_an_async_handler_can_be_called_from_another_in_a_thread() -> None:
    @with_session(store=MemoryStore())
    async def calls_another(event: Any, context: Any) -> Any:
        return await asyncio.to_thread(answers, event, context)

    assert bounded(calls_another) == OK


def test_a_handler_may_be_called_on_a_loop_of_the_callers_own() -> None:
    async def caller() -> Any:
        return answers(EVENT, None)

    assert bounded(lambda event, context: asyncio.run(caller())) == OK
