"""A browser in front of a Lambda handler, and the counting page that it visits there."""

from __future__ import annotations

from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from serverless_sessions import Session
from serverless_sessions.testing.lambda_events import (
    HttpRequest,
    HttpResponse,
    LambdaContext,
    to_event,
    to_response,
)

SESSION = "__Host-session"
OWN = "theme"


class Visitor:
    """Sends events as ``door`` makes them, and keeps the cookies that come back."""

    def __init__(self, handler: Callable[[Any, Any], Any], door: str) -> None:
        self._handler = handler
        self._door = door
        self.cookies: dict[str, str] = {}
        self.context = LambdaContext()

    def get(self, path: str = "/", *, in_one_line: bool = True) -> HttpResponse:
        """Visit ``path`` with all cookies in one Cookie line, or a line for each."""
        pairs = [f"{name}={value}" for name, value in self.cookies.items()]
        lines = ["; ".join(pairs)] if in_one_line else pairs
        headers = [("Cookie", line) for line in lines if line]
        return self._send(HttpRequest("GET", path, headers=headers))

    def post(self, path: str, **form: str) -> HttpResponse:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = [("Cookie", cookie)] if cookie else []
        headers.append(("Content-Type", "application/x-www-form-urlencoded"))
        return self._send(HttpRequest("POST", path, headers=headers, body=urlencode(form).encode()))

    def _send(self, request: HttpRequest) -> HttpResponse:
        event = to_event(self._door, request)
        self.context = LambdaContext()
        response = to_response(self._door, self._handler(event, self.context))
        for line in response.values("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        return response


def own_cookies(door: str) -> list[str]:
    """What a page sets beside the session's cookie, where the door can send two."""
    return [] if door == "alb" else [f"{OWN}=dark; Path=/"]


def counted(visits: int, door: str) -> dict[str, Any]:
    """The page: how often it was visited, in a result with a cookie of its own."""
    return {"statusCode": 200, "body": str(visits), "cookies": own_cookies(door)}


def counting(door: str) -> Callable[..., dict[str, Any]]:
    """A handler that counts the visits in its session."""

    def handler(event: Any, context: Any, session: Session) -> dict[str, Any]:
        session["visits"] = session.get("visits", 0) + 1
        return counted(session["visits"], door)

    return handler


def assert_remembered(handler: Callable[[Any, Any], Any], door: str) -> Visitor:
    """The handler counts three visits in one session, its own cookie beside the session's."""
    visitor = Visitor(handler, door)
    own = [OWN] if own_cookies(door) else []
    for visits, sent in ((b"1", [*own, SESSION]), (b"2", own)):
        response = visitor.get("/visits")
        assert (response.status, response.body) == (200, visits)
        assert [line.partition("=")[0] for line in response.values("set-cookie")] == sent
    assert visitor.get("/visits", in_one_line=False).body == b"3"
    assert sorted(visitor.cookies) == sorted([*own, SESSION])
    return visitor
