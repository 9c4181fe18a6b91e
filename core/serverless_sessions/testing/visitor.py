"""A browser in small: keeps the session cookie and sends requests to a manager."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from typing import Any

from ..handlers import _loop
from ..headers import Outcome
from ..manager import SessionManager
from ..store import AsyncSessionStore
from .watched import finished

Act = Callable[[Any], Coroutine[Any, Any, Any]]
"""What a handler does with its session, in words that serve a Session and an AsyncSession."""


async def settled(value: Any) -> Any:
    """The value, awaited where an AsyncSession returned something to await."""
    return await value if inspect.isawaitable(value) else value


class Visitor:
    """Obeys the Set-Cookie that comes back. Awaits where the manager's store is awaited.

    ``time_left`` is what the platform gives each request, in seconds.
    """

    def __init__(
        self, manager: SessionManager, session_id: str = "", time_left: float = 600
    ) -> None:
        self.manager = manager
        self.id = session_id
        self._time_left = time_left
        self._awaits = isinstance(manager.store, AsyncSessionStore)

    def request(self, act: Act) -> Any:
        """Run ``act`` as a handler that answers 200."""
        return (_loop.run if self._awaits else finished)(self.send(act))

    def twin(self) -> Visitor:
        """Another tab: the same cookie now, another answer later."""
        return Visitor(self.manager, self.id, self._time_left)

    async def send(self, act: Act) -> Any:
        """As ``request``, for what happens during another request."""
        begin = self.manager.begin_async if self._awaits else self.manager.begin
        lines = [f"{self.manager.config.cookie_name}={self.id}"] if self.id else []
        invocation = begin(lines, lambda: self._time_left)
        try:
            try:
                result = await act(invocation.session)
            except BaseException:
                await settled(invocation.abandon())
                raise
            await settled(invocation.finish(failed=False))
        finally:
            self._obey(invocation.outcome())
            invocation.close()
        return result

    def _obey(self, outcome: Outcome) -> None:
        if outcome.set_cookie is not None:
            self.id = outcome.set_cookie.partition("=")[2].partition(";")[0]
