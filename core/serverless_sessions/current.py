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

_current: ContextVar[Any] = ContextVar("serverless_sessions_current", default=None)


@contextmanager
def entered(session: Session | AsyncSession) -> Iterator[None]:
    """Make ``session`` the current one inside."""
    token = _current.set(session)
    try:
        yield
    finally:
        _current.reset(token)


def current_session() -> Session:
    """The session of the running ``def`` handler. Raises ConfigurationError outside of one."""
    session = _current.get()
    if not isinstance(session, Session):
        raise ConfigurationError(
            "current_session() works inside a def handler under with_session; "
            "in an async def handler use current_async_session()"
        )
    return session


def current_async_session() -> AsyncSession:
    """The session of the running ``async def`` handler; ConfigurationError outside of one."""
    from .aio import AsyncSession

    session = _current.get()
    if not isinstance(session, AsyncSession):
        raise ConfigurationError(
            "current_async_session() works inside an async def handler under with_session; "
            "in a def handler use current_session()"
        )
    return session
