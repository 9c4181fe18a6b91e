"""Correct uses of the doors for WSGI and Flask, and the exact types that they have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_type
from wsgiref.types import StartResponse, WSGIEnvironment

import flask

from serverless_sessions import MemoryStore, SessionConfig, SessionManager, header
from serverless_sessions.handlers.flask import FlaskSession, Sessions, session
from serverless_sessions.handlers.wsgi import SessionMiddleware


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [])
    return []


application = SessionMiddleware(app, store=MemoryStore(), id_from=header("X-Session-Id"))
application = SessionMiddleware(application, config=SessionConfig())
assert_type(application.sessions, SessionManager)

site = flask.Flask(__name__)
site.wsgi_app = SessionMiddleware(site.wsgi_app)  # type: ignore[method-assign]
Sessions(site, store="memory://").sessions.open_now()
assert_type(session, FlaskSession)
assert_type(session.user, str | None)
assert_type(session.permanent, bool)
