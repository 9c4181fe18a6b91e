"""Runs a generator that yields requests: each is performed by a call, or awaited.

What a request raises is raised where the generator yielded it, so that both worlds read the
same ``try`` and ``except``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeVar

Request = TypeVar("Request")
T = TypeVar("T")


def run(asking: Generator[Request, Any, T], perform: Callable[[Request], Any]) -> T:
    """The generator's result, every request performed by a call."""
    try:
        request = next(asking)
        while True:
            try:
                answer = perform(request)
            except Exception as error:  # noqa: BLE001  (the generator decides about it)
                request = asking.throw(error)
            else:
                request = asking.send(answer)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        asking.close()


async def run_async(
    asking: Generator[Request, Any, T], perform: Callable[[Request], Awaitable[Any]]
) -> T:
    """As ``run``, every request awaited."""
    try:
        request = next(asking)
        while True:
            try:
                answer = await perform(request)
            except Exception as error:  # noqa: BLE001  (the generator decides about it)
                request = asking.throw(error)
            else:
                request = asking.send(answer)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        asking.close()
