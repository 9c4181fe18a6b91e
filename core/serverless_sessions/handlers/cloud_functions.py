"""Sessions for Google Cloud's HTTP functions: the functions framework, there and on Cloud Run."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, Unpack, overload

from ..errors import ConfigurationError
from ..manager import Options, SessionManager
from ..session import Session
from ._decorator import Arguments, decorated
from ._exchange import Exchange

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue
    from starlette.responses import Response as StarletteResponse

    from ..aio import AsyncSession

    Result = ResponseReturnValue | StarletteResponse

HttpRequest = TypeVar("HttpRequest", contravariant=True)


class Handler(Protocol[HttpRequest]):
    """A ``def`` function."""

    def __call__(self, request: HttpRequest, /, *, session: Session) -> Result: ...


class AsyncHandler(Protocol[HttpRequest]):
    """An ``async def`` function."""

    def __call__(self, request: HttpRequest, /, *, session: AsyncSession) -> Awaitable[Result]: ...


class CloudFunction(Protocol[HttpRequest]):
    """What the framework calls, and gets a response of its own kind from; ``sessions.use(store)``
    swaps the store in tests."""

    sessions: SessionManager

    def __call__(self, request: HttpRequest, /) -> Any: ...


class AsyncCloudFunction(Protocol[HttpRequest]):
    """``CloudFunction`` for an ``async def``."""

    sessions: SessionManager

    def __call__(self, request: HttpRequest, /) -> Coroutine[Any, Any, Any]: ...


class Decorator(Protocol):
    """``with_session`` with its options given."""

    @overload
    def __call__(
        self, handler: AsyncHandler[HttpRequest], /
    ) -> AsyncCloudFunction[HttpRequest]: ...
    @overload
    def __call__(self, handler: Handler[HttpRequest], /) -> CloudFunction[HttpRequest]: ...
    @overload
    def __call__(
        self, handler: Callable[[HttpRequest], Awaitable[Result]], /
    ) -> AsyncCloudFunction[HttpRequest]: ...
    @overload
    def __call__(
        self, handler: Callable[[HttpRequest], Result], /
    ) -> CloudFunction[HttpRequest]: ...


@overload
def with_session(handler: AsyncHandler[HttpRequest], /) -> AsyncCloudFunction[HttpRequest]: ...
@overload
def with_session(handler: Handler[HttpRequest], /) -> CloudFunction[HttpRequest]: ...
@overload
def with_session(
    handler: Callable[[HttpRequest], Awaitable[Result]], /
) -> AsyncCloudFunction[HttpRequest]: ...
@overload
def with_session(handler: Callable[[HttpRequest], Result], /) -> CloudFunction[HttpRequest]: ...
@overload
def with_session(**options: Unpack[Options]) -> Decorator: ...
def with_session(handler: Any = None, /, **options: Unpack[Options]) -> Any:
    """Give an HTTP function a session: ``Session`` in a ``def``, ``AsyncSession`` in an
    ``async def``, as the keyword ``session`` where it has a parameter of that name.

    The framework awaits an ``async def`` under ``@functions_framework.aio.http`` or with
    ``--asgi`` alone. The options are ``SessionManager``'s. The session is saved before the first
    byte of the answer leaves; an error of the store becomes a 503 or 500. Raises
    ConfigurationError for a wrong setting and TypeError for a function that could not be called,
    when it decorates; ConfigurationError for what is no HTTP request, when it is called.
    """
    if handler is None:
        return lambda handler: _decorated(handler, SessionManager(**options))
    return _decorated(handler, SessionManager(**options))


def _decorated(handler: Callable[..., Any], manager: SessionManager) -> Any:
    return decorated(handler, manager, _described, arguments=1)


def _described(given: Arguments, _: Mapping[str, Any]) -> Exchange:
    """By the framework's mode: whoever made the request has its package loaded already."""
    request = given[0] if given else None
    if "flask" in sys.modules:
        from flask import Request as FlaskRequest

        if isinstance(request, FlaskRequest):
            from . import _flask_answers

            return _flask_answers.described(request)
    if "starlette.requests" in sys.modules:
        from starlette.requests import Request as StarletteRequest

        if isinstance(request, StarletteRequest):
            from . import _starlette_answers

            return _starlette_answers.described(request)
    raise ConfigurationError(
        f"with_session was called with a {type(request).__name__}; it serves HTTP functions,"
        " which the functions framework calls with a Flask or a Starlette request, and no events"
    )
