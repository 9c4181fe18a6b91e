"""The kinds of function that ``azure_functions.with_session`` takes, and what it makes of them.

Azure gives a function its bindings by their names, so any number of them is right. With one or two
and the session behind them, the session's type is checked; from four parameters on, none is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from ..manager import SessionManager
from ..session import Session

if TYPE_CHECKING:
    import azure.functions as func

    from ..aio import AsyncSession

    Result = func.HttpResponse | str

A = TypeVar("A", contravariant=True)
B = TypeVar("B", contravariant=True)


class Handler(Protocol[A]):
    def __call__(self, req: A, /, *, session: Session) -> Result: ...


class AsyncHandler(Protocol[A]):
    def __call__(self, req: A, /, *, session: AsyncSession) -> Awaitable[Result]: ...


class HandlerOfTwo(Protocol[A, B]):
    def __call__(self, a: A, b: B, /, *, session: Session) -> Result: ...


class AsyncHandlerOfTwo(Protocol[A, B]):
    def __call__(self, a: A, b: B, /, *, session: AsyncSession) -> Awaitable[Result]: ...


class HandlerOfMany(Protocol):
    def __call__(self, a: Any, b: Any, c: Any, d: Any, /, *more: Any, **named: Any) -> Result: ...


class AsyncHandlerOfMany(Protocol):
    def __call__(
        self, a: Any, b: Any, c: Any, d: Any, /, *more: Any, **named: Any
    ) -> Awaitable[Result]: ...


class AzureFunction(Protocol):
    """What ``@app.route`` takes; ``sessions.use(store)`` swaps the store in tests."""

    sessions: SessionManager

    def __call__(self, *bindings: Any, **named: Any) -> func.HttpResponse: ...


class AsyncAzureFunction(Protocol):
    """``AzureFunction`` for an ``async def``."""

    sessions: SessionManager

    def __call__(self, *bindings: Any, **named: Any) -> Coroutine[Any, Any, func.HttpResponse]: ...


class Decorator(Protocol):
    """``with_session`` with its options given."""

    @overload
    def __call__(self, handler: AsyncHandler[A], /) -> AsyncAzureFunction: ...
    @overload
    def __call__(self, handler: Handler[A], /) -> AzureFunction: ...
    @overload
    def __call__(self, handler: AsyncHandlerOfTwo[A, B], /) -> AsyncAzureFunction: ...
    @overload
    def __call__(self, handler: HandlerOfTwo[A, B], /) -> AzureFunction: ...
    @overload
    def __call__(self, handler: Callable[[A], Awaitable[Result]], /) -> AsyncAzureFunction: ...
    @overload
    def __call__(self, handler: Callable[[A], Result], /) -> AzureFunction: ...
    @overload
    def __call__(
        self, handler: Callable[[A, func.Context], Awaitable[Result]], /
    ) -> AsyncAzureFunction: ...
    @overload
    def __call__(self, handler: Callable[[A, func.Context], Result], /) -> AzureFunction: ...
    @overload
    def __call__(self, handler: AsyncHandlerOfMany, /) -> AsyncAzureFunction: ...
    @overload
    def __call__(self, handler: HandlerOfMany, /) -> AzureFunction: ...
