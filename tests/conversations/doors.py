"""Every front door, with the application behind it; each in the platform's real runtime, but for
the AWS services in front of Lambda, whose events a test makes itself."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import pytest

from serverless_sessions import open_store
from serverless_sessions.store import AnyStore
from serverless_sessions.testing.lambda_events import (
    FRONT_DOORS,
    HttpRequest,
    LambdaContext,
    failure,
    to_event,
    to_response,
)
from servers.azure_functions_host import azure_functions
from servers.functions_framework import functions_framework
from servers.lambda_rie import FunctionFailed
from servers.process import TESTS
from servers.uvicorn_server import uvicorn_server
from servers.waitress import waitress

from .visitor import Answer, Door, Headers, HttpDoor

Open = Callable[[pytest.FixtureRequest, dict[str, str]], AbstractContextManager[Door]]
"""Opens a door, with the variables that name the store in its environment."""


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


_KEPT: list[AnyStore] = []


def _kept(url: str) -> AnyStore:
    """A store for one door: another test may have imported the application with another variable.
    Kept to the end, as an awaited client can be closed in its own event loop only."""
    _KEPT.append(open_store(url))
    return _KEPT[-1]


@contextmanager
def in_this_process(
    front_door: str, handler: str, request: pytest.FixtureRequest, variables: dict[str, str]
) -> Iterator[Door]:
    function = getattr(importlib.import_module("conversations.on_lambda"), handler)
    with function.sessions.use(_kept(variables["SESSION_STORE"])):
        yield LambdaDoor(lambda event: function(event, LambdaContext(timeout=10)), front_door)


@contextmanager
def in_the_runtime(
    front_door: str, handler: str, request: pytest.FixtureRequest, variables: dict[str, str]
) -> Iterator[Door]:
    """Two instances, as two requests may come at once."""
    target = f"conversations.on_lambda.{handler}"
    runtime = request.getfixturevalue("lambda_runtime")
    with runtime.instances(2, target, TESTS, environment=variables) as function:
        yield LambdaDoor(function.invoke, front_door)


@contextmanager
def in_google_s_framework(
    target: str, request: pytest.FixtureRequest, variables: dict[str, str]
) -> Iterator[Door]:
    source = TESTS / "conversations/on_cloud_functions.py"
    with functions_framework(source, target, variables, TESTS) as framework:
        yield HttpDoor(framework.port)


@contextmanager
def in_microsoft_s_runtime(
    function: str, request: pytest.FixtureRequest, variables: dict[str, str]
) -> Iterator[Door]:
    app, servers = TESTS / "conversations/on_azure", request.getfixturevalue("servers")
    running = servers.start(f"azure {function}", azure_functions(app, variables, TESTS))
    yield HttpDoor(running.port, f"/{function}")


@contextmanager
def on_waitress(
    application: str, request: pytest.FixtureRequest, variables: dict[str, str]
) -> Iterator[Door]:
    with waitress(application) as port:
        yield HttpDoor(port)


@contextmanager
def on_uvicorn(
    application: str, request: pytest.FixtureRequest, variables: dict[str, str]
) -> Iterator[Door]:
    module = importlib.import_module("conversations.on_asgi")
    app = getattr(module, application)
    with app.sessions.use(_kept(variables["SESSION_STORE"])), uvicorn_server(app) as port:
        yield HttpDoor(port)


HANDLERS = ("handler", "async_handler")
DOORS: dict[str, Open] = {
    **{
        f"{door}, {handler}": partial(in_this_process, door, handler)
        for door in FRONT_DOORS
        for handler in HANDLERS
    },
    "function-url, handler, in Lambda's runtime": partial(
        in_the_runtime, "function-url", "handler"
    ),
    "rest, async_handler, in Lambda's runtime": partial(in_the_runtime, "rest", "async_handler"),
    **{f"Cloud Functions, {name}": partial(in_google_s_framework, name) for name in HANDLERS},
    **{f"Azure Functions, {name}": partial(in_microsoft_s_runtime, name) for name in HANDLERS},
    "ASGI": partial(on_uvicorn, "app"),
    "ASGI, in a thread": partial(on_uvicorn, "threaded_app"),
    "ASGI, read ahead": partial(on_uvicorn, "mapping_app"),
    "WSGI": partial(on_waitress, "conversations.on_wsgi:whole"),
    "WSGI, streamed": partial(on_waitress, "conversations.on_wsgi:streamed"),
    "Flask": partial(on_waitress, "conversations.on_wsgi:flask_app"),
    "Django": partial(on_waitress, "conversations.on_django:application"),
}
ROUND_FRAMEWORKS: dict[str, Open] = {
    "Flask": partial(on_waitress, "conversations.on_wsgi:wrapped_flask"),
    "Django": partial(on_waitress, "conversations.on_django:wrapped"),
}
"""The middleware of WSGI round frameworks, which answer an error of the store by themselves."""
