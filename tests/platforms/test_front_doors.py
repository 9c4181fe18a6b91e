"""The same twelve conversations through every front door: the visitor sees the same."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from conversations.talks import TALKS
from conversations.visitor import Answer, Door, Headers, HttpDoor, Visitor
from serverless_sessions.testing.lambda_events import (
    FRONT_DOORS,
    HttpRequest,
    LambdaContext,
    failure,
    to_event,
    to_response,
)
from servers.fault_proxy import FaultProxy, fault_proxy
from servers.lambda_rie import FunctionFailed, LambdaRuntime
from servers.lockstep import speak_redis
from servers.process import TESTS
from servers.redis_server import RedisServer
from servers.waitress import waitress


class LambdaDoor:
    """A handler behind one of the AWS front doors, called with an event."""

    def __init__(self, call: Callable[[Any], Any], front_door: str) -> None:
        self._call = call
        self._front_door = front_door

    def send(self, method: str, path: str, headers: Headers) -> Answer:
        event = to_event(self._front_door, HttpRequest(method, path, headers=headers))
        try:
            result = self._call(event)
        except (RuntimeError, FunctionFailed):
            response = failure(self._front_door)
        else:
            response = to_response(self._front_door, result)
        return Answer(response.status, response.headers, response.body.decode())


@pytest.fixture(scope="module")
def proxy(redis_server: RedisServer) -> Iterator[FaultProxy]:
    with fault_proxy(redis_server.port, speak_redis) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def store(proxy: FaultProxy) -> Iterator[str]:
    """The url of the store in the environment, as a function finds it."""
    with pytest.MonkeyPatch.context() as environment:
        url = f"redis://127.0.0.1:{proxy.port}"
        environment.setenv("SESSION_STORE", url)
        yield url


@contextmanager
def lambda_door(name: str) -> Iterator[Door]:
    front_door, _, handler = name.partition(" ")
    function = getattr(importlib.import_module("conversations.on_lambda"), handler)
    yield LambdaDoor(lambda event: function(event, LambdaContext(timeout=10)), front_door)


@contextmanager
def runtime_door(name: str, runtime: LambdaRuntime, store: str) -> Iterator[Door]:
    """The same handlers in Lambda's runtime: two instances, as two requests may come at once."""
    front_door, handler, _ = name.split(" ")
    environment = {"SESSION_STORE": store}
    with runtime.instances(
        2, f"conversations.on_lambda.{handler}", TESTS, environment=environment
    ) as function:
        yield LambdaDoor(function.invoke, front_door)


WSGI = {
    "wsgi, whole": "conversations.on_wsgi:whole",
    "wsgi, streamed": "conversations.on_wsgi:streamed",
    "flask": "conversations.on_wsgi:flask_app",
    "django": "conversations.on_django:application",
}


@contextmanager
def wsgi_door(name: str) -> Iterator[Door]:
    with waitress(WSGI[name]) as port:
        yield HttpDoor(port)


DOORS = {
    **{f"{door} handler": lambda_door for door in FRONT_DOORS},
    **{f"{door} async_handler": lambda_door for door in FRONT_DOORS},
    **dict.fromkeys(WSGI, wsgi_door),
}
RUNTIME_DOORS = ["function-url handler runtime", "rest async_handler runtime"]


@pytest.fixture(scope="module", params=[*DOORS, *RUNTIME_DOORS])
def door(request: pytest.FixtureRequest, store: str) -> Iterator[Door]:
    if request.param in RUNTIME_DOORS:
        runtime = request.getfixturevalue("lambda_runtime")
        with runtime_door(request.param, runtime, store) as door:
            yield door
        return
    with DOORS[request.param](request.param) as door:
        yield door


@pytest.mark.parametrize("name", TALKS)
def test_a_visitor_sees_the_same_through_every_front_door(
    door: Door, proxy: FaultProxy, name: str
) -> None:
    visitor = Visitor(door)
    TALKS[name].hold(visitor, proxy.refusing)
    assert visitor.seen == TALKS[name].seen
