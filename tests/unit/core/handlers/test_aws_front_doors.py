"""Cookies in, headers out, at every AWS front door."""

from __future__ import annotations

import copy
import json
import sys
from decimal import Decimal
from enum import IntEnum
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serverless_sessions.errors import ConfigurationError
from serverless_sessions.handlers._aws_events import front_door
from serverless_sessions.handlers._aws_front_doors import FrontDoor
from serverless_sessions.headers import Outcome
from serverless_sessions.testing.lambda_events import (
    FRONT_DOORS,
    HttpRequest,
    failure,
    to_event,
    to_response,
)

COOKIE = "session=new; Path=/; Secure; HttpOnly"
SETS, READS, NOTHING = (
    Outcome(("Set-Cookie", COOKIE), accessed=True),
    Outcome(accessed=True),
    Outcome(),
)
MULTI = ("rest", "alb-multi")
PAYLOAD_2 = ("http-api", "function-url")
PAYLOAD_1 = ("rest", "alb", "alb-multi")
REST, ALB, HTTP_API = (to_event(name, HttpRequest()) for name in ("rest", "alb", "http-api"))
HTTP_API_1 = {**REST, "version": "1.0"}


class Made(IntEnum):
    CREATED = 201


def at(name: str) -> FrontDoor:
    return front_door(to_event(name, HttpRequest()))


def answered(name: str, result: object, outcome: Outcome = SETS) -> dict[str, Any]:
    answer = at(name).answer(result, outcome)
    assert isinstance(answer, dict)
    return answer


def cookies_sent(name: str, result: object) -> list[str]:
    return to_response(name, result).values("set-cookie")


@pytest.mark.parametrize("name", FRONT_DOORS)
@pytest.mark.parametrize("header", ["Cookie", "cookie", "COOKIE"])
def test_the_cookie_is_found(name: str, header: str) -> None:
    event = to_event(name, HttpRequest(headers=[(header, "session=abc")]))
    assert front_door(event).lines(event, "cookie") == ["session=abc"]


@pytest.mark.parametrize("name", ["http-api", "function-url", "rest", "alb-multi"])
def test_a_cookie_split_over_two_lines_is_found(name: str) -> None:
    event = to_event(name, HttpRequest(headers=[("Cookie", "a=1"), ("Cookie", "session=abc")]))
    assert front_door(event).lines(event, "cookie") == ["a=1", "session=abc"]


@pytest.mark.parametrize("name", ["http-api", "function-url"])
def test_payload_2_is_read_once_though_headers_repeat_it(name: str) -> None:
    event = {**to_event(name, HttpRequest()), "cookies": ["a=1"], "headers": {"Cookie": "b=2"}}
    assert front_door(event).lines(event, "cookie") == ["a=1"]
    assert front_door(event).lines({**event, "cookies": []}, "cookie") == ["b=2"]


@pytest.mark.parametrize("name", FRONT_DOORS)
def test_an_event_may_be_any_mapping(name: str) -> None:
    """As of decorators that hand over a view of it."""
    event = to_event(name, HttpRequest(headers=[("Cookie", "session=abc")]))
    view = MappingProxyType(
        {k: MappingProxyType(v) if isinstance(v, dict) else v for k, v in event.items()}
    )
    assert front_door(view) is front_door(event)
    assert front_door(view).lines(view, "cookie") == ["session=abc"]


@pytest.mark.parametrize("name", FRONT_DOORS)
@pytest.mark.parametrize("lines", [[], ['session="a%20b"']])
def test_nothing_is_added_nor_decoded(name: str, lines: list[str]) -> None:
    event = to_event(name, HttpRequest(headers=[("Cookie", line) for line in lines]))
    assert front_door(event).lines(event, "cookie") == lines


@pytest.mark.parametrize("hostile", [None, 7, "text", {"Cookie": "a"}, ["a", None, 7, ["b"]]])
@pytest.mark.parametrize("name", FRONT_DOORS)
def test_hostile_types_are_skipped(name: str, hostile: object) -> None:
    event = to_event(name, HttpRequest())
    door = front_door(event)
    for field in ("headers", "multiValueHeaders"):
        for value in (hostile, {"Cookie": hostile}, {None: "a", 7: "b", "cookie": [hostile]}):
            event = {**event, field: value, "cookies": hostile}
            assert all(isinstance(line, str) for line in door.lines(event, "cookie"))


@pytest.mark.parametrize("name", FRONT_DOORS)
@pytest.mark.parametrize("result", [{"statusCode": 200, "body": "x"}, "text", None, {}, b"\xff"])
def test_nothing_to_say_gives_back_the_same_object(name: str, result: object) -> None:
    assert at(name).answer(result, NOTHING) is result


def test_payload_2_keeps_its_cookies_without_a_session() -> None:
    result = {"statusCode": 200, "cookies": ["a=1"]}
    assert at("http-api").answer(result, NOTHING) is result


@pytest.mark.parametrize("name", MULTI)
def test_multi_value_doors_write_one_field(name: str) -> None:
    result = {"statusCode": 200, "headers": {"Content-Type": "text/plain"}, "body": "x"}
    assert answered(name, result) == {
        "statusCode": 200,
        "body": "x",
        "multiValueHeaders": {
            "Content-Type": ["text/plain"],
            "Cache-Control": ["no-store"],
            "Set-Cookie": [COOKIE],
            "Vary": ["Cookie"],
        },
    }


def test_http_api_payload_1_is_written_like_a_rest_api() -> None:
    result = {"statusCode": 200, "headers": {"a": "1"}}
    assert front_door(HTTP_API_1).answer(result, SETS) == answered("rest", result)


@pytest.mark.parametrize("name", PAYLOAD_2)
def test_payload_2_writes_headers_and_cookies(name: str) -> None:
    result = {"statusCode": 200, "body": "x", "multiValueHeaders": {"unread": ["1"]}}
    assert answered(name, result) == {
        **result,
        "headers": {"Cache-Control": "no-store", "Vary": "Cookie"},
        "cookies": [COOKIE],
    }
    assert "cookies" not in answered(name, result, READS)


def test_a_load_balancer_without_multi_values_writes_headers_only() -> None:
    result = {"statusCode": 200, "headers": {"X-A": "1"}, "multiValueHeaders": {"X-B": ["2", "3"]}}
    headers = {"Set-Cookie": COOKIE, "Cache-Control": "no-store", "Vary": "Cookie"}
    expected = {"statusCode": 200, "headers": {"X-A": "1", "X-B": "2, 3", **headers}}
    assert answered("alb", result) == expected


@pytest.mark.parametrize("name", ["http-api", "function-url", "rest", "alb-multi"])
@pytest.mark.parametrize(
    "own",
    [
        {"headers": {"Set-Cookie": "own=1"}},
        {"headers": {"sEt-cOOkie": "own=1"}},
        {"headers": {"set-cookie": "own=1", "Set-Cookie": "two=2"}},
        {"cookies": ["own=1", "two=2"]},
        {"headers": {"SET-COOKIE": "own=1"}, "cookies": ["two=2"]},
    ],
)
def test_the_handlers_cookies_are_kept_before_ours(name: str, own: dict[str, Any]) -> None:
    two = ["two=2"] if "two=2" in str(own) else []
    sent = cookies_sent(name, answered(name, {"statusCode": 200, **own}))
    assert sent == ["own=1", *two, COOKIE]


@pytest.mark.parametrize("name", MULTI)
def test_cookies_of_both_header_fields_are_kept(name: str) -> None:
    multiple = {"Set-Cookie": ["a=1", "b=2"]}
    result = {"statusCode": 200, "headers": {"set-cookie": "b=2"}, "multiValueHeaders": multiple}
    assert cookies_sent(name, answered(name, result)) == ["a=1", "b=2", COOKIE]


@pytest.mark.parametrize("own", [{"headers": {"set-cookie": "a=1"}}, {"cookies": ["a=1"]}])
def test_a_load_balancer_without_multi_values_cannot_send_two_cookies(own: Any) -> None:
    result = {"statusCode": 200, **own}
    with pytest.raises(ConfigurationError, match="multi-value headers on the target group"):
        at("alb").answer(result, SETS)
    assert cookies_sent("alb", at("alb").answer(result, READS)) == ["a=1"]


@pytest.mark.parametrize("name", PAYLOAD_1)
@pytest.mark.parametrize("outcome", [NOTHING, READS])
@pytest.mark.parametrize("cookies", [["a=1"], [], None])
def test_cookies_never_stay_at_a_door_that_has_no_such_field(
    name: str, outcome: Outcome, cookies: list[str] | None
) -> None:
    result = {"statusCode": 200, "headers": {"x": "1"}, "cookies": cookies}
    answer = answered(name, result, outcome)
    assert "cookies" not in answer
    assert cookies_sent(name, answer) == (cookies or [])
    assert to_response(name, answer).values("x") == ["1"]
    assert at(name).status(result) == 200


@pytest.mark.parametrize("name", FRONT_DOORS)
def test_the_handlers_result_is_never_changed(name: str) -> None:
    headers: dict[str, Any] = {"headers": {"Vary": "Accept"}, "multiValueHeaders": {"x": ["1"]}}
    result = {"statusCode": 200, "cookies": [], **headers}
    before = copy.deepcopy(result)
    at(name).answer(result, SETS)
    assert result == before


@pytest.mark.parametrize("name", FRONT_DOORS)
def test_bodies_and_other_keys_are_kept(name: str) -> None:
    own: dict[str, Any] = {"statusCode": Made.CREATED, "body": "/wA=", "isBase64Encoded": True}
    if name != "rest":
        own |= {"statusDescription": "201 Created", "x": {"y": 1}}
    answer = answered(name, own)
    assert {key: answer[key] for key in own} == own
    assert to_response(name, answer).body == b"\xff\x00"


@pytest.mark.parametrize("name", FRONT_DOORS)
def test_header_values_that_are_not_text_are_sent_as_text(name: str) -> None:
    result = {"statusCode": 200, "headers": {"X-N": 5, "X-Yes": True, "X-None": None}}
    response = to_response(name, answered(name, result))
    assert (response.values("x-n"), response.values("x-yes")) == (["5"], ["true"])
    assert response.values("x-none") == []


def test_payload_2_joins_one_name_in_two_spellings() -> None:
    result = {"statusCode": 200, "headers": {"x-a": "1", "X-A": "2"}}
    assert answered("http-api", result)["headers"]["x-a"] == "1, 2"


INFERRED: list[Any] = ["plain", "", "é", '{"looks": "like JSON"}', [1, "two", None], 3, 2.5, True]
INFERRED += [{"b": 1, "a": [1, 2]}, {"headers": {"x": "1"}, "body": "only a key"}, None]
INFERRED += [{"price": Decimal("2.50"), "count": Decimal("2")}, {"text": b"bytes"}]
INFERRED += [b"bytes", b'{ "a" : 1 }', b'"quoted"']


@pytest.mark.parametrize("name", PAYLOAD_2)
@pytest.mark.parametrize("result", INFERRED)
def test_an_inferred_response_stays_what_it_was(name: str, result: object) -> None:
    before, after = to_response(name, result), to_response(name, answered(name, result))
    assert (after.status, after.body) == (before.status, before.body)
    assert after.values("content-type") == before.values("content-type") == ["application/json"]
    assert after.values("set-cookie") == [COOKIE]
    assert at(name).status(result) == 200


def test_the_runtimes_own_encoder_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = SimpleNamespace(to_json=lambda value: json.dumps({"by": "runtime", **value}))
    monkeypatch.setitem(sys.modules, "awslambdaric.lambda_runtime_marshaller", runtime)
    assert answered("http-api", {"a": 1})["body"] == '{"by": "runtime", "a": 1}'


def test_text_is_escaped_as_the_runtime_does(monkeypatch: pytest.MonkeyPatch) -> None:
    for version, body in (((3, 11), '{"a": "\\u00e9"}'), ((3, 12), '{"a": "é"}')):
        monkeypatch.setattr(sys, "version_info", version)
        assert answered("http-api", {"a": "é"})["body"] == body
        assert answered("function-url", {"a": "é"})["body"] == '{"a":"é"}'


@pytest.mark.parametrize("name", PAYLOAD_2)
def test_bytes_that_hold_a_response_are_one(name: str) -> None:
    result = b'{"statusCode": 404, "body": "gone"}'
    assert at(name).status(result) == 404
    assert to_response(name, answered(name, result)).body == b"gone"


@pytest.mark.parametrize("name", FRONT_DOORS)
@pytest.mark.parametrize(("code", "status"), [(503, 503), ("404", 404), (Made.CREATED, 201)])
def test_the_status_that_is_sent(name: str, code: object, status: int) -> None:
    result = {"statusCode": code}
    assert at(name).status(result) == to_response(name, result).status == status


NO_STATUS: list[Any] = [0, 99, 600, "", "20x", "²00", "1" * 5000, True, 200.5, [], None]
UNREADABLE: list[dict[str, Any]] = [
    {"headers": ["x"]},
    {"headers": {"x": ["a list"]}},
    {"cookies": "a=1"},
    {"cookies": [["a"]]},
    {"body": {1, 2}},
]
NOT_RESPONSES: list[Any] = ["text", None, [], 3, b"no", b"\xff"]
NOT_RESPONSES += [{"statusCode": 200, "body": {"a": 1}}]
NOT_RESPONSES += [{"statusCode": 200, "multiValueHeaders": {"x": "1"}}]
REFUSED = [{"statusCode": code} for code in NO_STATUS]
REFUSED += [{"statusCode": 200, **fault} for fault in UNREADABLE]


@pytest.mark.parametrize("name", FRONT_DOORS)
@pytest.mark.parametrize("result", REFUSED)
def test_a_malformed_result_is_an_error_and_comes_back_as_it_is(name: str, result: Any) -> None:
    door = at(name)
    assert door.status(result) == failure(name).status
    assert door.answer(result, SETS) is result


@pytest.mark.parametrize("name", PAYLOAD_1)
@pytest.mark.parametrize("result", NOT_RESPONSES)
def test_other_doors_infer_nothing(name: str, result: object) -> None:
    assert at(name).status(result) == 502
    assert at(name).answer(result, SETS) is result


@pytest.mark.parametrize("name", PAYLOAD_2)
def test_what_cannot_be_sent_as_json_is_an_error(name: str) -> None:
    loop: list[Any] = []
    loop.append(loop)
    for result in (object(), {"a": {1}}, loop, {"a": b"\xff"}):
        assert at(name).status(result) == failure(name).status
        assert at(name).answer(result, SETS) is result


@pytest.mark.parametrize(
    ("event", "result", "status"),
    [
        (REST, {}, 200),
        (REST, {"statusCode": 200, "statusDescription": "OK"}, 502),
        (HTTP_API_1, {}, 500),
        (HTTP_API, {"statusCode": 200, "multiValueHeaders": 1}, 200),
        (HTTP_API_1, {"statusCode": "x"}, 500),
        (REST, {"statusCode": 200, "body": b"text"}, 200),
        (ALB, {}, 502),
        (ALB, {"statusCode": 200, "statusDescription": "200 OK"}, 200),
        (HTTP_API, {"statusCode": 200, "body": {"a": 1}}, 200),
    ],
)
def test_where_the_doors_differ(event: Any, result: object, status: int) -> None:
    assert front_door(event).status(result) == status


@pytest.mark.parametrize("name", FRONT_DOORS)
def test_an_error_is_the_same_everywhere(name: str) -> None:
    headers = [("Content-Type", "text/plain"), ("Retry-After", "1"), ("Set-Cookie", "a=1")]
    error = at(name).error(503, headers, "unavailable")
    response = to_response(name, error)
    assert (response.status, response.body) == (503, b"unavailable")
    assert sorted((key.lower(), value) for key, value in response.headers) == [
        ("content-type", "text/plain"),
        ("retry-after", "1"),
        ("set-cookie", "a=1"),
    ]
    described = "503 Service Unavailable" if name.startswith("alb") else None
    assert error.get("statusDescription") == described


@pytest.mark.parametrize("name", FRONT_DOORS)
@pytest.mark.parametrize("outcome", [SETS, READS])
def test_one_handler_answers_the_same_at_every_door(name: str, outcome: Outcome) -> None:
    event = to_event(name, HttpRequest("POST", headers=[("Cookie", "a=1; b=2")]))
    door = front_door(event)
    seen = {pair.strip() for line in door.lines(event, "cookie") for pair in line.split(";")}
    headers = {
        "Content-Type": "text/plain",
        "cache-control": "private, max-age=9",
        "Vary": "Accept",
    }
    result = {"statusCode": 200, "headers": headers, "body": ",".join(sorted(seen))}
    response = to_response(name, door.answer(result, outcome))
    sets = outcome.set_cookie is not None
    assert (response.status, response.body) == (200, b"a=1,b=2")
    assert response.values("Set-Cookie") == ([COOKIE] if sets else [])
    assert response.values("Vary") == ["Accept, Cookie"]
    assert response.values("Content-Type") == ["text/plain"]
    expected = "no-store, private" if sets else "private, max-age=9"
    assert response.values("Cache-Control") == [expected]


KEYS = ["version", "requestContext", "http", "elb", "httpMethod", "headers", "domainName", "Cookie"]
KEYS += ["connectionId", "eventType", "Records", "cf"]
KEYS += ["statusCode", "multiValueHeaders", "body", "cookies"]
scalars = st.none() | st.booleans() | st.integers(0, 700) | st.sampled_from(["2.0", "200", "a=1"])
jsons = st.recursive(
    scalars | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=20,
)


@given(event=jsons, result=jsons)
def test_any_event_has_a_door_or_is_refused(event: Any, result: Any) -> None:
    door = front_door(event)
    try:
        lines = door.lines(event, "cookie")
    except ConfigurationError:
        return
    assert all(isinstance(line, str) for line in lines)
    assert 100 <= door.status(result) <= 599


@given(st.sampled_from(FRONT_DOORS), jsons, st.integers(99, 600), st.dictionaries(st.text(), jsons))
def test_the_status_foretold_is_sent(name: str, body: Any, code: int, headers: Any) -> None:
    for result in (body, {"statusCode": code, "body": body, "headers": headers}):
        status = at(name).status(result)
        sent = to_response(name, at(name).answer(result, READS)).status
        assert sent == status or (name in ("alb", "alb-multi") and status == 502)
