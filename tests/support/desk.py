"""A manager asked about its users' sessions: by calls, awaited in threads, or awaited natively."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal

from serverless_sessions import MemoryStore, SessionConfig, SessionManager, to_async
from serverless_sessions.events import Event
from serverless_sessions.handlers import _loop
from serverless_sessions.testing.browser import Act, Browser, Driver, settled
from serverless_sessions.testing.watched import WatchedAsyncStore, WatchedStore
from support.native import NativeStore

Way = Literal["called", "awaited", "store only awaited"]
WAYS: tuple[Way, ...] = ("called", "awaited", "store only awaited")
IDLE = 1000
"""Seconds, for a desk of whose sessions the times matter."""


class Desk:
    """``asked`` runs the method of that name, or its twin."""

    def __init__(self, way: Way, **settings: Any) -> None:
        self.driver: Driver = "sync" if way == "called" else "async"
        self.store: WatchedStore | WatchedAsyncStore
        match way:
            case "called":
                self.store = WatchedStore(MemoryStore())
            case "awaited":
                self.store = WatchedAsyncStore(to_async(MemoryStore()))
            case "store only awaited":
                self.store = WatchedAsyncStore(NativeStore())
        self.events: list[Event] = []
        self.config = SessionConfig(on_event=self.events.append, **settings)
        self.manager = SessionManager(self.store, self.config)

    def visitor(self) -> Browser:
        return Browser(self.manager, self.driver)

    def log_in(self, user: str, **data: Any) -> Browser:
        visitor = self.visitor()
        visitor.request(logging_in(user, **data))
        return visitor

    def asked(self, method: str, *arguments: Any, **options: Any) -> Any:
        if self.driver == "sync":
            return getattr(self.manager, method)(*arguments, **options)
        return _loop.run(getattr(self.manager, f"{method}_async")(*arguments, **options))

    async def asked_inside(self, method: str, *arguments: Any, **options: Any) -> Any:
        """As ``asked``, within a handler."""
        suffix = "" if self.driver == "sync" else "_async"
        return await settled(getattr(self.manager, method + suffix)(*arguments, **options))

    def told(self, name: str) -> list[str | None]:
        return [event.handle for event in self.events if event.name == name]

    def interrupted_before(self, call: int, act: Callable[[], Awaitable[None]]) -> Interruption:
        """``act`` comes before the store call of that number, counted from 0."""
        interruption = Interruption(call, act)
        self.store.before = interruption
        return interruption


class Interruption:
    def __init__(self, call: int, act: Callable[[], Awaitable[None]]) -> None:
        self.came = False
        self._left = call
        self._act = act

    async def __call__(self, operation: str) -> None:
        if self.came:
            return
        self.came = self._left == 0
        self._left -= 1
        if self.came:
            await self._act()


def logging_in(user: str | None, **data: Any) -> Act:
    async def log_in(session: Any) -> None:
        session.bind(user)
        for key, value in data.items():
            session.set(key, value)

    return log_in


async def regenerate(session: Any) -> None:
    session.regenerate()


async def log_out(session: Any) -> None:
    session.destroy()


async def user_of(session: Any) -> str | None:
    info = await settled(session.info())
    user: str | None = info.user
    return user


def handles(desk: Desk, user: str) -> list[str]:
    return [session.handle for session in desk.asked("sessions_of", user)]


def handle_of(visitor: Browser) -> str:
    async def look(session: Any) -> str:
        info = await settled(session.info())
        return str(info.handle)

    return str(visitor.request(look))
