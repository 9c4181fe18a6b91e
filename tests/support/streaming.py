"""Applications that answer in two pieces and wait for a request in between, for WSGI servers."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import flask

from serverless_sessions import SessionClosed, current_session
from serverless_sessions.handlers.flask import Sessions
from serverless_sessions.handlers.wsgi import SessionMiddleware

GO_ON = threading.Event()
PATIENCE = 30.0
FILE = b"a file " * 20_000


def pieces(session: Any) -> Iterator[str]:
    """What the second piece says of the session comes when the first has left."""
    yield "first "
    GO_ON.wait(PATIENCE)
    try:
        session["late"] = 1
    except SessionClosed:
        yield "closed"


def plain(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    session = current_session()
    match environ["PATH_INFO"]:
        case "/stream":
            return _streamed(start_response)
        case "/count":
            body = [str(session.modify("n", lambda n: n + 1, 0)).encode()]
        case "/look":
            body = [str(session.get("n")).encode()]
        case "/file":
            session.set("n", 1)
            start_response("200 OK", [("Content-Type", "text/plain")])
            file: Iterable[bytes] = environ["wsgi.file_wrapper"](io.BytesIO(FILE))
            return file
        case _:
            GO_ON.set()
            body = [b"go"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return body


def _streamed(start_response: Any) -> Iterator[bytes]:
    current_session().set("n", 1)
    start_response("200 OK", [("Content-Type", "text/plain")])
    for piece in pieces(current_session()):
        yield piece.encode()


application = SessionMiddleware(plain)

flask_app = flask.Flask(__name__)
Sessions(flask_app)


@flask_app.get("/stream")
def stream() -> flask.Response:
    flask.session["n"] = 1
    return flask.Response(flask.stream_with_context(pieces(flask.session)))


@flask_app.get("/count")
def count() -> str:
    flask.session["n"] = flask.session.get("n", 0) + 1
    return str(flask.session["n"])


@flask_app.get("/look")
def look() -> str:
    return str(flask.session.get("n"))


@flask_app.get("/file")
def file() -> flask.Response:
    flask.session["n"] = 1
    return flask.send_file(io.BytesIO(FILE), "text/plain")


@flask_app.get("/go")
def go() -> str:
    GO_ON.set()
    return "go"
