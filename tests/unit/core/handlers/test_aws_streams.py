"""Lambda's Python runtime sends results whole: what would come in pieces is refused."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from serverless_sessions import MemoryStore
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.testing.lambda_events import FRONT_DOORS, HttpRequest, to_event
from serverless_sessions.testing.watched import WatchedStore


def yields(event: Any, context: Any, session: Any) -> Iterator[str]:
    yield "a"


async def yields_async(event: Any, context: Any, session: Any) -> AsyncIterator[str]:
    yield "a"


def passed_on(handler: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(handler)
    def outer(*arguments: Any, **named: Any) -> Any:
        return handler(*arguments, **named)

    return outer


class Yields:
    def __call__(self, event: Any, context: Any, session: Any) -> Iterator[str]:
        yield "a"


@pytest.mark.parametrize(
    "handler",
    [yields, yields_async, functools.partial(yields), passed_on(yields), Yields()],
    ids=["generator", "async generator", "partial", "decorated", "object"],
)
def test_a_handler_that_yields_is_refused_where_it_is_decorated(handler: Any) -> None:
    with pytest.raises(TypeError, match=r"yields.*Lambda Web Adapter.*response_stream"):
        with_session(store=MemoryStore())(handler)


@pytest.mark.parametrize("door", FRONT_DOORS)
@pytest.mark.parametrize("is_body", [False, True])
@pytest.mark.parametrize("given", [lambda: iter("abc"), lambda: yields_async(1, 2, 3)])
def test_a_result_in_pieces_is_refused_and_nothing_saved(
    door: str, is_body: bool, given: Any
) -> None:
    store = WatchedStore(MemoryStore())

    @with_session(store=store)
    def handler(event: Any, context: Any, session: Any) -> Any:
        session.set("a", 1)
        return {"statusCode": 200, "body": given()} if is_body else given()

    @with_session(store=store)
    async def async_handler(event: Any, context: Any, session: Any) -> Any:
        session.set("a", 1)
        return {"statusCode": 200, "body": given()} if is_body else given()

    for decorated in (handler, async_handler):
        with pytest.raises(TypeError, match="Lambda Web Adapter"):
            decorated(to_event(door, HttpRequest()), None)
    assert store.calls == []
