"""with_session round Mangum, which runs ASGI applications on Lambda."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from mangum import Mangum
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from serverless_sessions import (
    MemoryStore,
    StoreUnavailable,
    current_async_session,
    current_session,
)
from serverless_sessions.handlers.asgi import SessionMiddleware
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.testing.lambda_events import FRONT_DOORS
from serverless_sessions.testing.watched import WatchedStore
from support.failures import down
from support.visitor import OWN, SESSION, Visitor, assert_remembered, own_cookies

Message = MutableMapping[str, Any]
at_every_door = pytest.mark.parametrize("door", FRONT_DOORS)


@pytest.fixture(autouse=True)
def loop() -> Iterator[None]:
    """Mangum looks for a loop of the main thread; Pythons differ in whether one is made."""
    made = asyncio.new_event_loop()
    asyncio.set_event_loop(made)
    yield
    asyncio.set_event_loop(None)
    made.close()


def count() -> int:
    session = current_session()
    session["visits"] = session.get("visits", 0) + 1
    return int(session["visits"])


def starlette(door: str, endpoint: Callable[[Request], Any]) -> Starlette:
    async def sets_a_cookie(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        response = await call_next(request)
        if own_cookies(door):
            response.set_cookie(OWN, "dark")
        return response

    app = Starlette(routes=[Route("/visits", endpoint)])
    app.add_middleware(BaseHTTPMiddleware, dispatch=sets_a_cookie)
    return app


@at_every_door
def test_an_async_endpoint(door: str) -> None:
    async def visits(request: Request) -> Response:
        return PlainTextResponse(str(count()))

    handler = with_session(store=MemoryStore())(Mangum(starlette(door, visits)))
    assert_remembered(handler, door)


@at_every_door
def test_an_endpoint_in_a_thread(door: str) -> None:
    def visits(request: Request) -> Response:
        return PlainTextResponse(str(count()))

    handler = with_session(store=MemoryStore())(Mangum(starlette(door, visits)))
    assert_remembered(handler, door)


@at_every_door
def test_the_middleware_of_asgi_inside(door: str) -> None:
    async def visits(request: Request) -> Response:
        session = current_async_session()
        return PlainTextResponse(str(await session.modify("visits", lambda n: n + 1, 0)))

    app = starlette(door, visits)
    app.add_middleware(SessionMiddleware, store=MemoryStore())
    visitor = Visitor(Mangum(app), door)
    assert [visitor.get("/visits").body for _ in range(3)] == [b"1", b"2", b"3"]
    assert visitor.cookies.keys() == {SESSION, *([OWN] if own_cookies(door) else [])}


async def plain_app(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Any]
) -> None:
    headers = [[b"content-type", b"text/plain"], [b"set-cookie", b"theme=dark; Path=/"]]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": str(count()).encode()})


@pytest.mark.parametrize("door", [door for door in FRONT_DOORS if door != "alb"])
def test_a_plain_application(door: str) -> None:
    handler = with_session(store=MemoryStore())(Mangum(plain_app, lifespan="off"))
    assert_remembered(handler, door)


def test_under_powertools() -> None:
    logger = Logger(service="mangum")
    handler = with_session(store=MemoryStore())(Mangum(plain_app, lifespan="off"))
    assert_remembered(logger.inject_lambda_context(handler), "http-api")


def test_a_store_that_fails_shows_as_a_failure_of_the_application(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Mangum answers 500 for what an application raises; nothing is stored."""
    store = WatchedStore(MemoryStore())
    handler = with_session(store=store)(Mangum(plain_app, lifespan="off"))
    visitor = Visitor(handler, "http-api")
    visitor.get("/visits")
    store.before, store.calls = down, []
    assert visitor.get("/visits").status == 500
    assert store.calls == ["load", "load"]  # sent again once
    assert any(
        record.exc_info and record.exc_info[0] is StoreUnavailable for record in caplog.records
    )
    store.before = lambda _: None
    assert visitor.get("/visits").body == b"2"
    assert SESSION in visitor.cookies


@pytest.mark.parametrize("app", [plain_app, Starlette()])
def test_an_application_is_no_handler(app: Any) -> None:
    decorate: Any = with_session(store=MemoryStore())
    with pytest.raises(TypeError, match=r"what the platform calls.*2 arguments"):
        Mangum(decorate(app))
