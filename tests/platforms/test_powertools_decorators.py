"""with_session over and under the decorators of Powertools for AWS Lambda."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.middleware_factory import lambda_handler_decorator
from aws_lambda_powertools.utilities.data_classes import (
    ALBEvent,
    APIGatewayProxyEvent,
    APIGatewayProxyEventV2,
    APIGatewayWebSocketEvent,
    LambdaFunctionUrlEvent,
    event_source,
)
from aws_lambda_powertools.utilities.data_classes.common import DictWrapper
from aws_lambda_powertools.utilities.validation import SchemaValidationError, validator

from serverless_sessions import (
    AsyncSession,
    ConfigurationError,
    MemoryStore,
    Session,
    SessionConfig,
)
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.testing.lambda_events import (
    FRONT_DOORS,
    HttpRequest,
    LambdaContext,
    to_event,
)
from serverless_sessions.testing.websocket_events import websocket_event
from support.visitor import Visitor, assert_remembered, counted, counting

DATA_CLASSES: dict[str, type[DictWrapper]] = {
    "http-api": APIGatewayProxyEventV2,
    "function-url": LambdaFunctionUrlEvent,
    "rest": APIGatewayProxyEvent,
    "alb": ALBEvent,
    "alb-multi": ALBEvent,
}
Decorator = Callable[[Any], Any]

over_and_under = pytest.mark.parametrize("order", ["over", "under"])
at_every_door = pytest.mark.parametrize("door", FRONT_DOORS)


def composed(order: str, decorator: Decorator, handler: Any) -> Any:
    """``decorator`` over with_session, or under it."""
    sessions = with_session(store=MemoryStore())
    return decorator(sessions(handler)) if order == "over" else sessions(decorator(handler))


@at_every_door
@over_and_under
def test_logger(door: str, order: str) -> None:
    written = io.StringIO()
    logger = Logger(service=f"{door} {order}", stream=written)

    def handler(event: Any, context: Any, session: Session) -> Any:
        logger.info("visited")
        return counting(door)(event, context, session)

    visitor = assert_remembered(composed(order, logger.inject_lambda_context, handler), door)
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [line["message"] for line in lines] == ["visited"] * 3
    assert lines[-1]["function_request_id"] == visitor.context.aws_request_id


@at_every_door
@over_and_under
def test_metrics(door: str, order: str, capsys: pytest.CaptureFixture[str]) -> None:
    metrics = Metrics(namespace="shop", service="shop")

    def handler(event: Any, context: Any, session: Session) -> Any:
        metrics.add_metric("visits", MetricUnit.Count, 1)
        return counting(door)(event, context, session)

    assert_remembered(composed(order, metrics.log_metrics, handler), door)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["visits"] for line in lines] == [[1.0]] * 3


@at_every_door
def test_event_source_over_with_session(door: str) -> None:
    seen = []

    def handler(event: DictWrapper, context: Any, session: Session) -> Any:
        seen.append(type(event))
        return counting(door)(event, context, session)

    decorator = event_source(data_class=DATA_CLASSES[door])
    assert_remembered(composed("over", decorator, handler), door)
    assert seen == [DATA_CLASSES[door]] * 3


@over_and_under
def test_validator(order: str) -> None:
    schema = {"type": "object", "properties": {"rawPath": {"const": "/visits"}}}
    answer = {"type": "object", "required": ["statusCode"]}
    decorator = validator(inbound_schema=schema, outbound_schema=answer)
    handler = composed(order, decorator, counting("http-api"))
    visitor = assert_remembered(handler, "http-api")
    with pytest.raises(SchemaValidationError):
        visitor.get("/elsewhere")
    assert visitor.get("/visits").body == b"4"


def test_a_validator_that_unwraps_the_event_goes_under_with_session() -> None:
    decorator: Decorator = validator(inbound_schema={"const": "/visits"}, envelope="rawPath")
    assert_remembered(composed("under", decorator, counting("http-api")), "http-api")
    with pytest.raises(ConfigurationError, match="replaces the event goes below with_session"):
        assert_remembered(composed("over", decorator, counting("http-api")), "http-api")


@lambda_handler_decorator
def passes_on(handler: Any, event: Any, context: Any, **named: Any) -> Any:
    return handler(event, context, **named)


@lambda_handler_decorator
def drops(handler: Any, event: Any, context: Any) -> Any:
    return handler(event, context)


@over_and_under
def test_a_middleware_that_passes_keywords_on(order: str) -> None:
    assert_remembered(composed(order, passes_on, counting("rest")), "rest")


def test_a_middleware_that_does_not_goes_over_with_session() -> None:
    assert_remembered(composed("over", drops, counting("rest")), "rest")


@pytest.mark.parametrize("decorator", [drops, event_source(data_class=APIGatewayProxyEvent)])
def test_under_with_session_it_is_refused_naming_the_way_out(decorator: Decorator) -> None:
    handler = composed("under", decorator, counting("rest"))
    with pytest.raises(TypeError, match=r"counting.*handler: .*session=.*above with_session"):
        Visitor(handler, "rest").get()


def test_a_whole_stack() -> None:
    logger, metrics = Logger(service="shop"), Metrics(namespace="shop", service="shop")

    @logger.inject_lambda_context
    @metrics.log_metrics
    @validator(inbound_schema={"type": "object"})
    @event_source(data_class=APIGatewayProxyEventV2)
    @with_session(store=MemoryStore())
    def handler(event: APIGatewayProxyEventV2, context: Any, session: Session) -> dict[str, Any]:
        metrics.add_metric("visits", MetricUnit.Count, 1)
        session["visits"] = session.get("visits", 0) + 1
        assert event.raw_path == "/visits"
        return counted(session["visits"], "http-api")

    assert_remembered(handler, "http-api")


def async_counting(door: str) -> Callable[..., Any]:
    async def handler(event: Any, context: Any, session: AsyncSession) -> Any:
        return counted(await session.modify("visits", lambda n: n + 1, default=0), door)

    return handler


DECORATORS: list[Decorator] = [
    Logger(service="shop").inject_lambda_context,
    event_source(data_class=APIGatewayProxyEvent),
    validator(inbound_schema={"type": "object"}),
    drops,
]


@pytest.mark.parametrize("decorator", DECORATORS)
def test_an_async_handler_goes_over_them_and_nowhere_else(decorator: Decorator) -> None:
    assert_remembered(composed("over", decorator, async_counting("rest")), "rest")
    with pytest.raises(TypeError, match=r"handler: .*async def.*above with_session"):
        composed("under", decorator, async_counting("rest"))


def test_the_store_can_be_swapped_through_the_decorators_above() -> None:
    handler = composed("over", Logger(service="shop").inject_lambda_context, counting("rest"))
    with handler.sessions.use("memory://"):
        assert_remembered(handler, "rest")


def test_a_time_limit_of_the_context_still_counts() -> None:
    handler = composed("over", Logger(service="shop").inject_lambda_context, counting("rest"))
    event = to_event("rest", HttpRequest())
    assert handler(event, LambdaContext(timeout=0))["statusCode"] == 503


def test_event_source_of_a_websocket_api() -> None:
    """The trusted id's function gets the event as the decorator above made it."""

    def connection(event: APIGatewayWebSocketEvent) -> str:
        return str(event.request_context.connection_id)

    @event_source(data_class=APIGatewayWebSocketEvent)
    @with_session(
        store=MemoryStore(),
        config=SessionConfig(trusted_id_key="k" * 32),
        trusted_id=("connection", connection),
    )
    def handler(event: Any, context: Any, session: Session) -> Any:
        return {"statusCode": 200, "body": session.modify("n", lambda n: n + 1, default=0)}

    call: Any = handler
    events = [websocket_event(route) for route in ("$connect", "$default", "$disconnect")]
    assert [call(event, LambdaContext())["body"] for event in events] == [1, 2, 3]
