"""Sessions for AWS Lambda: behind REST and HTTP APIs, Function URLs and load balancers."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, Unpack, overload

from ..arrival import Request
from ..driver import TimeLeft
from ..manager import Options, SessionManager
from ..session import Session
from . import _loop, _snapstart
from ._aws_events import front_door
from ._aws_streams import refuse_generator, whole
from ._exchange import Exchange, exchange, exchange_async
from ._signature import call_with_session, hide_session, is_async, takes_session

if TYPE_CHECKING:
    from ..aio import AsyncSession

Event = TypeVar("Event", contravariant=True)
Context = TypeVar("Context", contravariant=True)
Result = TypeVar("Result", bound=Mapping[str, Any] | Sequence[Any] | float | None, covariant=True)
"""What Lambda can send. A coroutine is none of it, so that an ``async def`` which takes a Session
is refused, and not read as a ``def`` that returns one."""


class Handler(Protocol[Event, Context, Result]):
    """A ``def`` handler."""

    def __call__(self, event: Event, context: Context, /, *, session: Session) -> Result: ...


class AsyncHandler(Protocol[Event, Context, Result]):
    """An ``async def`` handler."""

    def __call__(
        self, event: Event, context: Context, /, *, session: AsyncSession
    ) -> Awaitable[Result]: ...


class LambdaHandler(Protocol[Event, Context, Result]):
    """What Lambda calls; ``sessions.use(store)`` swaps the store in tests."""

    sessions: SessionManager

    def __call__(self, event: Event, context: Context, /) -> Result: ...


class Decorator(Protocol):
    """``with_session`` with its options given."""

    @overload
    def __call__(
        self, handler: AsyncHandler[Event, Context, Result], /
    ) -> LambdaHandler[Event, Context, Result]: ...
    @overload
    def __call__(
        self, handler: Handler[Event, Context, Result], /
    ) -> LambdaHandler[Event, Context, Result]: ...
    @overload
    def __call__(
        self, handler: Callable[[Event, Context], Awaitable[Result]], /
    ) -> LambdaHandler[Event, Context, Result]: ...
    @overload
    def __call__(
        self, handler: Callable[[Event, Context], Result], /
    ) -> LambdaHandler[Event, Context, Result]: ...


@overload
def with_session(
    handler: AsyncHandler[Event, Context, Result], /
) -> LambdaHandler[Event, Context, Result]: ...
@overload
def with_session(
    handler: Handler[Event, Context, Result], /
) -> LambdaHandler[Event, Context, Result]: ...
@overload
def with_session(
    handler: Callable[[Event, Context], Awaitable[Result]], /
) -> LambdaHandler[Event, Context, Result]: ...
@overload
def with_session(
    handler: Callable[[Event, Context], Result], /
) -> LambdaHandler[Event, Context, Result]: ...
@overload
def with_session(**options: Unpack[Options]) -> Decorator: ...
def with_session(handler: Any = None, /, **options: Unpack[Options]) -> Any:
    """Give a Lambda handler a session: ``Session`` in a ``def``, ``AsyncSession`` in an
    ``async def``, as the keyword ``session`` where the handler has a parameter of that name.

    The options are ``SessionManager``'s. The session is saved before the answer leaves; an error
    of the store becomes a 503 or 500. Raises ConfigurationError for a wrong setting and TypeError
    for a handler that could not be called, when it decorates; ConfigurationError for an event
    that did not come through HTTP, and in which no trusted id is found, when it is called. With a
    trusted id such an event's result passes as it is, and an error of the store is raised.
    """
    if handler is None:
        return lambda handler: _decorated(handler, SessionManager(**options))
    return _decorated(handler, SessionManager(**options))


def _decorated(handler: Callable[..., Any], manager: SessionManager) -> Any:
    refuse_generator(handler)
    wants_session = takes_session(handler, arguments=2)
    awaited = is_async(handler)
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        manager.open_now()
        _snapstart.renew_after_restore(manager, awaited)

    def lambda_handler(event: Any, context: Any) -> Any:
        door = front_door(event)
        at = Exchange(
            request=Request(lambda name: door.lines(event, name), event, door.one_way),
            time_left=_time_left(context),
            status=door.status,
            answer=door.answer,
            error=door.error,
            made=whole,
        )

        def call(session: Any) -> Any:
            if wants_session:
                return call_with_session(handler, session, event, context)
            return handler(event, context)

        if awaited:
            return _loop.run(exchange_async(manager, at, call))
        return exchange(manager, at, call)

    hide_session(lambda_handler, handler)
    lambda_handler.sessions = manager  # type: ignore[attr-defined]  # functions take any
    return lambda_handler


def _time_left(context: Any) -> TimeLeft | None:
    """What Lambda still gives the invocation, less the moment that an answer needs."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    if remaining is None:
        return None
    return lambda: float(remaining()) / 1000 - ANSWER_SECONDS


ANSWER_SECONDS = 0.2
