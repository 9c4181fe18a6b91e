"""Requests that bring an id otherwise than in a cookie, and what they do with the session."""

from __future__ import annotations

from typing import Any

from serverless_sessions import MemoryStore, SessionConfig, SessionManager
from serverless_sessions.arrival import Request
from serverless_sessions.handlers import _loop
from serverless_sessions.headers import Outcome
from serverless_sessions.testing.browser import Act, Driver, settled
from serverless_sessions.testing.watched import WatchedStore, finished

KEY = "k" * 32
CONFIG = SessionConfig(trusted_id_key=KEY, idle_timeout=1000, touch_every=100)


class Client:
    """Sends requests whose header fields and platform id a test chooses."""

    def __init__(self, driver: Driver, config: SessionConfig = CONFIG, **options: Any) -> None:
        self.driver = driver
        self.store = WatchedStore(MemoryStore())
        self.manager = SessionManager(self.store, config, **options)
        self.outcome = Outcome()

    def request(
        self, act: Act, fields: dict[str, list[str]] | None = None, trusted: str | None = None
    ) -> Any:
        run = finished if self.driver == "sync" else _loop.run
        return run(self.send(act, fields, trusted))

    async def send(
        self, act: Act, fields: dict[str, list[str]] | None = None, trusted: str | None = None
    ) -> Any:
        begin = self.manager.begin if self.driver == "sync" else self.manager.begin_async
        request = Request(lambda name: (fields or {}).get(name, []), {"id": trusted})
        invocation = begin(request)
        try:
            result = await act(invocation.session)
            await settled(invocation.finish(failed=False))
            return result
        finally:
            self.outcome = invocation.outcome()
            invocation.close()


async def put(session: Any) -> None:
    session.set("a", 1)


async def look(session: Any) -> Any:
    return await settled(session.get("a"))


async def increment(session: Any) -> None:
    await settled(session.modify("n", lambda n: n + 1, 0))


async def log_out(session: Any) -> None:
    session.destroy()


async def log_in(session: Any) -> None:
    session.bind("ann")
