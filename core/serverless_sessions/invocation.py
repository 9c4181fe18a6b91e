"""One session for the time of one request, driven with plain calls."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from .driver import TimeLeft, log_error, store_call
from .errors import SessionError
from .events import Listener
from .headers import Outcome
from .lifecycle import Lifecycle
from .session import Drive, Session
from .steps import Pause, Steps, StoreCall
from .store import SessionStore
from .trampoline import run

T = TypeVar("T")
Face = TypeVar("Face")


class Driver:
    """Performs steps by calls to a store."""

    def __init__(
        self, store: Callable[[], SessionStore], time_left: TimeLeft, hook: Listener | None
    ) -> None:
        self._store = store
        self._time_left = time_left
        self._hook = hook

    def run(self, steps: Steps[T]) -> T:
        return run(steps, self._perform)

    def _perform(self, step: StoreCall | Pause) -> Any:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        store = self._store()
        method = getattr(store, step.operation)
        with store_call(step, store.kind, self._time_left, self._hook):
            return method(*step.arguments)


class Invocation:
    """Holds the session, and ends it when the handler has answered or raised."""

    def __init__(
        self, life: Lifecycle, store: Callable[[], SessionStore], time_left: TimeLeft
    ) -> None:
        self._life = life
        self._driver = Driver(store, time_left, life.config.on_event)
        self.session = Session(life, self._drive)

    def seen_as(self, face: Callable[[Lifecycle, Drive], Face]) -> Face:
        """The same session as a framework's users know sessions."""
        return face(self._life, self._drive)

    def finish(self, *, failed: bool) -> None:
        """Save before the answer leaves; after a server error only log-outs are carried out.

        The handler's part is over: any later use of the session raises SessionClosed.
        """
        self.close()
        self._drive(self._life.finish(failed=failed))

    def abandon(self) -> None:
        """The handler raised: carry out log-outs. Never raises an error of the store."""
        self.close()
        try:
            self._drive(self._life.abandon())
        except SessionError as error:
            log_error("the session could not be ended after the handler raised", error)

    def outcome(self) -> Outcome:
        """What the answer must carry for what has taken effect so far."""
        return self._life.outcome()

    def close(self) -> None:
        """Any later use of the session raises SessionClosed."""
        self._life.closed = True

    def _drive(self, steps: Steps[T]) -> T:
        with self._life.underway:
            return self._driver.run(steps)
