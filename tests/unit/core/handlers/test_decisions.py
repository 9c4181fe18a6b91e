"""Decisions of the design that show at the front door only."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from serverless_sessions import MemoryStore, Session, errors
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.testing.lambda_events import (
    FRONT_DOORS,
    HttpRequest,
    HttpResponse,
    LambdaContext,
    to_event,
    to_response,
)
from serverless_sessions.testing.watched import WatchedStore

Result = dict[str, Any]


class Visitor:
    """A browser and a store; ``send`` gives it an answer of a handler that is made for it."""

    def __init__(self, door: str) -> None:
        self.door = door
        self.store = WatchedStore(MemoryStore())
        self.cookie = ""

    def send(self, act: Any, method: str = "POST", cookie: str | None = None) -> HttpResponse:
        @with_session(store=self.store)
        def handler(event: Any, context: Any, session: Session) -> Result:
            result: Result = act(session)
            return result

        sent = self.cookie if cookie is None else cookie
        headers = [("Cookie", sent)] if sent else []
        event = to_event(self.door, HttpRequest(method, headers=headers))
        response = to_response(self.door, handler(event, LambdaContext()))
        for line in response.values("set-cookie"):
            self.cookie = line.partition(";")[0]
        return response


@pytest.fixture(params=FRONT_DOORS)
def visitor(request: pytest.FixtureRequest) -> Visitor:
    return Visitor(request.param)


def visit(session: Session) -> Result:
    session.set("visits", 1)
    return {"statusCode": 200, "body": "ok"}


def test_decision_5_a_cookie_that_opens_nothing_is_left_alone(visitor: Visitor) -> None:
    def look(session: Session) -> Result:
        return {"statusCode": 200, "body": str(session.get("visits"))}

    for stale in (f"__Host-session={'x' * 43}", "__Host-session=../../etc"):
        response = visitor.send(look, cookie=stale)
        assert (response.body, response.values("set-cookie")) == (b"None", [])


def test_decision_6_the_answer_passes_though_its_session_was_ended_meanwhile(
    visitor: Visitor,
) -> None:
    def overtaken(session: Session) -> Result:
        assert session.get("visits") == 1
        for key, _ in list(visitor.store.inner.scan()):
            visitor.store.inner.delete(key)
        session.set("visits", 2)
        return {"statusCode": 200, "body": "the handler's"}

    visitor.send(visit)
    response = visitor.send(overtaken)
    assert (response.status, response.body) == (200, b"the handler's")
    assert response.values("set-cookie") == []
    assert list(visitor.store.inner.scan()) == []


def test_decision_6_a_blind_set_on_a_stale_cookie_starts_a_session(visitor: Visitor) -> None:
    response = visitor.send(visit, cookie=f"__Host-session={'x' * 43}")
    (line,) = response.values("set-cookie")
    assert "x" * 43 not in line
    assert len(list(visitor.store.inner.scan())) == 1


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304), ("POST", 303), ("GET", 404)]
)
def test_decision_9_no_method_or_status_below_500_is_a_special_case(
    visitor: Visitor, method: str, status: int
) -> None:
    def act(session: Session) -> Result:
        session.set("visits", 1)
        return {"statusCode": status, "headers": {"Location": "/"}}

    response = visitor.send(act, method)
    assert response.status == status
    assert len(response.values("set-cookie")) == 1
    ((_, record),) = visitor.store.inner.scan()
    assert set(record.entries) == {"visits"}


def test_decision_12_every_error_of_ours_is_a_session_error() -> None:
    ours = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if kind.__module__ == errors.__name__
    ]
    assert len(ours) > 10
    assert all(issubclass(kind, errors.SessionError) for kind in ours)
