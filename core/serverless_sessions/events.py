"""What happens to sessions, told to one hook: no id, no stored value, no secret in it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, NamedTuple

from .errors import InvalidArgument

EventName = Literal[
    "created",
    "loaded",
    "missed",
    "expired",
    "refused_id",
    "touch_failed",
    "rotated",
    "destroyed",
    "revoked",
    "lost",
    "conflict",
    "store_call",
    "store_error",
]

ANSWERS = frozenset({"Conflict", "Moved", "SessionGone"})
"""Classes of errors by which a store that works answers."""


class Event(NamedTuple):
    """One thing that happened.

    ``handle`` is the session's public name where it is known. A ``store_call`` carries the
    ``store``'s kind, the operation and how long it took in seconds; an ``error`` is the name of
    its class.
    """

    name: EventName
    handle: str | None = None
    operation: str | None = None
    seconds: float | None = None
    error: str | None = None
    store: str | None = None

    @property
    def failed(self) -> bool:
        """Whether ``error`` is a failure, and not how a store answers that a session is gone."""
        return self.error is not None and self.error not in ANSWERS


Listener = Callable[[Event], None]

_observers: ContextVar[tuple[Listener, ...]] = ContextVar(
    "serverless_sessions_observers", default=()
)
_telling: ContextVar[bool] = ContextVar("serverless_sessions_telling", default=False)


@contextmanager
def observed(listener: Listener) -> Iterator[None]:
    """Tell ``listener`` every event that happens inside, besides the configured hook."""
    token = _observers.set((*_observers.get(), listener))
    try:
        yield
    finally:
        _observers.reset(token)


def is_listener(hook: object) -> bool:
    """Whether ``hook`` can be called; one that has to be awaited would never run."""
    awaited = inspect.iscoroutinefunction(hook) or inspect.iscoroutinefunction(type(hook).__call__)
    return callable(hook) and not awaited


def together(*listeners: Listener) -> Listener:
    """One hook of several: each is told, whether or not another one fails.

    Raises InvalidArgument for one that cannot be called, or has to be awaited.
    """
    if not all(map(is_listener, listeners)):
        raise InvalidArgument("together() takes functions that are called, none that is awaited")

    def tell(event: Event) -> None:
        for listener in listeners:
            _tell(listener, event)

    return tell


def emit(event: Event, hook: Listener | None = None) -> None:
    """Tell everyone who listens. A listener that fails is logged and never breaks a request.

    What a listener does with sessions itself is told to nobody: it would hear of that, do it
    again, and so on.
    """
    listeners = (*_observers.get(), *((hook,) if hook else ()))
    if not listeners or _telling.get():
        return
    token = _telling.set(True)
    try:
        for listener in listeners:
            _tell(listener, event)
    finally:
        _telling.reset(token)


def _tell(listener: Listener, event: Event) -> None:
    try:
        listener(event)
    except Exception:
        import logging

        logging.getLogger("serverless_sessions").exception("on_event hook failed")
