"""The application of the conversations behind every front door, called in this process: what a
server or platform hands over is made by the test, so that it can be anything."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import azure.functions as func
import flask
from starlette.requests import Request as StarletteRequest

from conversations.app import Reply, reply, reply_async
from conversations.on_asgi import _awaited, _in_a_thread
from conversations.on_lambda import _result
from conversations.on_wsgi import generated, listed
from serverless_sessions import AsyncSession, Session, current_session
from serverless_sessions.handlers import asgi, aws_lambda, azure_functions, cloud_functions, wsgi
from serverless_sessions.handlers.flask import Sessions, session
from serverless_sessions.testing.lambda_events import (
    FRONT_DOORS,
    HttpRequest,
    LambdaContext,
    to_event,
    to_response,
)

from . import django_site

Headers = list[tuple[str, str]]


class Sent(NamedTuple):
    """What the client would be sent."""

    status: int
    headers: Headers
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for given, value in self.headers if given.lower() == name.lower()]


Visit = Callable[[str, Headers], Sent]
Open = Callable[..., Visit]
"""Opens a door, with the options of ``SessionManager``."""


def _lambda(front_door: str, awaited: bool, **options: Any) -> Visit:
    call = lambda_function(awaited, **options)

    def visit(path: str, headers: Headers) -> Sent:
        event = to_event(front_door, HttpRequest("POST", path, headers=headers))
        return Sent(*_fields(to_response(front_door, call(path, event))))

    return visit


def lambda_function(awaited: bool, **options: Any) -> Callable[[str, Any], Any]:
    """Takes the path besides the event, in which there may be none."""
    asked = [""]

    @aws_lambda.with_session(**options)
    def handler(event: Any, context: object, session: Session) -> Any:
        return _result(_mapping(event), reply(asked[0], session))

    @aws_lambda.with_session(**options)
    async def async_handler(event: Any, context: object, session: AsyncSession) -> Any:
        return _result(_mapping(event), await reply_async(asked[0], session))

    def call(path: str, event: Any) -> Any:
        asked[0] = path
        return (async_handler if awaited else handler)(event, LambdaContext(timeout=10))

    return call


def _mapping(event: Any) -> dict[str, Any]:
    return event if isinstance(event, dict) else {}


def _fields(response: Any) -> tuple[int, Headers, bytes]:
    return response.status, response.headers, response.body


def _google(mode: str, **options: Any) -> Visit:
    @cloud_functions.with_session(**options)
    def handler(request: flask.Request, session: Session) -> flask.Response:
        return flask.Response(*_three(reply(request.path, session)))

    @cloud_functions.with_session(**options)
    async def async_handler(request: StarletteRequest, session: AsyncSession) -> Any:
        from starlette.responses import Response

        return Response(*_three(await reply_async(request.scope["path"], session)))

    if mode == "flask":
        app = flask.Flask(__name__, static_folder=None)
        app.route("/<path:_>", methods=["POST"])(lambda _: handler(flask.request))
        return partial(_on_wsgi, app.wsgi_app)

    async def served(scope: Any, receive: Any, send: Any) -> None:
        response = await async_handler(StarletteRequest(scope, receive))
        await response(scope, receive, send)

    return partial(_on_asgi, served)


def _three(answer: Reply) -> tuple[Any, Any, Any]:
    return answer.body, answer.status, answer.headers


def _azure(awaited: bool, **options: Any) -> Visit:
    @azure_functions.with_session(**options)
    def handler(req: func.HttpRequest, session: Session) -> func.HttpResponse:
        return _response(reply(req.route_params["path"], session))

    @azure_functions.with_session(**options)
    async def async_handler(req: func.HttpRequest, session: AsyncSession) -> func.HttpResponse:
        return _response(await reply_async(req.route_params["path"], session))

    def _response(answer: Reply) -> func.HttpResponse:
        return func.HttpResponse(answer.body, status_code=answer.status, headers=answer.headers)

    def visit(path: str, headers: Headers) -> Sent:
        joined: dict[str, str] = {}
        for name, value in headers:  # as the host hands them over
            joined[name] = f"{joined[name]}; {value}" if name in joined else value
        request = func.HttpRequest(
            "POST", "http://localhost/", headers=joined, route_params={"path": path}, body=b""
        )
        result = asyncio.run(async_handler(request)) if awaited else handler(request)
        return Sent(result.status_code, list(result.headers.items()), result.get_body())

    return visit


def _asgi(app: Any, **options: Any) -> Visit:
    return partial(_on_asgi, asgi.SessionMiddleware(app, **options))


def _on_asgi(app: Any, path: str, headers: Headers) -> Sent:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "2",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in headers],
    }
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    start = sent[0]
    given = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in start["headers"]]
    return Sent(start["status"], given, b"".join(message["body"] for message in sent[1:]))


def _wsgi(app: Any, **options: Any) -> Visit:
    return partial(_on_wsgi, wsgi.SessionMiddleware(app, **options))


def _on_wsgi(app: Any, path: str, headers: Headers) -> Sent:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": "0",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers:  # as servers do it
        key = f"HTTP_{name.upper().replace('-', '_')}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    started: list[Any] = []

    def start_response(status: str, given: Headers, exc_info: Any = None) -> Any:
        started[:] = [int(status[:3]), given]
        return lambda data: None

    body = app(environ, start_response)
    try:
        whole = b"".join(body)
    finally:
        getattr(body, "close", lambda: None)()
    return Sent(started[0], started[1], whole)


def _flask(**options: Any) -> Visit:
    app = flask.Flask(__name__, static_folder=None)
    Sessions(app, **options)

    @app.route("/<path:path>", methods=["POST"])
    def page(path: str) -> Any:
        return _three(reply(path, session))

    return partial(_on_wsgi, app.wsgi_app)


def _django(**options: Any) -> Visit:
    django_site.configure()
    from django.core.handlers.wsgi import WSGIHandler
    from django.http import HttpResponse
    from django.test import override_settings
    from django.urls import re_path

    def page(request: Any) -> HttpResponse:
        answer = reply(request.path, current_session())
        return HttpResponse(answer.body, status=answer.status, headers=answer.headers)

    class Pages:
        urlpatterns = (re_path("", page),)

    def visit(path: str, headers: Headers) -> Sent:
        changed = {"ROOT_URLCONF": Pages, "MIDDLEWARE": [django_site.OURS]}
        with override_settings(SESSION_STORE=options["store"], **changed):
            return _on_wsgi(WSGIHandler(), path, headers)

    return visit


COOKIES_ONLY = ("Django",)
"""Doors where ids cannot travel in a header of choice."""

DOORS: dict[str, Open] = {
    **{f"{door}, def": partial(_lambda, door, False) for door in FRONT_DOORS},
    **{f"{door}, async def": partial(_lambda, door, True) for door in FRONT_DOORS},
    "Cloud Functions, Flask": partial(_google, "flask"),
    "Cloud Functions, Starlette": partial(_google, "asgi"),
    "Azure Functions, def": partial(_azure, False),
    "Azure Functions, async def": partial(_azure, True),
    "ASGI": partial(_asgi, _awaited),
    "ASGI, in a thread": partial(_asgi, _in_a_thread),
    "ASGI, read ahead": partial(_asgi, _in_a_thread, mapping=True),
    "WSGI": partial(_wsgi, listed),
    "WSGI, streamed": partial(_wsgi, generated),
    "Flask": _flask,
    "Django": _django,
}
