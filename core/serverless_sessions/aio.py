"""The same session for code that awaits: AsyncSession, its driver, and stores in a thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from . import clock, csrf
from .contents import KEEP, MISSING, Keep, SessionInfo
from .driver import TimeLeft, log_error, store_call
from .errors import Moved, SessionClosed, SessionError, StoreTimeout
from .events import Listener
from .headers import Outcome
from .intents import Intents
from .lifecycle import Lifecycle
from .steps import READS, Pause, Steps, StoreCall
from .store import (
    Absence,
    AnyStore,
    AsyncSessionStore,
    Change,
    Deletion,
    Found,
    Record,
    SessionStore,
)
from .trampoline import run_async

T = TypeVar("T")


class ThreadedStore(AsyncSessionStore):
    """A store whose calls block, each made in a worker thread."""

    def __init__(self, store: SessionStore) -> None:
        self._store = store
        self.guarantees = store.guarantees.awaited()
        self.kind = store.kind

    async def load(self, key: str) -> Found:
        return await _in_thread(self._store.load, key)

    async def create(self, key: str, record: Record) -> None:
        await _in_thread(self._store.create, key, record)

    async def update(self, key: str, change: Change) -> None:
        await _in_thread(self._store.update, key, change)

    async def rotate(
        self, old: str, new: str, record: Record, rev: object, grace_until: int
    ) -> None:
        await _in_thread(self._store.rotate, old, new, record, rev, grace_until)

    async def delete(self, key: str) -> Deletion | Absence | Moved:
        return await _in_thread(self._store.delete, key)

    def colocated(self, a: str, b: str) -> bool:
        return self._store.colocated(a, b)

    def adopt(self, seconds: int) -> None:
        self._store.adopt(seconds)

    async def list_user(self, user: str) -> list[str]:
        return await _in_thread(self._store.list_user, user)

    async def close(self) -> None:
        await _in_thread(self._store.close)


def to_async(store: SessionStore) -> AsyncSessionStore:
    """A view of ``store`` for code that awaits: its own, or its calls in worker threads."""
    return store.native_async() or ThreadedStore(store)


def async_store(store: AnyStore) -> AsyncSessionStore:
    return store if isinstance(store, AsyncSessionStore) else to_async(store)


async def _in_thread(call: Callable[..., T], *arguments: Any) -> T:
    import asyncio

    return await asyncio.to_thread(call, *arguments)


class AsyncDrive(Protocol):
    """Runs the steps of a lifecycle."""

    async def __call__(self, steps: Steps[T]) -> T: ...


class AsyncSession(Intents):
    """``Session`` for ``async def`` handlers: what needs the store is awaited, what only
    records an intent (set, delete, clear, flash, regenerate, bind, destroy) is not."""

    def __init__(self, life: Lifecycle, drive: AsyncDrive) -> None:
        super().__init__(life)
        self._drive = drive

    async def get(self, key: str, default: Any = None) -> Any:
        """See ``Session.get``."""
        value = await self._drive(self._contents.get(key))
        return default if value is MISSING else value

    async def has(self, key: str) -> bool:
        """Whether ``key`` is there."""
        return await self._drive(self._contents.has(key))

    async def keys(self) -> list[str]:
        """All keys."""
        return await self._drive(self._contents.names())

    async def values(self) -> list[Any]:
        """All values; changes made inside them are noticed and saved."""
        return [value for _, value in await self.items()]

    async def items(self) -> list[tuple[str, Any]]:
        """All keys with their values."""
        return [(key, await self.get(key)) for key in await self.keys()]

    async def pop(self, key: str, default: Any = MISSING) -> Any:
        """Remove ``key`` and return its value, or ``default``; KeyError without one."""
        value = await self._drive(self._contents.get(key))
        if value is not MISSING:
            self.delete(key)
            return value
        if default is MISSING:
            raise KeyError(key)
        return default

    async def setdefault(self, key: str, default: Any = None) -> Any:
        """The value of ``key``, set to ``default`` first where it is absent."""
        if not await self.has(key):
            self.set(key, default)
        return await self.get(key)

    async def update(self, other: Any = (), /, **values: Any) -> None:
        """Set many keys at once, from a mapping or from pairs."""
        for key, value in dict(other, **values).items():
            self.set(key, value)

    async def modify(
        self,
        key: str,
        fn: Callable[[Any], Any],
        default: Any = None,
        *,
        ttl: float | timedelta | Keep | None = KEEP,
    ) -> Any:
        """See ``Session.modify``; ``fn`` is a plain function."""
        return await self._drive(self._contents.modify(key, fn, default, ttl))

    async def flashes(self) -> list[tuple[str, Any]]:
        """See ``Session.flashes``."""
        return await self._drive(self._contents.flashes())

    async def load(self, session_id: str) -> None:
        """See ``Session.load``."""
        await self._drive(self._contents.load(session_id))

    async def save(self) -> None:
        """See ``Session.save``."""
        await self._drive(self._contents.save())

    async def info(self) -> SessionInfo:
        """See ``Session.info``."""
        return await self._drive(self._contents.info())

    async def authenticated_within(self, seconds: float | timedelta) -> bool:
        """See ``Session.authenticated_within``."""
        return (await self.info()).authenticated_within(seconds)

    async def csrf_token(self) -> str:
        """See ``Session.csrf_token``."""
        return csrf.masked(await self._drive(self._contents.csrf_secret()))

    async def is_csrf_token(self, token: object) -> bool:
        """See ``Session.is_csrf_token``."""
        return await self._drive(self._contents.is_csrf_token(token))


class AsyncDriver:
    """Performs steps by calls to a store that are awaited."""

    def __init__(
        self, store: Callable[[], AsyncSessionStore], time_left: TimeLeft, hook: Listener | None
    ) -> None:
        self._store = store
        self._time_left = time_left
        self._hook = hook

    async def run(self, steps: Steps[T]) -> T:
        """Cancelled, it sees a write through before it stops, so that what was stored is known:
        a new id reaches the client, and no write goes on behind the answer."""
        cancels: list[BaseException] = []
        try:
            result = await run_async(steps, lambda step: self._perform(step, cancels))
        except SessionError:
            if not cancels:
                raise
        else:
            if not cancels:
                return result
        raise cancels[0]

    async def _perform(self, step: StoreCall | Pause, cancels: list[BaseException]) -> Any:
        import asyncio

        if cancels and not step.settles:
            raise cancels[0]
        if isinstance(step, Pause):
            pause = asyncio.sleep(step.seconds)
            return await (_seen_through(pause, cancels) if step.settles else pause)
        store = self._store()
        method = getattr(store, step.operation)
        with store_call(step, store.kind, self._time_left, self._hook):
            call = _in_time(method(*step.arguments), step.operation)
            if step.operation in READS and not step.settles:
                return await call
            return await _seen_through(call, cancels)


class AsyncInvocation:
    """One session for the time of one request, driven with awaits."""

    def __init__(
        self, life: Lifecycle, store: Callable[[], AsyncSessionStore], time_left: TimeLeft
    ) -> None:
        self.life = life
        self._driver = AsyncDriver(store, time_left, life.config.on_event)
        self._turn: Any = None
        self.session = AsyncSession(life, self.drive)

    async def read_ahead(self) -> None:
        """Read the session before the handler asks; where that fails, whoever asks is told."""
        with suppress(SessionError):
            await self.drive(self.life.read_ahead())

    async def accept(self) -> None:
        """Save before a WebSocket is accepted."""
        await self.drive(self.life.accept())

    async def finish(self, *, failed: bool) -> None:
        """See ``Invocation.finish``. Cancelled, it goes on as after a handler that raised."""
        import asyncio

        try:
            await self.drive(self.life.finish(failed=failed), last=True)
        except asyncio.CancelledError:
            await self.abandon()
            raise

    async def abandon(self) -> None:
        """See ``Invocation.abandon``. Being cancelled does not stop it."""
        await _seen_through(self._abandon(), cancels=[])

    def outcome(self) -> Outcome:
        """See ``Invocation.outcome``."""
        return self.life.outcome()

    def close(self) -> None:
        """See ``Invocation.close``."""
        self.life.closed = True

    async def _abandon(self) -> None:
        try:
            await self.drive(self.life.abandon(), last=True)
        except SessionError as error:
            log_error("the session could not be ended after the handler raised", error)

    async def drive(self, steps: Steps[T], *, last: bool = False) -> T:
        """Run the steps, in turn with other tasks of this invocation; none comes after ``last``."""
        import asyncio

        if self._turn is None:
            self._turn = asyncio.Lock()
        async with self._turn:
            if last:
                self.close()
            elif self.life.closed:
                raise SessionClosed
            with self.life.underway:
                return await self._driver.run(steps)


async def _in_time(call: Awaitable[T], operation: str) -> T:
    """What ``call`` gives within the time that is left for it; StoreTimeout after that."""
    import asyncio

    try:
        async with asyncio.timeout(clock.time_left()) as limit:
            return await call
    except TimeoutError as late:
        if limit.expired():
            raise StoreTimeout(f"{operation} took longer than the time left for it") from late
        raise


async def _seen_through(work: Coroutine[Any, Any, T], cancels: list[BaseException]) -> T:
    """Await ``work`` to its end though this task is cancelled, which is added to ``cancels``."""
    import asyncio

    task = asyncio.ensure_future(work)
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as cancelled:
            cancels.append(cancelled)
    return task.result()
