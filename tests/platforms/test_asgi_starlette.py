"""Starlette on uvicorn, with a real client."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from serverless_sessions import MemoryStore, SessionClosed, SessionConfig, current_session
from serverless_sessions.handlers.asgi import SessionMiddleware
from serverless_sessions.testing.watched import WatchedStore
from servers.uvicorn_server import uvicorn_server
from support.failures import down

CONFIG = SessionConfig(cookie_secure=False)
"""httpx, unlike browsers, sends no Secure cookie to a loopback address over HTTP."""

NEW_CONNECTIONS = httpx.Limits(max_keepalive_connections=0)
"""After an exception of the application uvicorn closes the connection, and tells nobody before."""

CLOSED: list[str] = []


async def visits(request: Request) -> Response:
    session: Any = request.session
    return PlainTextResponse(str(await session.modify("visits", lambda n: n + 1, 0)))


def in_a_thread(request: Request) -> Response:
    session = current_session()
    session["thread"] = threading.current_thread() is not threading.main_thread()
    return JSONResponse({"visits": session.get("visits"), "user": session.user})


async def stream(request: Request) -> Response:
    session: Any = request.session
    session.set("streamed", True)
    known = await session.get("visits")

    async def pieces() -> AsyncIterator[str]:
        for number in range(3):
            await asyncio.sleep(0)
            yield f"{known}.{number} "
        try:
            await session.get("visits")
        except SessionClosed:
            yield "closed"

    return StreamingResponse(pieces(), background=BackgroundTask(after, session))


async def after(session: Any) -> None:
    try:
        session.set("late", 1)
    except SessionClosed as error:
        CLOSED.append(str(error))


async def endless(request: Request) -> Response:
    request.session.set("a", 1)  # type: ignore[attr-defined]

    async def pieces() -> AsyncIterator[str]:
        while True:
            await asyncio.sleep(0)
            yield "more"

    return StreamingResponse(pieces())


async def a_file(request: Request) -> Response:
    request.session.set("a", 1)  # type: ignore[attr-defined]
    return FileResponse(__file__)


async def fail(request: Request) -> Response:
    request.session.set("failed", True)  # type: ignore[attr-defined]
    raise RuntimeError("as it was asked to")


async def slow(request: Request) -> Response:
    session: Any = request.session
    name = request.query_params["name"]
    await session.get(name)
    await asyncio.sleep(0.05)
    session.set(name, name)
    return PlainTextResponse(name)


async def keys(request: Request) -> Response:
    session: Any = request.session
    return JSONResponse(sorted(await session.keys()))


async def adds_a_key(request: Request, call_next: Any) -> Response:
    """Between the session and the route; its part counts, as the answer has not begun."""
    response: Response = await call_next(request)
    if request.url.path == "/visits":
        request.session.set("between", 1)  # type: ignore[attr-defined]
    response.set_cookie("theme", "dark")
    return response


STORE = WatchedStore(MemoryStore())


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    paths = (visits, in_a_thread, stream, endless, a_file, fail, slow, keys)
    app = Starlette(routes=[Route(f"/{path.__name__}", path) for path in paths])
    app.add_middleware(BaseHTTPMiddleware, dispatch=adds_a_key)
    app.add_middleware(SessionMiddleware, store=STORE, config=CONFIG)
    with uvicorn_server(app) as port:
        yield port


@pytest.fixture
def client(port: int) -> Iterator[httpx.Client]:
    STORE.before = lambda _: None
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=url, timeout=30, limits=NEW_CONNECTIONS) as client:
        yield client


def test_requests_follow_each_other(client: httpx.Client) -> None:
    first = client.get("/visits")
    assert first.text == "1"
    cookies = [line.partition("=")[0] for line in first.headers.get_list("set-cookie")]
    assert sorted(cookies) == ["session", "theme"]
    again = client.get("/visits")
    assert (again.text, again.headers["vary"]) == ("2", "Cookie")
    assert client.get("/in_a_thread").json() == {"visits": 2, "user": None}
    assert client.get("/keys").json() == ["between", "thread", "visits"]


def test_a_stream_begins_with_the_session_saved_and_ends_without_it(client: httpx.Client) -> None:
    client.get("/visits")
    CLOSED.clear()
    assert client.get("/stream").text == "1.0 1.1 1.2 closed"
    assert client.get("/keys").json() == ["between", "streamed", "visits"]
    assert len(CLOSED) == 1


def test_an_error_of_the_store_ends_even_an_endless_stream(client: httpx.Client) -> None:
    client.get("/visits")
    STORE.before = down
    for path in ("/endless", "/a_file", "/stream", "/visits"):
        answer = client.get(path)
        assert (answer.status_code, answer.text) == (503, "Service Unavailable")
        assert answer.headers["retry-after"] == "1"


def test_a_file_is_sent_with_a_new_cookie(client: httpx.Client) -> None:
    answer = client.get("/a_file")
    assert answer.content.startswith(b'"""Starlette on uvicorn')
    assert "session" in client.cookies


def test_a_handler_that_fails_saves_nothing(client: httpx.Client) -> None:
    client.get("/visits")
    assert client.get("/fail").status_code == 500
    assert client.get("/keys").json() == ["between", "visits"]


def test_many_requests_at_once_share_no_state(port: int) -> None:
    STORE.before = lambda _: None

    async def visitor(number: int) -> None:
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            await client.get("/visits")
            names = [f"v{number}.{key}" for key in range(3)]
            await asyncio.gather(*(client.get("/slow", params={"name": name}) for name in names))
            assert (await client.get("/keys")).json() == ["between", *names, "visits"]

    async def all_at_once() -> None:
        await asyncio.gather(*(visitor(number) for number in range(8)))

    asyncio.run(all_at_once())


# An application written for Starlette's own SessionMiddleware; only the import has changed.


async def homepage(request: Request) -> Response:
    user = request.session.get("user")
    if not user:
        return RedirectResponse("/login", status_code=303)
    request.session["seen"] = request.session.get("seen", 0) + 1
    return JSONResponse({"user": user, **dict(request.session)})


async def login(request: Request) -> Response:
    request.session.update({"user": request.query_params.get("name", "ann")})
    request.session.setdefault("cart", []).append("mug")
    return RedirectResponse("/", status_code=303)


async def logout(request: Request) -> Response:
    request.session.clear()
    return PlainTextResponse(f"{request.session.pop('user', 'nobody')} {len(request.session)}")


async def refused(request: Request) -> Response:
    current_session().modify("seen", lambda n: n + 1, 0)
    return PlainTextResponse("never")


def test_an_application_for_starlettes_own_middleware() -> None:
    app = Starlette(
        routes=[
            Route("/", homepage),
            Route("/login", login),
            Route("/logout", logout),
            Route("/refused", refused),
        ]
    )
    app.add_middleware(SessionMiddleware, mapping=True, store=MemoryStore(), config=CONFIG)
    with (
        uvicorn_server(app) as port,
        httpx.Client(
            base_url=f"http://127.0.0.1:{port}", follow_redirects=True, limits=NEW_CONNECTIONS
        ) as client,
    ):
        expected = {"user": "ann", "cart": ["mug"], "seen": 1}
        assert client.get("/").json() == expected
        assert client.get("/").json() == {**expected, "seen": 2}
        assert client.get("/refused").status_code == 500
        assert client.get("/logout").text == "nobody 0"
        assert client.get("/", follow_redirects=False).headers["location"] == "/login"
