"""What both drivers do round a store call: bound it, time it, and let no foreign error out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from . import clock
from .errors import SessionError, StoreTimeout, StoreUnavailable
from .events import Event, Listener, emit
from .steps import StoreCall

TimeLeft = Callable[[], float]
"""Seconds that the platform still gives the invocation."""


@contextmanager
def store_call(
    call: StoreCall, kind: str, time_left: TimeLeft, hook: Listener | None
) -> Iterator[None]:
    """Run the body, which calls a store of this kind, within the time that is left for it."""
    began = time.monotonic()
    seconds = min(call.ends - began, time_left())
    error: Exception | None = None
    try:
        if seconds <= 0:
            raise StoreTimeout(f"no time is left for {call.operation}")
        with clock.call_limit(seconds):
            yield
    except SessionError as raised:
        error = raised
        raise
    except Exception as raised:
        error = raised
        raise StoreUnavailable(f"{call.operation} failed in the store's own code") from raised
    finally:
        took = time.monotonic() - began
        name = type(error).__name__ if error is not None else None
        done = Event("store_call", None, call.operation, took, name, kind)
        emit(done, hook)
        if done.failed:
            emit(done._replace(name="store_error"), hook)


def log_error(what: str, error: SessionError) -> None:
    """Tell the operator what failed and where. Our errors name no id, value or secret; of a cause
    that is not ours only the class is told, as its words may hold a key or a value."""
    import logging

    logging.getLogger("serverless_sessions").error("%s: %s\n%s", what, error, _where(error))


def _where(error: BaseException | None) -> str:
    import traceback

    told = []
    while error is not None:
        told.append(
            f"{type(error).__qualname__}:\n{''.join(traceback.format_tb(error.__traceback__))}"
        )
        error = error.__cause__
    return "caused by ".join(told).rstrip()
