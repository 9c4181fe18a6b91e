"""A browser in small: keeps the session cookie and sends requests to a manager."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from typing import Any, Literal

from ..arrival import Request
from ..handlers import _loop
from ..headers import Outcome
from ..manager import SessionManager
from .watched import finished

Driver = Literal["sync", "async"]
Act = Callable[[Any], Coroutine[Any, Any, Any]]
"""What a handler does with its session, in words that serve a Session and an AsyncSession."""


async def settled(value: Any) -> Any:
    """The value, awaited where an AsyncSession returned something to await."""
    return await value if inspect.isawaitable(value) else value


class Browser:
    """Obeys the Set-Cookie that comes back; ``outcome`` is what the last response said.

    ``time_left`` is what the platform gives each request, in seconds.
    """

    def __init__(
        self,
        manager: SessionManager,
        driver: Driver = "sync",
        session_id: str = "",
        time_left: float = 600,
    ) -> None:
        self.manager = manager
        self.driver = driver
        self.id = session_id
        self.time_left = time_left
        self.outcome = Outcome()

    @property
    def set_cookie(self) -> str | None:
        """What the last response said of the cookie: "new", "clear" or None."""
        if self.outcome.set_cookie is None:
            return None
        return "clear" if "Max-Age=0" in self.outcome.set_cookie else "new"

    def request(self, act: Act, status: int = 200) -> Any:
        """Run ``act`` as a handler that answers ``status``."""
        run = finished if self.driver == "sync" else _loop.run
        return run(self.send(act, status))

    def twin(self) -> Browser:
        """Another tab: the same cookie now, another answer later."""
        return Browser(self.manager, self.driver, self.id, self.time_left)

    async def send(self, act: Act, status: int = 200) -> Any:
        """As ``request``, for what happens during another request."""
        begin = self.manager.begin if self.driver == "sync" else self.manager.begin_async
        lines = [f"{self.manager.config.cookie_name}={self.id}"] if self.id else []
        invocation = begin(Request.with_cookies(*lines), lambda: self.time_left)
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
