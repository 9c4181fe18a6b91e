"""How sessions reach an ASGI application and leave it: headers, scopes, threads, nesting."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from serverless_sessions import (
    AsyncSession,
    ConfigurationError,
    MemoryStore,
    SessionConfig,
    current_async_session,
    current_session,
    ids,
)
from serverless_sessions.arrival import header
from serverless_sessions.handlers.asgi import SessionMiddleware
from support.asgi import NAME, Message, Site, Turn, body, headers_of, look, set_and_answer, status


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def visited(site: Site) -> Site:
    """Where the browser has a cookie already."""
    site.visit(set_and_answer)
    site.store.calls.clear()
    return site


def test_decision_10_headers_stay_bytes_in_order_beside_ours(site: Site) -> None:
    async def act(turn: Turn) -> None:
        turn.session.set("a", 1)
        await turn.send(
            "http.response.start",
            status=200,
            trailers=True,
            headers=iter(
                [
                    [b"set-cookie", b"theme=dark; Path=/"],
                    [b"x-raw", b"caf\xe9\xff"],
                    [b"Cache-Control", b"public, max-age=60, no-transform"],
                    [b"set-cookie", b"lang=en"],
                    [b"vary", b"Accept"],
                ]
            ),
        )
        await turn.body()

    start = site.visit(act)[0]
    issued = f"{site.cookie}; Path=/; Secure; HttpOnly; SameSite=Lax".encode()
    assert start == {
        "type": "http.response.start",
        "status": 200,
        "trailers": True,
        "headers": [
            (b"set-cookie", b"theme=dark; Path=/"),
            (b"x-raw", b"caf\xe9\xff"),
            (b"set-cookie", b"lang=en"),
            (b"cache-control", b"no-store, no-transform"),
            (b"set-cookie", issued),
            (b"vary", b"Accept, Cookie"),
        ],
    }


def test_cookies_arrive_in_several_lines_and_as_http_2_splits_them(visited: Site) -> None:
    stale = f"{NAME}={ids.draw()}"
    for lines in (
        ("a=1", visited.cookie, "b=2"),
        ("caf\xe9=\xff", f"x=1; {visited.cookie}"),
        (stale, visited.cookie),
        (f"{NAME}=nonsense", visited.cookie),
    ):
        assert body(visited.visit(look, *lines)) == b"1"
    assert body(visited.visit(look, "\xe9" * 43, stale)) == b"None"


@pytest.mark.parametrize("kind", ["lifespan", "webtransport"])
def test_other_scopes_are_none_of_its_business(site: Site, kind: str) -> None:
    seen = []

    async def app(*given: Any) -> None:
        seen.append(given)

    async def nothing(*_: Any) -> None: ...

    scope = {"type": kind}
    asyncio.run(SessionMiddleware(app, store=site.store)(scope, nothing, nothing))  # type: ignore[arg-type]
    assert seen == [(scope, nothing, nothing)]
    assert scope == {"type": kind}


def test_the_current_session_is_the_requests(site: Site) -> None:
    async def act(turn: Turn) -> None:
        assert current_async_session() is turn.session
        assert isinstance(turn.session, AsyncSession)
        assert await asyncio.to_thread(current_async_session) is turn.session
        await turn.answer()

    site.visit(act)
    for outside in (current_session, current_async_session):
        with pytest.raises(ConfigurationError):
            outside()


def test_in_a_thread_the_session_is_used_without_await(visited: Site) -> None:
    async def act(turn: Turn) -> None:
        session = current_session()

        def endpoint() -> None:
            assert current_session() is session
            assert dict(session) == {"a": 1}
            assert session.modify("a", lambda a: a + 1) == 2
            session["b"] = [1]
            session.flash("note", "x")
            session.bind("ann")
            session.save()
            session["b"].append(2)

        await asyncio.to_thread(endpoint)
        assert await turn.session.get("b") == [1, 2]
        await turn.answer()

    assert len(headers_of(visited.visit(act)[0], "set-cookie")) == 1
    stored = {name: text for name, text in visited.stored().items() if name in ("a", "b")}
    assert stored == {"a": "[2]", "b": "[[1,2],1,2]"}
    assert "load" in visited.store.calls


def test_one_within_another_is_an_error_where_they_share_a_cookie(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await set_and_answer(Turn(scope, receive, send))

    def nested(site: Site, **options: Any) -> list[Message]:
        inner = SessionMiddleware(app, store=site.store, **options)

        async def outer(turn: Turn) -> None:
            await inner(turn.scope, turn.receive, turn.pass_on)

        return site.visit(outer)

    site = Site()
    assert status(nested(site)) == 500
    assert "stands within another one" in caplog.text
    config = SessionConfig(cookie_name="__Host-admin")
    for options in ({"config": config}, {"id_from": header("X-Session-Id")}):
        assert status(nested(site, **options)) == 200
    (cookie,) = headers_of(nested(site, config=config)[0], "set-cookie")
    assert cookie.startswith("__Host-admin=")
    assert site.cookie == ""


def test_a_scope_that_is_used_again_is_not_taken_for_a_middleware_within_another(
    visited: Site,
) -> None:
    scope = visited.scope("http", [visited.cookie])
    visited.scope = lambda *_: scope  # type: ignore[method-assign]
    for _ in range(2):
        assert body(visited.visit(look)) == b"1"


def test_the_id_may_travel_in_a_header(site: Site) -> None:
    site.options["id_from"] = header("X-Session-Id")
    start = site.visit(set_and_answer)[0]
    (issued,) = headers_of(start, "x-session-id")
    assert headers_of(start, "set-cookie") == []
    scope = site.scope("http", [])
    scope["headers"] = [(b"x-session-id", issued.encode())]
    site.scope = lambda *_: scope  # type: ignore[method-assign]
    assert body(site.visit(look)) == b"1"


def test_the_id_may_be_the_platforms_found_in_the_scope() -> None:
    site = Site(
        trusted_id=("client", lambda scope: scope["client"][0]),
        config=SessionConfig(trusted_id_key="k" * 32),
    )
    scope = {**site.scope("http", []), "client": ("10.0.0.1", 1)}
    site.scope = lambda *_: dict(scope)  # type: ignore[method-assign]
    assert headers_of(site.visit(set_and_answer)[0], "set-cookie") == []
    assert body(site.visit(look)) == b"1"


def test_parallel_requests_share_nothing() -> None:
    sites = [Site() for _ in range(20)]
    memory = MemoryStore()
    for site in sites:
        site.options["store"] = memory

    async def request(site: Site, number: int) -> None:
        async def write(turn: Turn) -> None:
            turn.session.set("a", number)
            await asyncio.sleep(0)
            assert current_async_session() is turn.session
            await turn.answer()

        async def read(turn: Turn) -> None:
            await asyncio.sleep(0)
            await look(turn)

        await site.request(write)
        assert body(await site.request(read)) == str(number).encode()

    async def all_at_once() -> None:
        await asyncio.gather(*(request(site, n) for n, site in enumerate(sites)))

    asyncio.run(all_at_once())
    assert len({site.cookie for site in sites}) == 20
