"""A WSGI server in small, and an application for each of the ways to answer of PEP 3333.

``wsgiref.validate`` stands on both sides, so that neither breaks the protocol."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

from serverless_sessions import MemoryStore, SessionConfig, current_session
from serverless_sessions.handlers.wsgi import KEY, SessionMiddleware
from serverless_sessions.testing.watched import WatchedStore

NAME = "__Host-session"
TEXT = [("Content-Type", "text/plain")]
App = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Server:
    """Serves requests with the application as a WSGI server does, and notes what happens."""

    def __init__(self, **settings: Any) -> None:
        self.store = WatchedStore(MemoryStore())
        self.config = SessionConfig(**settings)
        self.cookie = ""
        self.options: dict[str, Any] = {}
        self.log: list[str] = []
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self.written: list[bytes] = []
        self.validates = True

    def serve(self, app: App, method: str = "POST", **environ: str) -> bytes:
        site: Any = SessionMiddleware(app, store=self.store, config=self.config, **self.options)
        site = validator(site) if self.validates else site
        environment: dict[str, Any] = {"REQUEST_METHOD": method, "QUERY_STRING": "", **environ}
        if self.cookie:
            environment["HTTP_COOKIE"] = self.cookie
        setup_testing_defaults(environment)
        environment["wsgi.file_wrapper"] = FileWrapper
        environment["wsgi.input"] = io.BytesIO()
        body = site(environment, self.start_response)
        try:
            pieces = list(body)
        finally:
            if hasattr(body, "close"):
                body.close()
        for line in self.values("set-cookie"):
            self.cookie = "" if "Max-Age=0" in line else line.partition(";")[0]
        return b"".join([*self.written, *pieces])

    def start_response(self, status: str, headers: Any, exc_info: Any = None) -> Any:
        if exc_info and self.status:
            raise exc_info[1].with_traceback(exc_info[2])
        self.log.append(f"start {status} after {len(self.store.calls)} calls")
        self.status, self.headers, self.written = status, list(headers), []
        return self.written.append

    def values(self, name: str) -> list[str]:
        return [value for given, value in self.headers if given.lower() == name]

    def stored(self) -> dict[str, str]:
        records = [record for _, record in self.store.inner.scan()]
        return {n: e.text for record in records for n, e in record.entries.items()}


def listed(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    environ[KEY].set("n", 1)
    start_response("200 OK", TEXT)
    return [b"a", b"b"]


def generated(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
    """start_response called late, and the session used late."""
    start_response("200 OK", TEXT)
    yield b""
    current_session().set("n", 1)
    yield b"a"
    yield b"b"


def written(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    environ[KEY].set("n", 1)
    write = start_response("200 OK", TEXT)
    write(b"")
    write(b"a")
    return [b"b"]


def streamed(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    def body() -> Iterator[bytes]:
        current_session().set("n", 1)
        yield b"a"
        assert current_session() is environ[KEY]
        yield b"b"

    start_response("200 OK", TEXT)
    return body()


def replaced(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """An error page in place of what was begun, before anything was sent."""
    environ[KEY].set("n", 1)
    start_response("500 Internal Server Error", TEXT)
    try:
        raise LookupError
    except LookupError:
        start_response("200 OK", TEXT, sys.exc_info())
    return [b"ab"]


def without_body(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
    start_response("200 OK", TEXT)
    current_session().set("n", 1)
    yield from ()


WAYS: list[App] = [listed, generated, written, streamed, replaced, without_body]
