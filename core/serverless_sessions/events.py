"""What happens to sessions, told to one hook: no id, no stored value, no secret in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, NamedTuple

EventName = Literal[
    "created",
    "loaded",
    "missed",
    "refused_id",
    "touch_failed",
    "rotated",
    "destroyed",
    "lost",
    "conflict",
    "store_call",
    "store_error",
]


class Event(NamedTuple):
    """One thing that happened.

    ``handle`` is the session's public name where it is known. A ``store_call`` carries the
    operation and how long it took in seconds; an ``error`` is the name of its class.
    """

    name: EventName
    handle: str | None = None
    operation: str | None = None
    seconds: float | None = None
    error: str | None = None


Listener = Callable[[Event], None]

_observers: ContextVar[tuple[Listener, ...]] = ContextVar(
    "serverless_sessions_observers", default=()
)


@contextmanager
def observed(listener: Listener) -> Iterator[None]:
    """Tell ``listener`` every event that happens inside, besides the configured hook."""
    token = _observers.set((*_observers.get(), listener))
    try:
        yield
    finally:
        _observers.reset(token)


def emit(event: Event, hook: Listener | None = None) -> None:
    """Tell everyone who listens. A listener that fails is logged and never breaks a request."""
    for listener in (*_observers.get(), *((hook,) if hook else ())):
        try:
            listener(event)
        except Exception:
            import logging

            logging.getLogger("serverless_sessions").exception("on_event hook failed")
