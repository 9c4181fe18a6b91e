"""with_session on Cloud Functions, in Google's functions framework in each of its modes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import flask
import functions_framework
import functions_framework.aio
import pytest
from starlette.requests import Request
from starlette.responses import StreamingResponse

from serverless_sessions import (
    AsyncSession,
    ConfigurationError,
    MemoryStore,
    Session,
    SessionConfig,
    StoreUnavailable,
)
from serverless_sessions.arrival import header
from serverless_sessions.handlers.cloud_functions import with_session
from serverless_sessions.testing.browser import settled
from serverless_sessions.testing.watched import finished
from support.cloud_functions import MODES, NAME, Act, Site, made, serving
from support.failures import down

OURS = ("set-cookie", "cache-control", "vary")
OK = ("ok", 200)


@pytest.fixture(params=MODES)
def site(request: pytest.FixtureRequest) -> Site:
    return Site(request.param)


@pytest.fixture
def in_flask() -> Site:
    return Site("flask")


async def count(request: Any, session: Any) -> Any:
    session.set("visits", 1 + await settled(session.get("visits", 0)))
    return str(await settled(session.get("visits"))), 200


async def look(request: Any, session: Any) -> Any:
    return str(await settled(session.get("visits"))), 200


async def log_out(request: Any, session: Any) -> Any:
    session.destroy()
    return OK


async def nothing(request: Any, session: Any) -> Any:
    return OK


def test_a_visitor_is_recognised(site: Site) -> None:
    first = site.visit(count)
    assert first.values("set-cookie") == [f"{site.cookie}; Path=/; Secure; HttpOnly; SameSite=Lax"]
    assert first.values("cache-control") == ["no-store"]
    second = site.visit(count)
    assert (second.status, second.body, second.values("set-cookie")) == (200, b"2", [])
    assert (second.values("cache-control"), second.values("vary")) == (["private"], ["Cookie"])
    site.visit(log_out)
    assert (site.cookie, site.stored()) == ("", {})


def test_a_request_that_uses_no_session_costs_nothing(site: Site) -> None:
    reply = site.visit(nothing)
    assert [name for name, _ in reply.headers if name.lower() in OURS] == []
    assert site.store.calls == []


def test_a_server_error_saves_nothing_and_every_other_answer_does(site: Site) -> None:
    def answering(status: int) -> Act:
        async def act(request: Any, session: Any) -> Any:
            session.set("visits", status)
            return "done", status

        return act

    for status in (200, 404, 499):
        assert site.visit(answering(status)).status == status
        assert site.stored() == {"visits": f"[{status}]"}
    assert site.visit(answering(500)).status == 500
    assert site.stored() == {"visits": "[499]"}


def test_a_function_that_raises_saves_nothing_but_a_log_out(site: Site) -> None:
    async def fail(request: Any, session: Any) -> Any:
        session.set("visits", 7)
        raise ValueError("out of lanterns")

    async def fail_logging_out(request: Any, session: Any) -> Any:
        session.destroy()
        raise ValueError("out of lanterns")

    site.visit(count)
    assert site.visit(fail).status == 500
    assert site.stored() == {"visits": "[1]"}
    assert site.visit(fail_logging_out).status == 500
    assert site.stored() == {}


def test_a_store_that_fails_is_a_503(site: Site) -> None:
    site.visit(count)
    site.store.before = down
    reply = site.visit(count)
    assert (reply.status, reply.body) == (503, b"Service Unavailable")
    assert reply.values("retry-after") == ["1"]
    assert reply.values("content-type") == ["text/plain; charset=utf-8"]
    site.config = SessionConfig(on_store_error="raise")
    assert site.visit(count).status == 500


def test_ids_in_a_header(site: Site) -> None:
    site.visit(count, id_from=header("X-Session-Id"))
    function = made(site.mode, count, store=site.store, id_from=header("X-Session-Id"))
    with serving(function, site.mode) as send:
        first = send()
        (session_id,) = first.values("x-session-id")
        assert first.values("set-cookie") == []
        assert send(headers=[("X-Session-Id", session_id)]).body == b"2"
        assert send(headers=[("Cookie", f"{NAME}={session_id}")]).body == b"1"


def test_a_trusted_id_is_found_in_the_platforms_request(site: Site) -> None:
    site.config = SessionConfig(trusted_id_key="k" * 32)
    seen = []

    def chat_user(request: Any) -> str | None:
        seen.append(type(request))
        user: str | None = request.headers.get("X-Chat-User")
        return user

    function = made(
        site.mode, count, store=site.store, config=site.config, trusted_id=("chat", chat_user)
    )
    with serving(function, site.mode) as send:
        for visits in (b"1", b"2"):
            assert send(headers=[("X-Chat-User", "ann")]).body == visits
        assert send(headers=[("X-Chat-User", "bob")]).body == b"1"
    assert set(seen) == {flask.Request if site.mode == "flask" else Request}


def test_behind_firebase_hosting_the_cookie_has_the_one_name_that_passes(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SESSION_COOKIE_NAME", "__session")
    site.config = SessionConfig.from_env()
    site.visit(count)
    assert site.cookie.startswith("__session=")
    assert site.visit(count).body == b"2"


def test_guarantee_8_the_session_is_saved_before_a_stream_begins(site: Site) -> None:
    seen: list[Any] = []

    async def act(request: Any, session: Any) -> Any:
        session.set("visits", 1)

        def stream() -> Iterator[str]:
            seen.append(site.stored())
            yield "one "
            yield "two"

        return stream() if site.mode == "flask" else StreamingResponse(stream())

    assert site.visit(act).body == b"one two"
    assert seen == [{"visits": "[1]"}]


def test_an_event_is_refused() -> None:
    @with_session(store=MemoryStore())
    def function(event: Any, session: Session) -> Any:
        pytest.fail("the function was called")

    for event in ({"data": "x"}, None):
        with pytest.raises(ConfigurationError, match=r"HTTP functions.*no events"):
            function(event)


def test_the_frameworks_decorators_go_above_or_below(in_flask: Site) -> None:
    decorate: Any = with_session(store=in_flask.store)
    http: Any = functions_framework.http
    aio_http: Any = functions_framework.aio.http

    def function(request: Any, session: Session) -> Any:
        return finished(count(request, session))

    async def async_function(request: Any, session: AsyncSession) -> Any:
        return await count(request, session)

    for either in (http(decorate(function)), decorate(http(function))):
        with serving(either, "flask") as send:
            assert send().body == b"1"
    for either in (aio_http(decorate(async_function)), decorate(aio_http(async_function))):
        with serving(either, "asgi async") as send:
            assert send().body == b"1"
    with pytest.raises(TypeError, match="does not await this async def"):
        decorate(http(async_function))


def test_requests_of_one_process_share_nothing(site: Site) -> None:
    """Sixteen visitors at once, each counting to three."""

    async def act(request: Any, session: Any) -> Any:
        await settled(session.modify("visits", lambda n: n + 1, 0))
        return f"{await settled(session.get('visits'))}", 200

    function = made(site.mode, act, store=site.store)
    with serving(function, site.mode) as send:

        def visitor(_: int) -> list[bytes]:
            first = send()
            (cookie,) = first.values("set-cookie")
            headers = [("Cookie", cookie.partition(";")[0])]
            return [first.body, *[send(headers=headers).body for _ in range(2)]]

        with ThreadPoolExecutor(16) as threads:
            assert list(threads.map(visitor, range(16))) == [[b"1", b"2", b"3"]] * 16


def test_the_coroutine_of_an_async_function_runs_where_it_is_awaited() -> None:
    @with_session(store=MemoryStore())
    async def function(request: Any, session: AsyncSession) -> Any:
        return str(id(asyncio.get_running_loop()))

    async def call() -> bool:
        scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
        response = await function(Request(scope))
        return bool(response.body.decode() == str(id(asyncio.get_running_loop())))

    assert asyncio.run(call())


def test_an_error_of_the_store_can_be_the_functions_own_business(in_flask: Site) -> None:
    async def act(request: Any, session: Any) -> Any:
        with pytest.raises(StoreUnavailable):
            await settled(session.get("visits"))
        return "without", 200

    in_flask.cookie = f"{NAME}={'a' * 43}"
    in_flask.store.before = down
    assert in_flask.visit(act).body == b"without"
