"""One request and its answer with a session round it, the same at every front door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from .. import current
from ..aio import AsyncInvocation
from ..arrival import Request
from ..config import SessionConfig
from ..driver import TimeLeft, log_error
from ..errors import SessionError
from ..headers import Headers, Outcome
from ..invocation import Invocation
from ..manager import SessionManager
from ..session import Session

PHRASES = {409: "Conflict", 500: "Internal Server Error", 503: "Service Unavailable"}


class Exchange(NamedTuple):
    """What the round needs to know of a platform.

    ``status`` is the one that the platform will send for a result; ``answer`` puts the
    outcome's headers into a result; ``error`` makes one of a status, headers and a body.
    Where a platform takes results of many kinds, ``made`` makes one kind of them while the
    session is still open; exceptions that are answers to it, ``answers``, count as results.
    """

    request: Request
    time_left: TimeLeft | None
    status: Callable[[Any], int]
    answer: Callable[[Any, Outcome], Any]
    error: Callable[[int, Headers, str], Any]
    made: Callable[[Any], Any] = lambda result: result
    answers: tuple[type[Exception], ...] = ()


def exchange(manager: SessionManager, at: Exchange, call: Callable[[Session], Any]) -> Any:
    """Call the handler with a session, and answer when all is saved."""
    invocation = manager.begin(at.request, at.time_left)
    try:
        with current.entered(invocation.session):
            result = _called(invocation, at, call)
            invocation.finish(failed=at.status(result) >= 500)
            return at.answer(result, invocation.outcome())
    except SessionError as error:
        return at.error(*error_answer(manager.config, error, invocation.outcome()))
    finally:
        invocation.close()


async def exchange_async(
    manager: SessionManager, at: Exchange, call: Callable[[Any], Awaitable[Any]]
) -> Any:
    """As ``exchange``, for a handler that is awaited."""
    invocation = manager.begin_async(at.request, at.time_left)
    try:
        with current.entered(invocation.session):
            result = await _awaited(invocation, at, call)
            await invocation.finish(failed=at.status(result) >= 500)
            return at.answer(result, invocation.outcome())
    except SessionError as error:
        return at.error(*error_answer(manager.config, error, invocation.outcome()))
    finally:
        invocation.close()


def _called(invocation: Invocation, at: Exchange, call: Callable[[Session], Any]) -> Any:
    try:
        try:
            result = call(invocation.session)
        except at.answers as answer:
            result = answer
        return at.made(result)
    except BaseException:
        invocation.abandon()
        raise


async def _awaited(
    invocation: AsyncInvocation, at: Exchange, call: Callable[[Any], Awaitable[Any]]
) -> Any:
    try:
        try:
            result = await call(invocation.session)
        except at.answers as answer:
            result = answer
        return at.made(result)
    except BaseException:
        await invocation.abandon()
        raise


def error_answer(
    config: SessionConfig, error: SessionError, outcome: Outcome
) -> tuple[int, Headers, str]:
    """Status, headers and the constant body for an error of the store; what it says is for the
    log alone. Raises ``error`` where it is the handler's own, or the configuration wants it."""
    status = error.http_status
    if status is None or config.on_store_error == "raise":
        raise error
    log_error("the session could not be served", error)
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")]
    if status == 503:
        headers.append(("Retry-After", "1"))
    return status, outcome.applied_to(headers), PHRASES[status]
