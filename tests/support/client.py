"""A browser in small: keeps the session cookie and sends requests through either driver."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from serverless_sessions import SessionManager
from serverless_sessions.headers import Outcome

Driver = Literal["sync", "async"]
Act = Callable[[Any], Awaitable[Any]]


async def settled(value: Any) -> Any:
    """The value, awaited where the async face returned something to await."""
    return await value if inspect.isawaitable(value) else value


class Client:
    """Sends handlers to a manager as requests, and obeys the Set-Cookie that comes back."""

    def __init__(self, manager: SessionManager, driver: Driver = "sync", cookie: str = "") -> None:
        self.manager = manager
        self.driver = driver
        self.id = cookie
        self.outcome = Outcome()

    @property
    def set_cookie(self) -> str | None:
        """What the last response said of the cookie: "new", "clear" or None."""
        if self.outcome.set_cookie is None:
            return None
        return "clear" if "Max-Age=0" in self.outcome.set_cookie else "new"

    def request(self, act: Act, status: int = 200) -> Any:
        """Run ``act`` as a handler that answers ``status``."""
        return asyncio.run(self.send(act, status))

    def twin(self) -> Client:
        """Another tab: the same cookie now, another answer later."""
        return Client(self.manager, self.driver, self.id)

    async def send(self, act: Act, status: int = 200) -> Any:
        """As ``request``, inside a running loop: for what happens during another request."""
        name = self.manager.config.cookie_name
        lines = [f"{name}={self.id}"] if self.id else []
        begin = self.manager.begin if self.driver == "sync" else self.manager.begin_async
        invocation = begin(lines)
        self.outcome = Outcome()
        try:
            try:
                result = await act(invocation.session)
            except BaseException:
                await settled(invocation.abandon())
                raise
            await settled(invocation.finish(failed=status >= 500))
        finally:
            self.obey(invocation.outcome())
            invocation.close()
        return result

    def obey(self, outcome: Outcome) -> None:
        self.outcome = outcome
        if outcome.set_cookie is not None:
            self.id = outcome.set_cookie.partition("=")[2].partition(";")[0]
