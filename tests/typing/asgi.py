"""Correct uses of the ASGI middleware, and mistakes that a type checker finds.

An unneeded comment is itself an error, so every one stands for a mistake that was found.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, assert_type

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from serverless_sessions import (
    AsyncSession,
    MemoryStore,
    Session,
    SessionConfig,
    SessionManager,
    current_async_session,
    current_session,
)
from serverless_sessions.arrival import header
from serverless_sessions.handlers.asgi import SessionMiddleware

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


async def plain(scope: Scope, receive: Receive, send: Send) -> None:
    assert_type(current_async_session(), AsyncSession)
    assert_type(current_session(), Session)


def connection(scope: Scope) -> str:
    return str(scope["client"])


wrapped = SessionMiddleware(plain)
assert_type(wrapped.sessions, SessionManager)
everywhere: ASGIApp = wrapped
SessionMiddleware(wrapped, mapping=True, store="memory://", config=SessionConfig())
SessionMiddleware(plain, store=MemoryStore(), id_from=header("X-Session-Id"))
SessionMiddleware(plain, trusted_id=("connection", connection))

app = Starlette(middleware=[Middleware(SessionMiddleware, mapping=True)])
app.add_middleware(SessionMiddleware)
app.add_middleware(SessionMiddleware, mapping=True, store=MemoryStore())
SessionMiddleware(app)

SessionMiddleware()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
SessionMiddleware(connection)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
SessionMiddleware(plain, mapping="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
SessionMiddleware(plain, secret_key="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
