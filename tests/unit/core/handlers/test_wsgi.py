"""The session round a WSGI application, whichever of PEP 3333's ways it answers by."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any
from wsgiref.util import FileWrapper

import pytest

from serverless_sessions import SessionClosed, current_session
from serverless_sessions.handlers.wsgi import KEY, SessionMiddleware
from support.wsgi import TEXT, WAYS, App, Server, generated, listed, streamed, without_body, written


@pytest.fixture
def server() -> Server:
    return Server()


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
