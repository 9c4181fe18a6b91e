"""One event loop for the process, so that async clients outlive an invocation."""

from __future__ import annotations

import os
import threading
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError

if TYPE_CHECKING:
    import asyncio

_lock = threading.Lock()
_running: tuple[int, asyncio.AbstractEventLoop] | None = None


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run ``coroutine`` on the process's loop, from any thread, in the caller's context.

    Raises ConfigurationError on the loop itself, which would wait for itself for ever.
    """
    import asyncio

    loop = _loop()
    if asyncio._get_running_loop() is loop:
        coroutine.close()
        raise ConfigurationError(
            "an async def handler under with_session calls another one: call the undecorated one,"
            " or send it off with asyncio.to_thread"
        )
    task = asyncio.run_coroutine_threadsafe(_caught(coroutine), loop)
    try:
        result, error = task.result()
    finally:
        task.cancel()
    if error is not None:
        raise error
    return result


async def _caught(coroutine: Coroutine[Any, Any, Any]) -> tuple[Any, BaseException | None]:
    """Its result or what it raised: a future would replace a TimeoutError by another one, and
    a SystemExit would end the loop for everyone."""
    try:
        return await coroutine, None
    except BaseException as error:  # noqa: BLE001  (raised again by ``run``)
        return None, error


def _loop() -> asyncio.AbstractEventLoop:
    """The loop turns in a thread of its own; a forked child starts another."""
    import asyncio

    global _running
    with _lock:
        if _running is None or _running[0] != os.getpid():
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="sessions-loop", daemon=True).start()
            _running = os.getpid(), loop
        return _running[1]
