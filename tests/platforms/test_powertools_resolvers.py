"""with_session round the event-handler resolvers of Powertools for AWS Lambda."""

from __future__ import annotations

from typing import Any

import pytest
from aws_lambda_powertools.event_handler import (
    ALBResolver,
    APIGatewayHttpResolver,
    APIGatewayRestResolver,
    LambdaFunctionUrlResolver,
    Response,
)
from aws_lambda_powertools.event_handler.api_gateway import ApiGatewayResolver
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.shared.cookies import Cookie

from serverless_sessions import MemoryStore, current_async_session, current_session
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.testing.lambda_events import FRONT_DOORS
from support.visitor import OWN, SESSION, Visitor, assert_remembered, own_cookies

RESOLVERS: dict[str, type[ApiGatewayResolver]] = {
    "http-api": APIGatewayHttpResolver,
    "function-url": LambdaFunctionUrlResolver,
    "rest": APIGatewayRestResolver,
    "alb": ALBResolver,
    "alb-multi": ALBResolver,
}
at_every_door = pytest.mark.parametrize("door", FRONT_DOORS)


def page(visits: int, door: str) -> Response[str]:
    cookies = [Cookie(OWN, "dark", path="/")] if own_cookies(door) else []
    return Response(200, "text/plain", str(visits), cookies=cookies)


def count() -> int:
    session = current_session()
    session["visits"] = session.get("visits", 0) + 1
    return int(session["visits"])


@at_every_door
def test_a_route_reaches_the_session(door: str) -> None:
    app = RESOLVERS[door]()

    @app.get("/visits")
    def visits() -> Response[str]:
        return page(count(), door)

    @with_session(store=MemoryStore())
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        return app.resolve(event, context)

    assert_remembered(handler, door)


@at_every_door
def test_a_resolver_is_a_handler_itself(door: str) -> None:
    app = RESOLVERS[door]()

    @app.get("/visits")
    def visits() -> Response[str]:
        return page(count(), door)

    assert_remembered(with_session(store=MemoryStore())(app.resolve), door)


@at_every_door
def test_middlewares_share_the_session_of_their_route(door: str) -> None:
    app = RESOLVERS[door]()

    def counts(app: Any, next_middleware: NextMiddleware) -> Any:
        count()
        return next_middleware(app)

    @app.get("/visits", middlewares=[counts])
    def visits() -> Response[str]:
        return page(current_session()["visits"], door)

    assert_remembered(with_session(store=MemoryStore())(app.resolve), door)


@at_every_door
def test_async_routes_and_middlewares(door: str) -> None:
    app = RESOLVERS[door]()

    def in_a_thread(app: Any, next_middleware: NextMiddleware) -> Any:
        current_async_session().set("seen", True)
        return next_middleware(app)

    async def awaited(app: Any, next_middleware: Any) -> Any:
        assert await current_async_session().get("seen")
        return await next_middleware(app)

    @app.get("/visits", middlewares=[in_a_thread, awaited])
    async def visits() -> Response[str]:
        session = current_async_session()
        return page(await session.modify("visits", lambda n: n + 1, default=0), door)

    assert_remembered(with_session(store=MemoryStore())(app.resolve_async), door)


@at_every_door
def test_an_answer_of_the_resolver_itself_keeps_the_session(door: str) -> None:
    app = RESOLVERS[door]()

    def not_there(error: LookupError) -> Response[str]:
        return Response(404, "text/plain", "not there")

    app.exception_handler(LookupError)(not_there)

    @app.get("/lost")
    def lost() -> Response[str]:
        count()
        raise LookupError

    visitor = Visitor(with_session(store=MemoryStore())(app.resolve), door)
    assert visitor.get("/lost").status == 404
    assert SESSION in visitor.cookies
    assert visitor.get("/elsewhere").status == 404


def test_a_route_is_no_handler() -> None:
    def route() -> Response[str]:
        return page(count(), "http-api")

    decorate: Any = with_session(store=MemoryStore())
    with pytest.raises(TypeError, match=r"route: .*what the platform calls.*2 arguments"):
        APIGatewayHttpResolver().get("/")(decorate(route))
