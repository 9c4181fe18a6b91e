"""The time of day that every deadline is held to, and the time left for one store call."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from .errors import CorruptRecord

_read: Callable[[], float] = time.time
_call_ends: ContextVar[float | None] = ContextVar("serverless_sessions_call_ends", default=None)


def now() -> int:
    """Unix time in whole seconds, the unit of every deadline."""
    return int(_read())


def precise() -> float:
    """Unix time with its fraction, for ordering; never compared with a deadline."""
    return _read()


def moment(seconds: int) -> datetime:
    """A stored Unix second. Raises CorruptRecord where no calendar has it."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise CorruptRecord("a moment of the session was damaged in the store") from error


@contextmanager
def replaced(read: Callable[[], float]) -> Iterator[None]:
    """Read the time from ``read`` instead of the system, in the whole process, for tests."""
    global _read
    before, _read = _read, read
    try:
        yield
    finally:
        _read = before


@contextmanager
def call_limit(seconds: float) -> Iterator[None]:
    """Bound the store call made inside to ``seconds``."""
    token = _call_ends.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _call_ends.reset(token)


def time_left(default: float = 2.0) -> float:
    """Seconds that the running store call may still take, retries included; 0 when used up.

    Adapters give it to their client as the timeout. ``default`` serves calls made outside an
    invocation.
    """
    ends = _call_ends.get()
    return default if ends is None else max(0.0, ends - time.monotonic())
