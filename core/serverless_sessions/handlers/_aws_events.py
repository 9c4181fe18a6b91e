"""Which front door an event came through, and what holds for events that came through none."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import ConfigurationError
from ..headers import Headers, Outcome
from ._aws_front_doors import (
    FrontDoor,
    FunctionUrl,
    HttpApi,
    HttpApiFormat1,
    LoadBalancer,
    LoadBalancerMultiValue,
    Response,
    RestApi,
)


class WebSocketConnect(FrontDoor):
    """The $connect route of a WebSocket API: the handshake's cookies come in, and of the answer
    only its status and Sec-WebSocket-Protocol go out (AWS re:Post, "Which headers can be set in a
    $connect route response?"; aws/chalice#1768)."""

    refusal = 500
    one_way = True

    def answer(self, result: object, outcome: Outcome) -> object:
        return result

    def error(self, status: int, headers: Headers, body: str) -> Response:
        return {"statusCode": status}

    def _readable(self, response: Response) -> bool:
        return "statusCode" in response and super()._readable(response)


class NoFrontDoor(FrontDoor):
    """An event that is no HTTP request: it has a session only by a trusted id, and its result is
    whatever the invoker makes of it."""

    one_way = True

    def __init__(self, remedy: str) -> None:
        self._remedy = remedy

    def lines(self, event: object, name: str) -> list[str]:
        """Raises ConfigurationError: only where there is no trusted id are header fields read."""
        raise ConfigurationError(f"this event is not an HTTP request: {self._remedy}")

    def status(self, result: object) -> int:
        return 200

    def answer(self, result: object, outcome: Outcome) -> object:
        return result

    def error(self, status: int, headers: Headers, body: str) -> Response:
        raise  # the error at hand, to Lambda: nobody waits for an answer of a kind that we know


_REST_API, _HTTP_API_1, _HTTP_API = RestApi(), HttpApiFormat1(), HttpApi()
_FUNCTION_URL, _ALB, _ALB_MULTI = FunctionUrl(), LoadBalancer(), LoadBalancerMultiValue()
_WEBSOCKET_CONNECT = WebSocketConnect()
_WEBSOCKET = NoFrontDoor(
    "a WebSocket API sends cookies with $connect alone; give its other routes the connection's"
    ' session by trusted_id=("connection", lambda event: event["requestContext"]["connectionId"])'
)
_EDGE = NoFrontDoor(
    "Lambda@Edge has no environment to name a store, and its events are CloudFront's own; put"
    " with_session on the function that is CloudFront's origin, by a function URL or an API"
)
_NO_HTTP = NoFrontDoor(
    "sessions need an API Gateway REST API (v1), an HTTP API or function URL (v2), or an"
    " Application Load Balancer (ALB), or a trusted_id that is found in the event;"
    " a decorator that replaces the event goes below with_session"
)


def front_door(event: object) -> FrontDoor:
    """The front door that an event came through."""
    if isinstance(event, Mapping):
        context = event.get("requestContext")
        context = context if isinstance(context, Mapping) else {}
        if isinstance(context.get("http"), Mapping):
            is_url = ".lambda-url." in str(context.get("domainName"))
            return _FUNCTION_URL if is_url else _HTTP_API
        if "elb" in context:
            return _ALB_MULTI if isinstance(event.get("multiValueHeaders"), Mapping) else _ALB
        if isinstance(event.get("httpMethod"), str):
            return _HTTP_API_1 if event.get("version") == "1.0" else _REST_API
        if "connectionId" in context:
            is_handshake = context.get("eventType") == "CONNECT"
            return _WEBSOCKET_CONNECT if is_handshake else _WEBSOCKET
        if _is_edge(event.get("Records")):
            return _EDGE
    return _NO_HTTP


def _is_edge(records: object) -> bool:
    """CloudFront's own events, "Lambda@Edge event structure"."""
    return isinstance(records, list) and any(
        isinstance(one, Mapping) and "cf" in one for one in records
    )
