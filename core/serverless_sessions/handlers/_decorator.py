"""The function that a platform is given, where it awaits an ``async def`` by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..manager import SessionManager
from ._exchange import Exchange, exchange, exchange_async
from ._signature import call_with_session, hide_session, is_async, takes_session

Arguments = tuple[Any, ...]
Describe = Callable[[Arguments, Mapping[str, Any]], Exchange]


def decorated(
    handler: Callable[..., Any],
    manager: SessionManager,
    describe: Describe,
    *,
    arguments: int | None,
) -> Any:
    """``handler`` with a session, of its own kind: a ``def`` or an ``async def``.

    ``describe`` tells from the arguments of a call what the round needs to know; for
    ``arguments`` see ``takes_session``. Raises TypeError for a handler that could not be called.
    """
    wants_session = takes_session(handler, arguments)

    def call(session: Any, given: Arguments, named: Mapping[str, Any]) -> Any:
        if wants_session:
            return call_with_session(handler, session, *given, **named)
        return handler(*given, **named)

    def function(*given: Any, **named: Any) -> Any:
        at = describe(given, named)
        return exchange(manager, at, lambda session: call(session, given, named))

    async def async_function(*given: Any, **named: Any) -> Any:
        at = describe(given, named)
        return await exchange_async(manager, at, lambda session: call(session, given, named))

    made: Any = async_function if is_async(handler) else function
    hide_session(made, handler)
    made.sessions = manager
    return made
