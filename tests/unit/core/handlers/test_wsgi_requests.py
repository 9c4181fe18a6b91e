"""How an id comes with a WSGI request, and that requests at once share nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from serverless_sessions import Session, SessionConfig, current_session, header
from serverless_sessions.handlers.wsgi import KEY, SessionMiddleware
from support.wsgi import NAME, TEXT, Server, listed


@pytest.fixture
def server() -> Server:
    return Server()


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
