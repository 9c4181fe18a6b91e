"""Events said in the words of a request, as a front door makes them of it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from serverless_sessions.testing import lambda_event
from serverless_sessions.testing.lambda_events import FRONT_DOORS


def body_of(event: dict[str, Any]) -> bytes:
    text = event["body"]
    return base64.b64decode(text) if event["isBase64Encoded"] else text.encode()


def test_the_least_is_a_get_of_the_root() -> None:
    event = lambda_event()
    assert event["version"] == "2.0"
    assert event["requestContext"]["http"]["method"] == "GET"
    assert event["rawPath"] == "/"
    assert "body" not in event
    assert "cookies" not in event
    assert "content-type" not in event["headers"]


@pytest.mark.parametrize("front_door", FRONT_DOORS)
def test_cookies_are_sent_as_a_browser_sends_them(front_door: str) -> None:
    event = lambda_event(front_door, cookies=["a=1; Path=/; HttpOnly", "b=2"])
    headers = {k.lower(): v for k, v in (event.get("headers") or {}).items()}
    several = {k.lower(): v for k, v in (event.get("multiValueHeaders") or {}).items()}
    found = event.get("cookies") or several.get("cookie") or headers.get("cookie")
    assert found in (["a=1", "b=2"], ["a=1; b=2"], "a=1; b=2")


def test_bodies_bring_their_content_type_and_are_posted() -> None:
    for event, content_type, body in (
        (lambda_event(json={"a": "é"}), "application/json", json.dumps({"a": "é"}).encode()),
        (
            lambda_event(form={"a": "b c", "d": ["1", "2"]}),
            "application/x-www-form-urlencoded",
            b"a=b+c&d=1&d=2",
        ),
        (lambda_event(body="é"), "text/plain; charset=utf-8", "é".encode()),
        (lambda_event(body=b"\xff"), "application/octet-stream", b"\xff"),
    ):
        assert event["requestContext"]["http"]["method"] == "POST"
        assert event["headers"]["content-type"] == content_type
        assert body_of(event) == body


def test_what_is_said_wins() -> None:
    event = lambda_event(
        "rest",
        "/a b/ü",
        method="PUT",
        headers={"Content-Type": "text/csv", "X-Own": "1"},
        query={"q": ["1", "ü"]},
        body="a,b",
    )
    assert event["httpMethod"] == "PUT"
    assert event["path"] == "/a%20b/%C3%BC"
    assert event["headers"]["content-type"] == "text/csv"
    assert event["headers"]["x-own"] == "1"
    assert event["multiValueQueryStringParameters"] == {"q": ["1", "ü"]}


def test_a_query_may_be_raw() -> None:
    assert lambda_event(query="a=%2F&b")["rawQueryString"] == "a=%2F&b"


@pytest.mark.parametrize(
    "wrong", [{"cookies": "a=1"}, {"json": {}, "form": {}}, {"body": "", "json": 0}]
)
def test_what_has_two_meanings_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        lambda_event(**wrong)
