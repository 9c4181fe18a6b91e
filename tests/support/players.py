"""Requests that stand still before each store call, on either driver, for a test to interleave."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from serverless_sessions import MemoryStore, SessionConfig, SessionManager
from serverless_sessions.arrival import Request
from serverless_sessions.headers import Outcome
from serverless_sessions.testing.browser import Driver, settled
from serverless_sessions.testing.watched import AsyncPassingStore, PassingStore

PATIENCE = 60.0
"""Seconds, for what never takes any."""

Reply = Callable[[], Any]
"""Gives an answer or raises an error."""


class Call(NamedTuple):
    """A store call that a request stands before."""

    operation: str
    arguments: tuple[Any, ...]


class Player:
    """One request. ``run`` and ``finish`` start something in it, and ``reply`` answers the store
    call that it stands before; they return when it stands before the next ``call``, or when
    that is None and the ``result`` is there."""

    session: Any
    outcome: Callable[[], Outcome]
    call: Call | None = None
    result: Any = None

    def run(self, act: Callable[[], Any]) -> None:
        """Begin ``act``, which does something with the session."""
        raise NotImplementedError

    def finish(self) -> None:
        raise NotImplementedError

    def reply(self, reply: Reply) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """End it wherever it stands."""
        if self.call is not None:
            self.reply(_vanish)

    def _stand(self, stop: Call | Reply) -> None:
        if isinstance(stop, Call):
            self.call = stop
            return
        self.call = None
        try:
            self.result = stop()
        except Vanished:
            self.result = None


class SyncPlayer(Player):
    """In threads that wait at each store call."""

    def __init__(self, config: SessionConfig, cookie_lines: Iterable[str]) -> None:
        manager = SessionManager(_Gate(self), config)
        self._invocation = manager.begin(Request.with_cookies(*cookie_lines), lambda: PATIENCE)
        self.session, self.outcome = self._invocation.session, self._invocation.outcome
        self._replies: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        self._stops: queue.SimpleQueue[Call | Reply] = queue.SimpleQueue()

    def run(self, act: Callable[[], Any]) -> None:
        threading.Thread(target=lambda: self._stops.put(_kept(act)), daemon=True).start()
        self._stand(self._stops.get(timeout=PATIENCE))

    def finish(self) -> None:
        self.run(lambda: self._invocation.finish(failed=False))

    def reply(self, reply: Reply) -> None:
        self._replies.put(reply)
        self._stand(self._stops.get(timeout=PATIENCE))

    def ask(self, call: Call) -> Any:
        self._stops.put(call)
        return self._replies.get(timeout=PATIENCE)()


class _Gate(PassingStore):
    guarantees = MemoryStore().guarantees

    def __init__(self, player: SyncPlayer) -> None:
        self._player = player

    def pass_on(self, operation: str, *arguments: Any) -> Any:
        return self._player.ask(Call(operation, arguments))


class AsyncPlayer(Player):
    """On an event loop that turns only till the next store call."""

    def __init__(self, config: SessionConfig, cookie_lines: Iterable[str]) -> None:
        manager = SessionManager(_AsyncGate(self), config)
        self._invocation = manager.begin_async(
            Request.with_cookies(*cookie_lines), lambda: PATIENCE
        )
        self.session, self.outcome = self._invocation.session, self._invocation.outcome
        self._loop = asyncio.new_event_loop()
        self._stops: asyncio.Queue[Call | Reply] = asyncio.Queue()

    def run(self, act: Callable[[], Any]) -> None:
        async def work() -> None:
            try:
                self._stops.put_nowait(giving(await settled(act())))
            except BaseException as error:  # noqa: BLE001  (raised again by the reply)
                self._stops.put_nowait(raising(error))

        self._task = self._loop.create_task(work())
        self._turn()

    def finish(self) -> None:
        self.run(lambda: self._invocation.finish(failed=False))

    def reply(self, reply: Reply) -> None:
        self._reply.set_result(reply)
        self._turn()

    def close(self) -> None:
        super().close()
        self._loop.close()

    async def ask(self, call: Call) -> Any:
        self._reply: asyncio.Future[Reply] = self._loop.create_future()
        self._stops.put_nowait(call)
        return (await self._reply)()

    def _turn(self) -> None:
        self._stand(self._loop.run_until_complete(self._stops.get()))


class _AsyncGate(AsyncPassingStore):
    guarantees = MemoryStore().guarantees

    def __init__(self, player: AsyncPlayer) -> None:
        self._player = player

    async def pass_on(self, operation: str, *arguments: Any) -> Any:
        return await self._player.ask(Call(operation, arguments))


def player_of(driver: Driver, config: SessionConfig, cookie_lines: Iterable[str]) -> Player:
    """A request that came with these cookies."""
    return (SyncPlayer if driver == "sync" else AsyncPlayer)(config, cookie_lines)


class Vanished(BaseException):
    """The request is of no more interest."""


def _vanish() -> Any:
    raise Vanished


def _kept(act: Callable[[], Any]) -> Reply:
    try:
        return giving(act())
    except BaseException as error:  # noqa: BLE001  (raised again by the reply)
        return raising(error)


def giving(result: Any) -> Reply:
    return lambda: result


def raising(error: BaseException) -> Reply:
    def reply() -> Any:
        raise error

    return reply
