"""The shop as a WSGI application without a framework, for any WSGI server."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from serverless_sessions import current_session
from serverless_sessions.handlers.wsgi import SessionMiddleware

from . import shop
from .web import Request

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

MOST_BYTES = 10_000


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    answer = shop.answer(_request(environ), current_session())
    status = f"{answer.status} {HTTPStatus(answer.status).phrase}"
    start_response(status, list(answer.headers.items()))
    return [answer.body.encode()]


application = SessionMiddleware(app)


def _request(environ: WSGIEnvironment) -> Request:
    headers = {
        name.removeprefix("HTTP_").replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith("HTTP_") or name == "CONTENT_TYPE"
    }
    length = min(int(environ.get("CONTENT_LENGTH") or 0), MOST_BYTES)
    return Request(
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"] or "/",
        headers=headers,
        body=environ["wsgi.input"].read(length),
    )
