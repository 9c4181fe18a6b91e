"""The same twelve conversations through every front door: the visitor sees the same."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
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
from servers.azure_functions_host import azure_functions
from servers.fault_proxy import FaultProxy, fault_proxy
from servers.fixtures import Servers
from servers.functions_framework import functions_framework
from servers.lockstep import speak_redis
from servers.process import TESTS
from servers.redis_server import RedisServer

HANDLERS = ("handler", "async_handler")


class LambdaDoor:
    """A handler in this process, behind one of the AWS front doors."""

    def __init__(self, handler: Any, front_door: str) -> None:
        self._handler = handler
        self._front_door = front_door

    def send(self, method: str, path: str, headers: Headers) -> Answer:
        event = to_event(self._front_door, HttpRequest(method, path, headers=headers))
        try:
            result = self._handler(event, LambdaContext(timeout=10))
        except RuntimeError:
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
def lambda_door(name: str, servers: Servers) -> Iterator[Door]:
    front_door, _, handler = name.partition(" ")
    module = importlib.import_module("conversations.on_lambda")
    yield LambdaDoor(getattr(module, handler), front_door)


@contextmanager
def cloud_functions_door(name: str, servers: Servers) -> Iterator[Door]:
    source = TESTS / "conversations/on_cloud_functions.py"
    variables = {"SESSION_STORE": os.environ["SESSION_STORE"]}
    with functions_framework(source, name.split()[-1], variables, TESTS) as framework:
        yield HttpDoor(framework.port)


@contextmanager
def azure_functions_door(name: str, servers: Servers) -> Iterator[Door]:
    app = TESTS / "conversations/on_azure"
    variables = {"SESSION_STORE": os.environ["SESSION_STORE"]}
    running = servers.start(name, azure_functions(app, variables, TESTS))
    yield HttpDoor(running.port, f"/{name.split()[-1]}")


DOORS = {
    **{f"{door} handler": lambda_door for door in FRONT_DOORS},
    **{f"{door} async_handler": lambda_door for door in FRONT_DOORS},
    **{f"cloud functions {handler}": cloud_functions_door for handler in HANDLERS},
    **{f"azure functions {handler}": azure_functions_door for handler in HANDLERS},
}


@pytest.fixture(scope="module", params=DOORS)
def door(request: pytest.FixtureRequest, servers: Servers, store: str) -> Iterator[Door]:
    with DOORS[request.param](request.param, servers) as door:
        yield door


@pytest.mark.parametrize("name", TALKS)
def test_a_visitor_sees_the_same_through_every_front_door(
    door: Door, proxy: FaultProxy, name: str
) -> None:
    visitor = Visitor(door)
    TALKS[name].hold(visitor, proxy.refusing)
    assert visitor.seen == TALKS[name].seen
