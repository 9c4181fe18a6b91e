"""A Session on top of an event loop, for code there that does not await."""

from __future__ import annotations

from typing import TypeVar

from .aio import AsyncInvocation
from .errors import Unsupported
from .session import Session
from .steps import Steps

T = TypeVar("T")


def bridged(invocation: AsyncInvocation) -> Session:
    """The session of ``invocation`` without awaits.

    In worker threads it is a Session like any other: the event loop makes its calls to the store.
    On an event loop it gives and takes what needs no call, and raises Unsupported for the rest.
    """
    import asyncio

    loop = asyncio.get_running_loop()

    def drive(steps: Steps[T]) -> T:
        if _on_a_loop():
            return _at_hand(invocation, steps)
        return asyncio.run_coroutine_threadsafe(invocation.drive(steps), loop).result()

    return Session(invocation.life, drive)


def _on_a_loop() -> bool:
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _at_hand(invocation: AsyncInvocation, steps: Steps[T]) -> T:
    """What the steps come to before they need the store; then they are dropped, not failed: the
    same may be awaited afterwards."""
    with invocation.life.underway:
        try:
            step = next(steps)
        except StopIteration as stop:
            result: T = stop.value
            return result
        steps.close()
    raise Unsupported(
        f"this needs the store ({getattr(step, 'operation', 'pause')}), and a call would block the"
        " event loop: await the same method of current_async_session(), or make the endpoint a def"
    )
