"""SessionManager: one store and one configuration, serving one invocation after another."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from . import cookies, registry
from .config import SessionConfig
from .contents import encode
from .driver import store_call
from .encryption import Plain
from .errors import ConfigurationError, SessionError
from .events import Event, emit
from .headers import Outcome
from .lifecycle import Lifecycle
from .session import Session
from .steps import Pause, Steps
from .store import SessionStore

if TYPE_CHECKING:
    from .aio import AsyncInvocation, AsyncSessionStore

T = TypeVar("T")
TimeLeft = Callable[[], float]

INVOCATION_SECONDS = 30.0
"""How long an invocation may go on retrying where its platform does not say."""


class SessionManager:
    """Begins and ends sessions. Front doors hold one; tests swap its store with ``use``.

    ``store`` is a store or a ``SESSION_STORE`` url; without one the configuration's counts.
    It is opened at first use, once for each process id, so that no client crosses a fork.
    """

    def __init__(
        self,
        store: str | SessionStore | AsyncSessionStore | None = None,
        config: SessionConfig | None = None,
    ) -> None:
        self.config = config if config is not None else SessionConfig.from_env()
        self._source = store if store is not None else self.config.store
        self._opened: tuple[int, SessionStore | AsyncSessionStore] | None = None
        self._lock = threading.Lock()

    @property
    def store(self) -> SessionStore | AsyncSessionStore:
        """The open store. Raises ConfigurationError or MissingDependency when it cannot be."""
        if self._source is not None and not isinstance(self._source, str):
            return self._source
        with self._lock:
            if self._opened is None or self._opened[0] != os.getpid():
                url = self._source or registry.default_url()
                self._opened = os.getpid(), registry.open_store(url)
            return self._opened[1]

    def open_now(self) -> None:
        """Open the store ahead of the first invocation, in a platform's start-up phase."""
        _ = self.store

    def use(self, store: str | SessionStore | AsyncSessionStore) -> Swapped:
        """Go on with another store: for good, or as a context manager till its end."""
        before = self._source
        self._change_source(store)
        return Swapped(lambda: self._change_source(before))

    def begin(self, cookie_lines: Iterable[str], time_left: TimeLeft | None = None) -> Invocation:
        """An invocation whose request came with these raw Cookie header lines.

        ``time_left`` tells the seconds that the platform still gives it.
        """
        time_left = time_left or _counting_down()
        return Invocation(self._life(cookie_lines, time_left), self._sync_store, time_left)

    def begin_async(
        self, cookie_lines: Iterable[str], time_left: TimeLeft | None = None
    ) -> AsyncInvocation:
        """As ``begin``, for code that awaits."""
        from .aio import AsyncInvocation, async_store

        time_left = time_left or _counting_down()
        life = self._life(cookie_lines, time_left)
        return AsyncInvocation(life, lambda: async_store(self.store), time_left)

    def _life(self, cookie_lines: Iterable[str], time_left: TimeLeft) -> Lifecycle:
        offered, refused = cookies.find_ids(cookie_lines, self.config.cookie_name)
        if refused:
            emit(Event("refused_id"), self.config.on_event)
        return Lifecycle(
            offered,
            config=self.config,
            backend=lambda: self.store,
            sealer=Plain(),
            encode=encode,
            time_left=time_left,
        )

    def _sync_store(self) -> SessionStore:
        store = self.store
        if not isinstance(store, SessionStore):
            raise ConfigurationError(
                f"{type(store).__name__} can only be awaited; make the handler an async def"
            )
        return store

    def _change_source(self, source: str | SessionStore | AsyncSessionStore | None) -> None:
        with self._lock:
            self._source, self._opened = source, None


class Swapped:
    """The store is swapped already; leaving the ``with`` block brings the former one back."""

    def __init__(self, restore: Callable[[], None]) -> None:
        self._restore = restore

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._restore()


class Invocation:
    """One session for the time of one request, driven with plain calls."""

    def __init__(
        self, life: Lifecycle, store: Callable[[], SessionStore], time_left: TimeLeft
    ) -> None:
        self._life = life
        self._store = store
        self._time_left = time_left
        self.session = Session(life, self._drive)

    def finish(self, *, failed: bool) -> None:
        """Save before the answer leaves; after a server error only log-outs are carried out."""
        self._drive(self._life.finish(failed=failed))

    def abandon(self) -> None:
        """The handler raised: carry out log-outs. Never raises an error of the store."""
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
        try:
            step = next(steps)
            while True:
                answer: Any = None
                try:
                    if isinstance(step, Pause):
                        time.sleep(step.seconds)
                    else:
                        method = getattr(self._store(), step.operation)
                        with store_call(step, self._time_left, self._life.config.on_event):
                            answer = method(*step.arguments)
                except SessionError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration as stop:
            result: T = stop.value
            return result


def log_error(what: str, error: SessionError) -> None:
    """Tell the operator; our errors name no id, value or secret."""
    import logging

    logging.getLogger("serverless_sessions").error("%s: %s", what, error, exc_info=error)


def _counting_down() -> TimeLeft:
    ends = time.monotonic() + INVOCATION_SECONDS
    return lambda: ends - time.monotonic()
