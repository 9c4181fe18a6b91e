"""What a Cloud Function may return or raise: with a session it is answered as without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flask
import pytest
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from werkzeug.exceptions import HTTPException as WerkzeugHTTPException

from serverless_sessions import MemoryStore
from support.cloud_functions import MODES, NAME, Reply, Site, framework, made, serving, to_flask

OURS = ("set-cookie", "cache-control", "vary")


@pytest.fixture(params=MODES)
def site(request: pytest.FixtureRequest) -> Site:
    return Site(request.param)


@pytest.fixture
def in_flask() -> Site:
    return Site("flask")


@pytest.fixture(params=["asgi", "asgi async"])
def in_asgi(request: pytest.FixtureRequest) -> Site:
    return Site(request.param)


FLASK_RESULTS: dict[str, Callable[[], Any]] = {
    "text": lambda: "text",
    "bytes": lambda: b"\x00\xff",
    "dict": lambda: {"a": 1},
    "list": lambda: [1, 2],
    "with status": lambda: ("made", 201),
    "with headers": lambda: ("text", {"X-Own": "1", "Cache-Control": "max-age=5"}),
    "with all": lambda: ({"a": 1}, "202 Later", [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]),
    "response": lambda: flask.Response("own", 203, {"Vary": "Accept"}, "text/css"),
    "response with status": lambda: (flask.Response("own", 203), 206),
    "redirect": lambda: flask.redirect("/elsewhere", 303),
    "empty": lambda: ("", 204),
    "stream": lambda: (part for part in ["one ", "two"]),
    "stream with status": lambda: (iter([b"one ", b"two"]), 206, {"X-Own": "1"}),
    "application": lambda: WerkzeugHTTPException("as an application", flask.Response("app", 418)),
    "server error": lambda: ("gone wrong", 500),
    "None": lambda: None,
    "number": lambda: 7,
    "tuple of one": lambda: ("text",),
    "tuple without body": lambda: (None, 200),
    "unknown status": lambda: ("text", "not a status"),
}


def compared(site: Site, result: Callable[[], Any]) -> tuple[Reply, Reply]:
    """The answer without and with a session that was set."""

    async def act(request: Any, session: Any) -> Any:
        session.set("visits", 1)
        return result()

    def function(request: Any) -> Any:
        return result()

    async def async_function(request: Any) -> Any:
        return result()

    bare = async_function if site.mode == "asgi async" else function
    with serving(bare, site.mode) as send:
        return send(), site.visit(act)


def assert_same_but_for_the_session(site: Site, result: Callable[[], Any]) -> None:
    bare, reply = compared(site, result)
    assert (reply.status, reply.body) == (bare.status, bare.body)
    own = [line for line in reply.values("set-cookie") if not line.startswith(NAME)]
    assert own == bare.values("set-cookie")
    assert others(reply) == others(bare)
    saved = bare.status < 500
    assert site.stored() == ({"visits": "[1]"} if saved else {})
    assert (len(reply.values("set-cookie")) > len(own)) == saved


def others(reply: Reply) -> list[tuple[str, str]]:
    return sorted((n.lower(), v) for n, v in reply.headers if n.lower() not in OURS)


@pytest.mark.parametrize("kind", FLASK_RESULTS)
def test_flask_answers_as_without_a_session(in_flask: Site, kind: str) -> None:
    assert_same_but_for_the_session(in_flask, FLASK_RESULTS[kind])


def raising(error: Callable[[], BaseException]) -> Callable[[], Any]:
    def result() -> Any:
        raise error()

    return result


def aborting(*how: Any) -> Callable[[], Any]:
    return lambda: flask.abort(*how)


FLASK_ABORTS: dict[str, Callable[[], Any]] = {
    "not found": aborting(404),
    "with words": aborting(403, "not for you"),
    "unavailable": aborting(503),
    "with a redirect": lambda: flask.abort(flask.redirect("/login", 303)),
    "with an error": lambda: flask.abort(flask.Response("broken", 500)),
    "without a code": raising(WerkzeugHTTPException),
}


@pytest.mark.parametrize("kind", FLASK_ABORTS)
def test_an_abort_is_an_answer(in_flask: Site, kind: str) -> None:
    assert_same_but_for_the_session(in_flask, FLASK_ABORTS[kind])


def test_an_abort_reaches_the_applications_own_error_handler(in_flask: Site) -> None:
    async def act(request: Any, session: Any) -> Any:
        session.set("visits", 1)
        flask.abort(404)

    with framework(made("flask", act, store=in_flask.store), "flask") as app:
        app.register_error_handler(404, lambda error: ("nothing here", 404, {"X-Own": "1"}))
        reply = to_flask(app)()
    assert (reply.status, reply.body, reply.values("x-own")) == (404, b"nothing here", ["1"])
    assert len(reply.values("set-cookie")) == 1


STARLETTE_RESULTS: dict[str, Callable[[], Any]] = {
    "text": lambda: "text",
    "dict": lambda: {"a": 1},
    "with status": lambda: ("made", 201),
    "dict with status": lambda: ({"a": 1}, 202),
    "bytes with status": lambda: (b"\x00\xff", 203),
    "nothing with status": lambda: (None, 204),
    "response": lambda: Response("own", 203, {"vary": "Accept", "cache-control": "max-age=5"}),
    "json": lambda: JSONResponse([1, 2]),
    "redirect": lambda: RedirectResponse("/elsewhere", 303),
    "stream": lambda: StreamingResponse(iter(["one ", "two"]), 206),
    "not found": raising(lambda: HTTPException(404, "nothing", {"X-Own": "1"})),
    "not modified": raising(lambda: HTTPException(304)),
    "unavailable": raising(lambda: HTTPException(503, "later")),
    "server error": lambda: ("gone wrong", 500),
}


@pytest.mark.parametrize("kind", STARLETTE_RESULTS)
def test_starlette_answers_as_without_a_session(in_asgi: Site, kind: str) -> None:
    assert_same_but_for_the_session(in_asgi, STARLETTE_RESULTS[kind])


@pytest.mark.parametrize("result", [None, b"bytes", [1], ("a", 200, {}), 7])
def test_what_is_a_500_in_asgi_mode_is_one_with_a_session(in_asgi: Site, result: Any) -> None:
    bare, reply = compared(in_asgi, lambda: result)
    assert (bare.status, reply.status) == (500, 500)
    assert in_asgi.stored() == {}


@pytest.mark.parametrize("aborted", [False, True])
def test_one_response_object_for_everybody_carries_nobodys_cookie(
    site: Site, aborted: bool
) -> None:
    shared: Any = flask.Response("same") if site.mode == "flask" else Response("same")

    async def act(request: Any, session: Any) -> Any:
        if request.headers.get("X-New"):
            session.set("visits", 1)
        if aborted and site.mode == "flask":
            flask.abort(shared)
        return shared

    with serving(made(site.mode, act, store=site.store), site.mode) as send:
        before = send()
        cookies = [send(headers=[("X-New", "1")]).values("set-cookie") for _ in range(2)]
        assert [len(lines) for lines in cookies] == [1, 1]
        assert cookies[0] != cookies[1]
        assert send() == before


def test_a_decorator_above_sets_headers_of_its_own() -> None:
    async def act(request: Any, session: Any) -> Any:
        response = Response("ok", headers={"X-Own": "1"})
        assert response.headers["X-Own"] == "1"
        session.set("visits", 1)
        return response

    inner = made("asgi async", act, store=MemoryStore())

    async def function(request: Any) -> Any:
        response = await inner(request)
        response.headers["X-Above"] = "2"
        return response

    with serving(function, "asgi async") as send:
        reply = send()
    assert (reply.values("x-own"), reply.values("x-above")) == (["1"], ["2"])
    assert len(reply.values("set-cookie")) == 1
