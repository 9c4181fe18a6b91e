"""The emulated front doors, held to what AWS documents and to what was recorded on AWS."""

from __future__ import annotations

import base64
import json
import time
from decimal import Decimal
from typing import Any

import pytest

from serverless_sessions.testing.lambda_events import (
    FRONT_DOORS,
    HttpRequest,
    HttpResponse,
    LambdaContext,
    failure,
    to_event,
    to_response,
)

REQUEST = HttpRequest(
    method="POST",
    path="/caf%C3%A9/a%20b",
    query="q=1&q=a%2Fb&empty=",
    headers=[
        ("Host", "shop.example"),
        ("User-Agent", "test"),
        ("X-Twice", "one"),
        ("X-Twice", "two"),
        ("Cookie", "a=1; b=2"),
        ("Cookie", "c=3"),
    ],
)
PARTIAL = '{"a":'


@pytest.mark.parametrize("door", FRONT_DOORS)
def test_every_event_is_json(door: str) -> None:
    event = to_event(door, REQUEST)
    assert json.loads(json.dumps(event)) == event


@pytest.mark.parametrize(
    ("door", "path"),
    [
        ("http-api", ("rawPath", "/café/a b")),
        ("function-url", ("rawPath", "/caf%C3%A9/a%20b")),
        ("rest", ("path", "/caf%C3%A9/a%20b")),
        ("alb", ("path", "/caf%C3%A9/a%20b")),
        ("alb-multi", ("path", "/caf%C3%A9/a%20b")),
    ],
)
def test_only_an_http_api_decodes_the_path(door: str, path: tuple[str, str]) -> None:
    assert to_event(door, REQUEST)[path[0]] == path[1]


@pytest.mark.parametrize(
    ("door", "field", "query"),
    [
        ("http-api", "queryStringParameters", {"q": "1,a/b", "empty": ""}),
        ("function-url", "queryStringParameters", {"q": "1,a/b", "empty": ""}),
        ("rest", "queryStringParameters", {"q": "a/b", "empty": ""}),
        ("rest", "multiValueQueryStringParameters", {"q": ["1", "a/b"], "empty": [""]}),
        ("alb", "queryStringParameters", {"q": "a%2Fb", "empty": ""}),
        ("alb-multi", "multiValueQueryStringParameters", {"q": ["1", "a%2Fb"], "empty": [""]}),
    ],
)
def test_repeated_query_parameters(door: str, field: str, query: dict[str, Any]) -> None:
    assert to_event(door, REQUEST)[field] == query


@pytest.mark.parametrize(
    ("door", "field", "name", "value"),
    [
        ("http-api", "headers", "x-twice", "one,two"),
        ("function-url", "headers", "x-twice", "one,two"),
        ("rest", "headers", "X-Twice", "two"),
        ("rest", "multiValueHeaders", "X-Twice", ["one", "two"]),
        ("alb", "headers", "x-twice", "two"),
        ("alb-multi", "multiValueHeaders", "x-twice", ["one", "two"]),
        ("alb", "headers", "cookie", "c=3"),
        ("alb-multi", "multiValueHeaders", "cookie", ["a=1; b=2", "c=3"]),
        ("rest", "multiValueHeaders", "Cookie", ["a=1; b=2", "c=3"]),
        ("http-api", "headers", "host", "shop.example"),
    ],
)
def test_repeated_headers(door: str, field: str, name: str, value: object) -> None:
    assert to_event(door, REQUEST)[field][name] == value


@pytest.mark.parametrize(("door", "in_headers"), [("http-api", False), ("function-url", True)])
def test_payload_2_lists_each_cookie(door: str, in_headers: bool) -> None:
    event = to_event(door, REQUEST)
    assert event["cookies"] == ["a=1", "b=2", "c=3"]
    assert ("cookie" in event["headers"]) is in_headers


@pytest.mark.parametrize(
    ("door", "field"), [("alb", "headers"), ("alb-multi", "multiValueHeaders")]
)
def test_a_load_balancer_sends_one_header_field(door: str, field: str) -> None:
    event = to_event(door, REQUEST)
    assert [name for name in ("headers", "multiValueHeaders") if name in event] == [field]


def test_what_is_absent_from_a_bare_request() -> None:
    bare = HttpRequest()
    for door in ("http-api", "function-url"):
        event = to_event(door, bare)
        assert not {"cookies", "body", "queryStringParameters"} & event.keys()
        assert event["rawQueryString"] == ""
    rest = to_event("rest", bare)
    assert rest["body"] is rest["queryStringParameters"] is rest["pathParameters"] is None
    assert to_event("alb", bare)["body"] == ""
    assert to_event("alb", bare)["queryStringParameters"] == {}


def test_only_the_request_context_of_a_rest_api_has_the_stage_in_its_path() -> None:
    event = to_event("rest", HttpRequest(path="/cart/1"))
    assert event["path"] == "/cart/1"
    assert event["requestContext"]["path"] == f"/{event['requestContext']['stage']}/cart/1"
    assert event["pathParameters"] == {"proxy": "cart/1"}


@pytest.mark.parametrize("door", ["http-api", "function-url", "alb", "alb-multi"])
@pytest.mark.parametrize(
    ("content_type", "is_text"),
    [
        ("application/json; charset=utf-8", True),
        ("text/css", True),
        ("Application/XML", True),
        ("application/x-www-form-urlencoded", False),
        ("image/png", False),
        ("", False),
    ],
)
def test_a_body_is_text_by_its_content_type(door: str, content_type: str, is_text: bool) -> None:
    request = HttpRequest(headers=[("content-type", content_type)], body=b"sku=1")
    event = to_event(door, request)
    assert event["isBase64Encoded"] is not is_text
    assert event["body"] == ("sku=1" if is_text else base64.b64encode(b"sku=1").decode())


def test_a_rest_api_sends_forms_as_text_and_the_rest_as_base64() -> None:
    form = to_event("rest", HttpRequest(body=b"sku=1"))
    assert (form["body"], form["isBase64Encoded"]) == ("sku=1", False)
    binary = to_event("rest", HttpRequest(body=b"\xff\x00"))
    assert (binary["body"], binary["isBase64Encoded"]) == ("/wA=", True)


def test_the_client_joins_those_who_forwarded_before() -> None:
    request = HttpRequest(headers=[("X-Forwarded-For", "192.0.2.1")], client="192.0.2.2")
    headers = to_event("alb", request)["headers"]
    assert headers["x-forwarded-for"] == "192.0.2.1, 192.0.2.2"
    assert (headers["x-forwarded-proto"], headers["x-forwarded-port"]) == ("https", "443")


@pytest.mark.parametrize(
    ("result", "http_api", "function_url"),
    [
        ("hello", "hello", "hello"),
        ("", "", ""),
        (PARTIAL, PARTIAL, PARTIAL),
        ({"hello": "world"}, '{"hello": "world"}', '{"hello":"world"}'),
        (["hello", 3, True], '["hello", 3, true]', '["hello",3,true]'),
        (3, "3", "3"),
        (3.1, "3.1", "3.1"),
        (True, "true", "true"),
        (None, "null", "null"),
        (Decimal("2.50"), "2.5", "2.5"),
        (b"plain", "plain", "plain"),
        (b'"quoted"', "quoted", "quoted"),
        (b'{ "a": 1 }', '{ "a": 1 }', '{"a":1}'),
    ],
)
def test_payload_2_infers_a_response(result: object, http_api: str, function_url: str) -> None:
    for door, body in (("http-api", http_api), ("function-url", function_url)):
        response = to_response(door, result)
        assert response == HttpResponse(200, [("content-type", "application/json")], body.encode())


@pytest.mark.parametrize(
    ("door", "content_type"),
    [
        ("http-api", ["text/plain; charset=utf-8"]),
        ("function-url", ["application/json"]),
        ("rest", ["application/json"]),
        ("alb", []),
    ],
)
def test_content_type_where_the_handler_gave_none(door: str, content_type: list[str]) -> None:
    response = to_response(door, {"statusCode": "201", "body": "made"})
    assert (response.status, response.body) == (201, b"made")
    assert response.values("Content-Type") == content_type


@pytest.mark.parametrize(
    "result",
    [
        {"statusCode": 200, "wrongValue": "value"},
        {"statusCode": "test"},
        {"statusCode": 0},
        {"statusCode": 200, "multiValueHeaders": {"x": "not a list"}},
        {"statusCode": 200, "headers": {"x": ["a list"]}},
        {"statusCode": 200, "headers": ["x"]},
        {"statusCode": 200, "body": {"not": "text"}},
        {"statusCode": 200, "cookies": ["a=1"]},
        {"statusCode": 200, "body": object()},
        "text",
        b"not json",
        None,
        [],
        3,
    ],
)
def test_a_rest_api_refuses(result: object) -> None:
    assert to_response("rest", result) == failure("rest")
    assert failure("rest").body == b'{"message": "Internal server error"}'


@pytest.mark.parametrize("result", [{}, {"headers": {"x": "1"}}, {"headers": None}])
def test_a_rest_api_needs_no_key(result: object) -> None:
    response = to_response("rest", result)
    assert (response.status, response.body) == (200, b"")


@pytest.mark.parametrize(
    ("door", "status"), [("http-api", 500), ("function-url", 502), ("rest", 502), ("alb", 502)]
)
def test_a_status_that_is_none_fails(door: str, status: int) -> None:
    assert to_response(door, {"statusCode": 200.5}).status == status
    assert to_response(door, {"statusCode": True}).status == status
    assert to_response(door, {"body": object()}).status == status


@pytest.mark.parametrize("door", ["alb", "alb-multi"])
def test_a_load_balancer_needs_a_status_and_ignores_unknown_keys(door: str) -> None:
    assert to_response(door, {"body": "x"}).status == 502
    assert to_response(door, {"statusCode": 200, "cookies": ["a=1"]}).headers == []


def test_a_rest_api_merges_both_header_fields() -> None:
    headers = {"x-multi": "solo", "X-Same": "1", "x-flag": True}
    multiple = {"X-Multi": ["multi"], "x-same": ["1"]}
    response = to_response("rest", {"headers": headers, "multiValueHeaders": multiple})
    assert response.values("x-multi") == ["multi", "solo"]
    assert response.values("x-same") == ["1"]
    assert response.values("x-flag") == ["true"]


def test_a_load_balancer_reads_the_field_of_its_mode_only() -> None:
    result = {"statusCode": 200, "headers": {"x": "h"}, "multiValueHeaders": {"x": ["m", "n"]}}
    assert to_response("alb", result).values("x") == ["h"]
    assert to_response("alb-multi", result).values("x") == ["m", "n"]


@pytest.mark.parametrize("door", ["http-api", "function-url"])
def test_payload_2_sends_each_of_its_cookies(door: str) -> None:
    result = {"statusCode": 200, "headers": {"Set-Cookie": "a=1"}, "cookies": ["b=2", "c=3"]}
    assert to_response(door, result).values("set-cookie") == ["a=1", "b=2", "c=3"]


@pytest.mark.parametrize("door", FRONT_DOORS)
def test_base64_bodies_are_decoded(door: str) -> None:
    result = {"statusCode": 200, "body": "/wA=", "isBase64Encoded": True}
    assert to_response(door, result).body == b"\xff\x00"
    assert to_response(door, {**result, "isBase64Encoded": False}).body == b"/wA="
    assert to_response(door, {**result, "body": "no base64 at all!"}) == failure(door)


def test_the_context_counts_down_to_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    context = LambdaContext("cart", timeout=3)
    assert context.get_remaining_time_in_millis() == 3000
    monkeypatch.setattr(time, "monotonic", lambda: 1002.0)
    assert context.get_remaining_time_in_millis() == 1000
    monkeypatch.setattr(time, "monotonic", lambda: 1004.0)
    assert context.get_remaining_time_in_millis() == 0
    assert context.function_name == "cart"
    assert context.invoked_function_arn.endswith(":function:cart")
    assert context.aws_request_id != LambdaContext().aws_request_id
