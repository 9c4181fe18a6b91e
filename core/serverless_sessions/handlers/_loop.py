"""One event loop for the process, so that async clients outlive an invocation."""

from __future__ import annotations

import os
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import ConfigurationError

if TYPE_CHECKING:
    import asyncio


class _Running(NamedTuple):
    process: int
    thread: threading.Thread
    loop: asyncio.AbstractEventLoop


_lock = threading.Lock()
_running: _Running | None = None


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run ``coroutine`` on the process's loop, from any other thread, in the caller's context.

    Raises ConfigurationError when called on the loop itself, which would wait for ever.
    """
    import asyncio

    running = _started()
    if running.thread is threading.current_thread():
        coroutine.close()
        raise ConfigurationError(
            "an async handler under with_session was called by code that runs on its own event"
            " loop, as in another async handler; call it as `await asyncio.to_thread(handler,"
            " event, context)`, or await a function that both of them share"
        )
    task = asyncio.run_coroutine_threadsafe(_caught(coroutine), running.loop)
    try:
        result, error = task.result()
    finally:
        task.cancel()
    if error is not None:
        raise error
    return result


async def _caught(coroutine: Coroutine[Any, Any, Any]) -> tuple[Any, BaseException | None]:
    """Its result or what it raised: a future would replace a TimeoutError by another one."""
    try:
        return await coroutine, None
    except BaseException as error:  # noqa: BLE001  (raised again by ``run``)
        return None, error


def _started() -> _Running:
    """The loop turns in a thread of its own; a forked child starts another."""
    import asyncio

    global _running
    with _lock:
        if _running is None or _running.process != os.getpid():
            loop = asyncio.new_event_loop()
            thread = threading.Thread(target=_turn, args=(loop,), name="sessions-loop", daemon=True)
            thread.start()
            _running = _Running(os.getpid(), thread, loop)
        return _running


def _turn(loop: asyncio.AbstractEventLoop) -> None:
    """Turn for ever: what one handler's tasks do ends no other handler's loop. A SystemExit or
    KeyboardInterrupt raised in a task passes through the loop, and so does ``loop.stop()``."""
    while True:
        with suppress(SystemExit, KeyboardInterrupt):
            loop.run_forever()
