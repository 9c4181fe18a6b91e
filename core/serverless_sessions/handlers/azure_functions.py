"""Sessions for Azure Functions, in the v2 programming model of ``azure-functions``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Unpack, overload

from ..arrival import Request
from ..errors import ConfigurationError
from ..headers import Headers, Outcome
from ..manager import Options, SessionManager
from ._azure_types import (
    A,
    AsyncAzureFunction,
    AsyncHandler,
    AsyncHandlerOfMany,
    AsyncHandlerOfTwo,
    AzureFunction,
    B,
    Decorator,
    Handler,
    HandlerOfMany,
    HandlerOfTwo,
)
from ._decorator import Arguments, decorated
from ._exchange import Exchange

if TYPE_CHECKING:
    import azure.functions as func

    from ._azure_types import Result

__all__ = ["AsyncAzureFunction", "AzureFunction", "Decorator", "with_session"]


@overload
def with_session(handler: AsyncHandler[A], /) -> AsyncAzureFunction: ...
@overload
def with_session(handler: Handler[A], /) -> AzureFunction: ...
@overload
def with_session(handler: AsyncHandlerOfTwo[A, B], /) -> AsyncAzureFunction: ...
@overload
def with_session(handler: HandlerOfTwo[A, B], /) -> AzureFunction: ...
@overload
def with_session(handler: Callable[[A], Awaitable[Result]], /) -> AsyncAzureFunction: ...
@overload
def with_session(handler: Callable[[A], Result], /) -> AzureFunction: ...
@overload
def with_session(
    handler: Callable[[A, func.Context], Awaitable[Result]], /
) -> AsyncAzureFunction: ...
@overload
def with_session(handler: Callable[[A, func.Context], Result], /) -> AzureFunction: ...
@overload
def with_session(handler: AsyncHandlerOfMany, /) -> AsyncAzureFunction: ...
@overload
def with_session(handler: HandlerOfMany, /) -> AzureFunction: ...
@overload
def with_session(**options: Unpack[Options]) -> Decorator: ...
def with_session(handler: Any = None, /, **options: Unpack[Options]) -> Any:
    """Give a function with an HTTP trigger a session: ``Session`` in a ``def``, ``AsyncSession``
    in an ``async def``, as the keyword ``session`` where it has a parameter of that name.

    It stands below ``@app.route`` and every other decorator of the function app. The options are
    ``SessionManager``'s. The session is saved before the answer leaves; an error of the store
    becomes a 503 or 500. Raises ConfigurationError for a wrong setting and TypeError for a
    function that could not be called, when it decorates; ConfigurationError for a call without an
    HttpRequest.
    """
    if handler is None:
        return lambda handler: _decorated(handler, SessionManager(**options))
    return _decorated(handler, SessionManager(**options))


def _decorated(handler: Callable[..., Any], manager: SessionManager) -> Any:
    if type(handler).__name__ == "FunctionBuilder":
        raise TypeError(
            "with_session decorates the function itself: move it below @app.route and every"
            " other decorator of the function app"
        )
    if manager.config.cookie_partitioned:
        raise ConfigurationError(
            "cookie_partitioned (SESSION_COOKIE_PARTITIONED) is on, but Azure Functions has no"
            " such attribute for a cookie and would send none at all; switch it off"
        )
    return decorated(handler, manager, _described, arguments=None)


def _described(given: Arguments, named: Mapping[str, Any]) -> Exchange:
    request = _request(given, named)

    def lines(name: str) -> list[str]:
        value = request.headers.get(name)
        return [value] if value is not None else []

    return Exchange(
        request=Request(lines, request),
        time_left=None,
        status=_status,
        answer=_answer,
        error=_error,
    )


def _request(given: Arguments, named: Mapping[str, Any]) -> func.HttpRequest:
    from azure.functions import HttpRequest

    for binding in (*given, *named.values()):
        if isinstance(binding, HttpRequest):
            return binding
    raise ConfigurationError(
        "with_session was called without an azure.functions.HttpRequest; it serves functions"
        " with an HTTP trigger (@app.route), and neither other triggers nor http streams"
    )


def _status(result: Any) -> int:
    """The worker takes a str for a 200, and fails for what is no HttpResponse."""
    from azure.functions import HttpResponse

    if isinstance(result, str):
        return 200
    return int(result.status_code) if isinstance(result, HttpResponse) else 500


def _answer(result: Any, outcome: Outcome) -> Any:
    """A response of its own for each request: a function may return the same one to everybody."""
    from azure.functions import HttpResponse

    if isinstance(result, str):
        result = HttpResponse(result)
    if not outcome or not isinstance(result, HttpResponse):
        return result
    answer = HttpResponse(
        result.get_body(),
        status_code=result.status_code,
        mimetype=result.mimetype,
        charset=result.charset,
    )
    answer.headers.extend(outcome.applied_to(result.headers.items()))
    return answer


def _error(status: int, headers: Headers, body: str) -> func.HttpResponse:
    from azure.functions import HttpResponse

    answer = HttpResponse(body, status_code=status)
    answer.headers.extend(headers)
    return answer
