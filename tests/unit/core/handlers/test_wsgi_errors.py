"""What a WSGI server is given when the store or the application fails."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from serverless_sessions import StoreUnavailable
from serverless_sessions.handlers.wsgi import KEY
from support.failures import down
from support.wsgi import TEXT, WAYS, App, Server, generated, listed, streamed, written


@pytest.fixture
def server() -> Server:
    return Server()


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
