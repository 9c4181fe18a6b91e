"""The session of the invocation at hand, from anywhere in the call stack."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from .errors import ConfigurationError
from .session import Session

if TYPE_CHECKING:
    from .aio import AsyncSession

_current: ContextVar[tuple[Any, ...]] = ContextVar("serverless_sessions_current", default=())


@contextmanager
def entered(*faces: Session | AsyncSession) -> Iterator[None]:
    """Make the session of these ``faces`` the current one inside."""
    token = _current.set(faces)
    try:
        yield
    finally:
        _current.reset(token)


def current_session() -> Session:
    """The session of the running ``def`` handler, or of the request at hand under a
    SessionMiddleware. Raises ConfigurationError elsewhere."""
    for session in _current.get():
        if isinstance(session, Session):
            return session
    raise ConfigurationError(
        "current_session() works inside a def handler under with_session; "
        "in an async def handler use current_async_session()"
    )


def current_async_session() -> AsyncSession:
    """The session of the running ``async def`` handler, or of the request at hand under the
    SessionMiddleware of ASGI. Raises ConfigurationError elsewhere."""
    from .aio import AsyncSession

    for session in _current.get():
        if isinstance(session, AsyncSession):
            return session
    raise ConfigurationError(
        "current_async_session() works inside an async def handler under with_session; "
        "in a def handler use current_session()"
    )
