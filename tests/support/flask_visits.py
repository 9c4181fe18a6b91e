"""A Flask application with its visitor, for one test each."""

from __future__ import annotations

from typing import Any

import flask
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from serverless_sessions import MemoryStore, SessionConfig
from serverless_sessions.handlers.flask import Sessions
from serverless_sessions.testing.watched import WatchedStore

NAME = "__Host-session"


class Site:
    """A Flask application with our sessions, and the browser that visits it."""

    def __init__(self, **settings: Any) -> None:
        self.store = WatchedStore(MemoryStore())
        self.app = Flask(__name__)
        Sessions(self.app, store=self.store, config=SessionConfig(**settings))
        self.browser: FlaskClient = self.app.test_client()
        self._routes(self.app)

    def get(self, path: str) -> TestResponse:
        return self.browser.get(path)

    @property
    def id(self) -> str | None:
        cookie = self.browser.get_cookie(NAME)
        return cookie.value if cookie is not None else None

    def stored(self) -> dict[str, str]:
        records = [record for _, record in self.store.inner.scan()]
        return {n: e.text for record in records for n, e in record.entries.items()}

    def _routes(self, app: Flask) -> None:
        @app.get("/set/<name>")
        def set_(name: str) -> str:
            flask.session[name] = 1
            return "set"

        @app.get("/look/<name>")
        def look(name: str) -> str:
            return str(flask.session.get(name))

        @app.get("/plain")
        def plain() -> str:
            return "plain"

        @app.get("/fails/<int:status>")
        def fails(status: int) -> tuple[str, int]:
            flask.session["failed"] = 1
            return "failed", status
