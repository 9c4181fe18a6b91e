"""The application for WSGI servers: without a framework, with Flask, and with Django."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import flask

from serverless_sessions import current_session
from serverless_sessions.handlers.flask import Sessions, session
from serverless_sessions.handlers.wsgi import SessionMiddleware

from .app import reply

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


def listed(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    answer = reply(environ["PATH_INFO"], current_session())
    status = f"{answer.status} {HTTPStatus(answer.status).phrase}"
    start_response(status, list(answer.headers.items()))
    return [answer.body.encode()]


def generated(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
    """Everything happens while the body is asked for, and each letter leaves by itself."""
    for whole in listed(environ, start_response):
        for position in range(len(whole)):
            yield whole[position : position + 1]


whole = SessionMiddleware(listed)
streamed = SessionMiddleware(generated)

bare_flask = flask.Flask("bare", static_folder=None)
wrapped_flask = SessionMiddleware(bare_flask)

flask_app = flask.Flask(__name__, static_folder=None)
Sessions(flask_app)


@bare_flask.route("/<path:path>", methods=["GET", "POST"])
def bare_page(path: str) -> ResponseReturnValue:
    answer = reply(path, current_session())
    return answer.body, answer.status, answer.headers


@flask_app.route("/<path:path>", methods=["GET", "POST"])
def page(path: str) -> ResponseReturnValue:
    answer = reply(path, session)
    return answer.body, answer.status, answer.headers
