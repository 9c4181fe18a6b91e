"""The session round a WSGI application, whichever of PEP 3333's ways it answers by.

``wsgiref.validate`` stands on both sides, so that neither breaks the protocol."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import pytest

from serverless_sessions import (
    MemoryStore,
    Session,
    SessionClosed,
    SessionConfig,
    StoreUnavailable,
    current_session,
    header,
)
from serverless_sessions.handlers.wsgi import KEY, SessionMiddleware
from serverless_sessions.testing.watched import WatchedStore
from support.failures import down

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


@pytest.fixture
def server() -> Server:
    return Server()


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


@pytest.mark.parametrize("app", WAYS)
@pytest.mark.parametrize("method", ["POST", "HEAD"])
def test_the_session_is_saved_before_the_answer_begins(
    server: Server, app: App, method: str
) -> None:
    server.validates = app is not written and method != "HEAD"
    body = server.serve(app, method)
    assert server.log == ["start 200 OK after 1 calls"]
    assert body == (b"" if app is without_body else b"ab")
    assert server.stored() == {"n": "[1]"}
    (cookie,) = server.values("set-cookie")
    assert cookie == f"{server.cookie}; Path=/; Secure; HttpOnly; SameSite=Lax"
    assert server.values("cache-control") == ["no-store"]


@pytest.mark.parametrize("app", WAYS)
@pytest.mark.parametrize("method", ["POST", "HEAD"])
def test_a_store_that_fails_is_answered_with_503_and_the_body_is_closed(
    server: Server, app: App, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    closed = []

    def watched(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        class Body:
            def __init__(self) -> None:
                self.pieces = app(environ, start_response)

            def __iter__(self) -> Iterator[bytes]:
                return iter(self.pieces)

            def close(self) -> None:
                closed.append(True)

        return Body()

    server.validates = app is not written and method != "HEAD"
    server.store.before = down
    body = server.serve(watched, method)
    assert server.log == ["start 503 Service Unavailable after 2 calls"]
    assert body == (b"" if method == "HEAD" else b"Service Unavailable")
    assert server.values("retry-after") == ["1"]
    assert server.values("cache-control") == ["no-store"]
    assert server.values("content-length") == ["19"]
    assert server.values("set-cookie") == []
    assert closed == ([] if app is written else [True])
    assert len(caplog.records) == 1


def test_an_application_that_swallows_the_error_of_its_write_is_not_believed(
    server: Server,
) -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ[KEY].set("n", 1)
        write = start_response("200 OK", TEXT)
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                write(b"a")
        return [b"all is well"]

    server.store.before = down
    assert server.serve(app) == b"Service Unavailable"
    assert server.log == ["start 503 Service Unavailable after 2 calls"]


def test_on_store_error_raise_hands_the_error_itself_to_the_server() -> None:
    server = Server(on_store_error="raise")
    server.store.before = down
    for app in (listed, generated, written):
        with pytest.raises(StoreUnavailable):
            server.serve(app)
    assert server.log == []


@pytest.mark.parametrize("app", [listed, streamed, generated])
def test_a_5xx_saves_nothing_but_log_outs(server: Server, app: App) -> None:
    def failing(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ[KEY].destroy()
        return app(environ, lambda _, headers: start_response("500 Broken", headers))

    server.serve(listed)
    server.serve(failing)
    assert server.status == "500 Broken"
    assert server.stored() == {}
    assert "Max-Age=0" in server.values("set-cookie")[0]


@pytest.mark.parametrize("late", [False, True])
def test_what_the_application_raises_is_raised_and_nothing_is_saved_but_log_outs(
    server: Server, late: bool
) -> None:
    closed = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            raise LookupError("the application's own")

        def close(self) -> None:
            closed.append(True)

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ[KEY].destroy()
        environ[KEY].set("n", 2)
        start_response("200 OK", TEXT)
        if late:
            return Body()
        raise LookupError("the application's own")

    server.serve(listed)
    with pytest.raises(LookupError, match="own"):
        server.serve(app)
    assert server.stored() == {}
    assert closed == [True] * late


def test_an_error_after_the_start_reaches_the_server_as_the_application_meant_it(
    server: Server,
) -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", TEXT)
        yield b"a"
        try:
            raise LookupError("late")
        except LookupError:
            start_response("500 Broken", TEXT, sys.exc_info())

    server.validates = False
    with pytest.raises(LookupError, match="late"):
        server.serve(app)
    assert server.status == "200 OK"


def test_an_error_of_a_store_after_the_start_is_raised(server: Server) -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", TEXT)(b"a")
        raise StoreUnavailable("another store of the application")

    server.validates = False
    with pytest.raises(StoreUnavailable, match="another"):
        server.serve(app)
    assert server.log == ["start 200 OK after 0 calls"]


@pytest.mark.parametrize("app", [streamed, generated, written])
def test_the_session_is_closed_once_the_answer_has_begun(server: Server, app: App) -> None:
    def late(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        for piece in app(environ, start_response):
            yield piece
            if piece:
                with pytest.raises(SessionClosed):
                    current_session().get("n")

    server.validates = False
    assert server.serve(late) == b"ab"


def test_the_body_is_closed_with_the_session_at_hand(server: Server) -> None:
    seen = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"a"])

        def close(self) -> None:
            seen.append(current_session())

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", TEXT)
        seen.append(environ[KEY])
        return Body()

    server.serve(app)
    assert seen[0] is seen[1]


def test_a_complete_body_and_a_file_to_send_are_given_to_the_server_as_they_are(
    server: Server,
) -> None:
    bodies: list[Iterable[bytes]] = [[b"a"], (b"a",), FileWrapper(io.BytesIO(b"a"))]
    for body in bodies:

        def app(environ: dict[str, Any], start_response: Any, body: Any = body) -> Any:
            start_response("200 OK", TEXT)
            return body

        environ: dict[str, Any] = {"wsgi.file_wrapper": FileWrapper}
        site: Any = SessionMiddleware(app, store=server.store)
        assert site(environ, server.start_response) is body


def test_an_untouched_session_costs_nothing_and_changes_no_header(server: Server) -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("304 Not Modified", [("ETag", "x")])
        return []

    server.serve(listed)
    server.store.calls.clear()
    server.serve(app, "GET")
    assert (server.status, server.headers) == ("304 Not Modified", [("ETag", "x")])
    assert server.store.calls == []


@pytest.mark.parametrize(
    "app",
    [
        pytest.param(lambda environ, start_response: [b"a"], id="never starts"),
        pytest.param(lambda environ, start_response: iter([b"a"]), id="starts too late"),
        pytest.param(
            lambda environ, start: [start("200 OK", TEXT), start("200 OK", TEXT)], id="twice"
        ),
    ],
)
def test_an_application_that_breaks_the_protocol_is_told(server: Server, app: App) -> None:
    server.validates = False
    with pytest.raises(AssertionError, match="start_response"):
        server.serve(app)
    assert server.log == []


def test_two_cookie_lines_that_a_server_joined_with_a_comma_bring_no_session(
    server: Server,
) -> None:
    """What stands after a comma is part of another cookie's value, which another host may set."""

    def look(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", TEXT)
        return [str(environ[KEY].get("n")).encode()]

    server.serve(listed)
    good = server.cookie
    seen = {}
    for line in (f"a=1; {good}; b=2", f"a=1,{good}", f"{good},b=2", f'{NAME}="{good[-43:]}"'):
        server.cookie = line
        seen[line] = server.serve(look)
        assert server.values("vary") == ["Cookie"]
    assert list(seen.values()) == [b"1", b"None", b"None", b"None"]


def test_ids_travel_in_a_header_where_that_is_configured(server: Server) -> None:
    def count(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", TEXT)
        return [str(environ[KEY].modify("n", lambda n: n + 1, 0)).encode()]

    server.options["id_from"] = header("X-Session-Id")
    assert server.serve(count) == b"1"
    (issued,) = server.values("x-session-id")
    assert server.serve(count, HTTP_X_SESSION_ID=issued) == b"2"
    assert server.serve(count, HTTP_COOKIE=f"{NAME}={issued}") == b"1"


def test_a_trusted_id_is_found_in_the_environ(server: Server) -> None:
    server.config = SessionConfig(trusted_id_key="k" * 32)
    server.options["trusted_id"] = ("user", lambda environ: environ.get("REMOTE_USER"))
    server.serve(listed, REMOTE_USER="ann")
    assert server.values("set-cookie") == []
    assert server.stored() == {"n": "[1]"}


def test_many_threads_at_once_share_no_session(server: Server) -> None:
    """All requests stand in the application at the same moment, and again between two pieces."""
    count = 8
    together = threading.Barrier(count, timeout=30)
    seen: dict[int, Session] = {}

    def app(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        number = int(environ["QUERY_STRING"])
        session = current_session()
        session.set("n", number)
        together.wait()
        seen[number] = session
        start_response("200 OK", [("X-Number", str(number))])
        yield b"a"
        together.wait()
        assert current_session() is session
        yield b"b"

    site = SessionMiddleware(app, store=server.store)
    answers: dict[int, tuple[str, bytes]] = {}

    def serve(number: int) -> None:
        environ: dict[str, Any] = {"QUERY_STRING": str(number)}
        setup_testing_defaults(environ)
        visitor = Server()
        body = site(environ, visitor.start_response)
        answers[number] = visitor.values("x-number")[0], b"".join(body)

    threads = [threading.Thread(target=serve, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == {number: (str(number), b"ab") for number in range(count)}
    assert len(set(map(id, seen.values()))) == count
    texts = [record.entries["n"].text for _, record in server.store.inner.scan()]
    assert sorted(texts) == [f"[{number}]" for number in range(count)]
