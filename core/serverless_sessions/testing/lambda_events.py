"""Events as the AWS front doors send them, and the responses they make of a handler's result.

For the development server and for tests; deliberately apart from what production reads and
writes, so that a mistake in one shows against the other. Sources: the pages "Create AWS Lambda
proxy integrations for HTTP APIs", "Set up Lambda proxy integrations in API Gateway", "Invoking
Lambda function URLs", "Use Lambda functions as targets of an Application Load Balancer", and
the results that LocalStack's and the .NET Lambda Test Tool's tests recorded on AWS.
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote

FRONT_DOORS = ("http-api", "function-url", "rest", "alb", "alb-multi")

_ACCOUNT, _REGION = "123456789012", "us-east-1"
_TARGET_GROUP = f"arn:aws:elasticloadbalancing:{_REGION}:{_ACCOUNT}:targetgroup/sessions/0f1e2d3c"
_DOMAINS = {
    "http-api": f"a1b2c3d4e5.execute-api.{_REGION}.amazonaws.com",
    "function-url": f"a1b2c3d4e5.lambda-url.{_REGION}.on.aws",
    "rest": f"a1b2c3d4e5.execute-api.{_REGION}.amazonaws.com",
    "alb": f"sessions-1234567890.{_REGION}.elb.amazonaws.com",
    "alb-multi": f"sessions-1234567890.{_REGION}.elb.amazonaws.com",
}
_REST_STAGE = "prod"
_TEXT_TYPES = ("application/json", "application/javascript", "application/xml")
_REST_KEYS = {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}

Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it stands on the wire; path and query are not decoded."""

    method: str = "GET"
    path: str = "/"
    query: str = ""
    headers: Pairs = field(default_factory=list)
    body: bytes = b""
    client: str = "203.0.113.7"
    scheme: str = "https"
    host: str = ""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response as the client receives it."""

    status: int
    headers: Pairs
    body: bytes

    def values(self, name: str) -> list[str]:
        """The values of a header, in order."""
        return [value for given, value in self.headers if given.lower() == name.lower()]


class LambdaContext:
    """The context object of one invocation, its remaining time counting down."""

    function_version = "$LATEST"
    memory_limit_in_mb = "128"
    identity = None
    client_context = None

    def __init__(self, function_name: str = "sessions", timeout: float = 3.0) -> None:
        self.function_name = function_name
        self.aws_request_id = str(uuid.uuid4())
        self.invoked_function_arn = f"arn:aws:lambda:{_REGION}:{_ACCOUNT}:function:{function_name}"
        self.log_group_name = f"/aws/lambda/{function_name}"
        self.log_stream_name = f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}"
        self._deadline = time.monotonic() + timeout

    def get_remaining_time_in_millis(self) -> int:
        """Whole milliseconds until the timeout, never below 0."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def to_event(front_door: str, request: HttpRequest) -> dict[str, Any]:
    """The event that this front door would send for the request."""
    if front_door in ("alb", "alb-multi"):
        return _alb_event(request, front_door)
    return _rest_event(request) if front_door == "rest" else _v2_event(request, front_door)


def to_response(front_door: str, result: object) -> HttpResponse:
    """The response that this front door would send for the handler's result.

    Base64 bodies are decoded, which a REST API does for its binary media types only.
    """
    try:
        payload = result if isinstance(result, bytes) else _marshalled(result)
        read = _v2_response if front_door in ("http-api", "function-url") else _proxy_response
        return read(front_door, payload)
    except (TypeError, ValueError, AttributeError, RecursionError):
        return failure(front_door)


def failure(front_door: str) -> HttpResponse:
    """What the front door answers when the function fails or its result cannot be read."""
    status, content_type, body = {
        "http-api": (500, "application/json", '{"message":"Internal Server Error"}'),
        "function-url": (502, "application/json", "Internal Server Error"),
        "rest": (502, "application/json", '{"message": "Internal server error"}'),
    }.get(front_door, (502, "text/html", "<html><body><h1>502 Bad Gateway</h1></body></html>"))
    return HttpResponse(status, [("content-type", content_type)], body.encode())


def _marshalled(result: object) -> bytes:
    return json.dumps(result, default=_as_the_runtime).encode()


def _as_the_runtime(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")


def _v2_event(request: HttpRequest, front_door: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    is_url = front_door == "function-url"
    headers = _forwarded(request, front_door)
    cookies = [
        pair.strip(" \t")
        for name, line in headers
        if name.lower() == "cookie"
        for pair in line.split(";")
        if pair.strip(" \t")
    ]
    if not is_url:
        headers = [(name, value) for name, value in headers if name.lower() != "cookie"]
    path = request.path if is_url else unquote(request.path).partition("?")[0]
    domain = _domain(request, front_door)
    body, is_base64 = _body(request)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": request.query,
        "headers": _by_name(headers, ",".join, str.lower),
        "requestContext": {
            "accountId": "anonymous" if is_url else _ACCOUNT,
            "apiId": domain.partition(".")[0],
            "domainName": domain,
            "domainPrefix": domain.partition(".")[0],
            "http": {
                "method": request.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": request.client,
                "userAgent": _header(request, "user-agent"),
            },
            "requestId": str(uuid.uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "time": f"{now:%d/%b/%Y:%H:%M:%S +0000}",
            "timeEpoch": int(now.timestamp() * 1000),
        },
        "isBase64Encoded": is_base64,
    }
    optional = {
        "cookies": cookies,
        "queryStringParameters": _by_name(_decoded(request.query), ",".join),
        "body": body,
    }
    return event | {key: value for key, value in optional.items() if value}


def _rest_event(request: HttpRequest) -> dict[str, Any]:
    now = datetime.now(UTC)
    headers = _forwarded(request, "rest")
    query = _decoded(request.query)
    domain = _domain(request, "rest")
    resource = "/" if request.path == "/" else "/{proxy+}"
    body, is_base64 = _rest_body(request)
    return {
        "resource": resource,
        "path": request.path,
        "httpMethod": request.method,
        "headers": _by_name(headers, _last),
        "multiValueHeaders": _by_name(headers, list),
        "queryStringParameters": _by_name(query, _last) or None,
        "multiValueQueryStringParameters": _by_name(query, list) or None,
        "pathParameters": None if resource == "/" else {"proxy": request.path[1:]},
        "stageVariables": None,
        "requestContext": {
            "accountId": _ACCOUNT,
            "apiId": domain.partition(".")[0],
            "domainName": domain,
            "domainPrefix": domain.partition(".")[0],
            "extendedRequestId": uuid.uuid4().hex[:15] + "=",
            "httpMethod": request.method,
            "identity": {
                "sourceIp": request.client,
                "userAgent": _header(request, "user-agent"),
            },
            "path": f"/{_REST_STAGE}{request.path}",
            "protocol": "HTTP/1.1",
            "requestId": str(uuid.uuid4()),
            "requestTime": f"{now:%d/%b/%Y:%H:%M:%S +0000}",
            "requestTimeEpoch": int(now.timestamp() * 1000),
            "resourceId": "a1b2c3",
            "resourcePath": resource,
            "stage": _REST_STAGE,
        },
        "body": body,
        "isBase64Encoded": is_base64,
    }


def _alb_event(request: HttpRequest, front_door: str) -> dict[str, Any]:
    is_multi = front_door == "alb-multi"
    values: Callable[[list[str]], object] = list if is_multi else _last
    headers = _by_name(_forwarded(request, front_door), values, str.lower)
    parameters = [part.partition("=") for part in request.query.split("&") if part]
    query = _by_name([(name, value) for name, _, value in parameters], values)
    body, is_base64 = _body(request)
    return {
        "requestContext": {"elb": {"targetGroupArn": _TARGET_GROUP}},
        "httpMethod": request.method,
        "path": request.path,
        ("multiValueQueryStringParameters" if is_multi else "queryStringParameters"): query,
        ("multiValueHeaders" if is_multi else "headers"): headers,
        "body": body,
        "isBase64Encoded": is_base64,
    }


def _v2_response(front_door: str, payload: bytes) -> HttpResponse:
    try:
        result = json.loads(payload)
    except ValueError:
        result = payload.decode()
    if not isinstance(result, dict) or "statusCode" not in result:
        if isinstance(result, str):
            body = result
        elif front_door == "function-url":
            body = json.dumps(result, separators=(",", ":"), ensure_ascii=False)
        else:
            body = payload.decode()
        return HttpResponse(200, [("content-type", "application/json")], body.encode())
    if isinstance(result.get("body"), dict | list):
        result["body"] = json.dumps(result["body"])
    headers = _single_values(result.get("headers"))
    headers += [("set-cookie", _sent(cookie)) for cookie in _listed(result.get("cookies") or [])]
    default = "application/json" if front_door == "function-url" else "text/plain; charset=utf-8"
    return _response(result, headers, default)


def _proxy_response(front_door: str, payload: bytes) -> HttpResponse:
    result = json.loads(payload)
    if not isinstance(result, dict):
        raise TypeError("not an object")
    if front_door == "rest":
        if result.keys() - _REST_KEYS:
            raise ValueError("a key that a REST API does not know")
        multiple = _multiple_values(result.get("multiValueHeaders"))
        known = {(name.lower(), value) for name, value in multiple}
        single = _single_values(result.get("headers"))
        headers = multiple + [pair for pair in single if (pair[0].lower(), pair[1]) not in known]
        return _response({"statusCode": 200} | result, headers, "application/json")
    if front_door == "alb-multi":
        return _response(result, _multiple_values(result.get("multiValueHeaders")))
    return _response(result, _single_values(result.get("headers")))


def _response(result: dict[str, Any], headers: Pairs, content_type: str = "") -> HttpResponse:
    body = result.get("body")
    text = "" if body is None else _sent(body)
    if content_type and not any(name.lower() == "content-type" for name, _ in headers):
        headers = [*headers, ("content-type", content_type)]
    content = base64.b64decode(text) if result.get("isBase64Encoded") else text.encode()
    return HttpResponse(_status(result.get("statusCode")), headers, content)


def _status(code: object) -> int:
    status = int(code) if isinstance(code, int | str) and not isinstance(code, bool) else 0
    if not 100 <= status <= 599:
        raise ValueError("not a status")
    return status


def _single_values(headers: Any) -> Pairs:
    given = {} if headers is None else headers
    return [(name, _sent(value)) for name, value in given.items() if value is not None]


def _multiple_values(headers: Any) -> Pairs:
    given = {} if headers is None else headers
    return [(name, _sent(value)) for name, values in given.items() for value in _listed(values)]


def _listed(values: object) -> list[Any]:
    if not isinstance(values, list):
        raise TypeError("a value that is not a list")
    return [value for value in values if value is not None]


def _sent(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise TypeError("a value that is not text")


def _domain(request: HttpRequest, front_door: str) -> str:
    return request.host or _header(request, "host") or _DOMAINS[front_door]


def _header(request: HttpRequest, wanted: str) -> str:
    return next((value for name, value in request.headers if name.lower() == wanted), "")


def _forwarded(request: HttpRequest, front_door: str) -> Pairs:
    """The request's headers with those that the service adds."""
    hops = [_header(request, "x-forwarded-for"), request.client]
    added = {
        "Host": _domain(request, front_door),
        "X-Amzn-Trace-Id": f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}",
        "X-Forwarded-For": ", ".join(filter(None, hops)),
        "X-Forwarded-Port": "443" if request.scheme == "https" else "80",
        "X-Forwarded-Proto": request.scheme,
    }
    names = {name.lower() for name in added}
    return [*(pair for pair in request.headers if pair[0].lower() not in names), *added.items()]


def _body(request: HttpRequest) -> tuple[str, bool]:
    """The body as text where its content type is one that the services take for text."""
    content_type = _header(request, "content-type").partition(";")[0].strip().lower()
    is_text = content_type.startswith("text/") or content_type in _TEXT_TYPES
    if not request.body or is_text:
        return request.body.decode(errors="replace"), False
    return base64.b64encode(request.body).decode(), True


def _rest_body(request: HttpRequest) -> tuple[str | None, bool]:
    """As of an API that lists what is not text among its binary media types."""
    try:
        return request.body.decode() or None, False
    except UnicodeDecodeError:
        return base64.b64encode(request.body).decode(), True


def _decoded(query: str) -> Pairs:
    return parse_qsl(query, keep_blank_values=True)


def _last(values: list[str]) -> str:
    return values[-1]


def _by_name(
    pairs: Iterable[tuple[str, str]],
    merged: Callable[[list[str]], object],
    named: Callable[[str], str] = str,
) -> dict[str, Any]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(named(name), []).append(value)
    return {name: merged(values) for name, values in found.items()}
