"""HTTP requests of an ASGI application, message by message."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serverless_sessions import (
    SessionClosed,
    SessionConfig,
    StoreUnavailable,
    current_session,
)
from serverless_sessions.errors import UnsupportedValue
from support.asgi import Message, Site, Turn, body, headers_of, look, set_and_answer, status
from support.failures import down

OK = [
    {"type": "http.response.start", "status": 200, "headers": []},
    {"type": "http.response.body", "body": b"ok", "more_body": False},
]


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def visited(site: Site) -> Site:
    """Where the browser has a cookie already."""
    site.visit(set_and_answer)
    site.store.calls.clear()
    return site


def test_a_new_visitor_gets_a_cookie_and_is_recognised_by_it(site: Site) -> None:
    (cookie,) = headers_of(site.visit(set_and_answer)[0], "set-cookie")
    assert cookie == f"{site.cookie}; Path=/; Secure; HttpOnly; SameSite=Lax"
    assert body(site.visit(look)) == b"1"


def test_an_untouched_session_costs_no_call_and_every_message_is_the_very_same(
    visited: Site,
) -> None:
    start: Message = {"type": "http.response.start", "status": 200}

    async def ignore(turn: Turn) -> None:
        await turn.pass_on(start)
        await turn.body(b"ok")

    sent = visited.visit(ignore)
    assert sent[0] is start
    assert visited.store.calls == []


def test_guarantee_8_the_start_waits_until_the_session_is_saved(site: Site) -> None:
    order: list[str] = []
    site.store.after = order.append

    async def streams(turn: Turn) -> None:
        turn.session.set("a", 1)
        assert (site.sent, order) == ([], [])
        await turn.start()
        order.append("started")
        assert site.sent[0]["type"] == "http.response.start"
        for piece in (b"1", b"2"):
            await turn.body(piece, more=True)
        await turn.body()

    sent = site.visit(streams)
    assert order == ["create", "started"]
    assert body(sent) == b"12"
    assert [message["type"] for message in sent[1:]] == ["http.response.body"] * 3


@pytest.mark.parametrize("code", [500, 503, 599])
def test_decision_7_a_5xx_saves_nothing(visited: Site, code: int) -> None:
    async def fail(turn: Turn) -> None:
        turn.session.set("a", 2)
        await turn.answer(code)

    sent = visited.visit(fail)
    assert (status(sent), headers_of(sent[0], "set-cookie")) == (code, [])
    assert visited.stored() == {"a": "[1]"}


@pytest.mark.parametrize("code", [200, 204, 303, 404, 499])
def test_decision_7_whatever_is_less_saves_all(visited: Site, code: int) -> None:
    async def act(turn: Turn) -> None:
        turn.session.set("a", 2)
        await turn.answer(code)

    assert status(visited.visit(act)) == code
    assert visited.stored() == {"a": "[2]"}


@pytest.mark.parametrize("kind", [ValueError, asyncio.CancelledError])
def test_an_application_that_raises_before_its_answer_saves_log_outs_alone(
    visited: Site, kind: type[BaseException]
) -> None:
    error = kind("the application's own")

    async def fail(turn: Turn) -> None:
        turn.session.destroy()
        turn.session.set("b", 1)
        raise error

    with pytest.raises(kind) as raised:
        visited.visit(fail)
    assert raised.value is error
    assert (visited.sent, visited.sessions()) == ([], 0)


def test_an_application_that_raises_after_its_start_has_saved(visited: Site) -> None:
    async def fail(turn: Turn) -> None:
        turn.session.set("a", 2)
        await turn.start()
        raise StoreUnavailable("the application's own business by now")

    with pytest.raises(StoreUnavailable):
        visited.visit(fail)
    assert [message["type"] for message in visited.sent] == ["http.response.start"]
    assert visited.stored() == {"a": "[2]"}


def test_an_application_that_never_answers_saves_nothing(site: Site) -> None:
    async def silent(turn: Turn) -> None:
        turn.session.set("a", 1)

    assert site.visit(silent) == []
    assert site.sessions() == 0


def test_what_is_cancelled_while_it_saves_leaves_the_client_no_lie(site: Site) -> None:
    """The write is seen through, and no start of an answer goes out for it."""

    async def request() -> None:
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        site.store.before = lambda _: loop.call_soon_threadsafe(task.cancel) and None
        await site.request(set_and_answer)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(request())
    assert site.sent == []


def test_after_the_start_the_session_is_closed(site: Site) -> None:
    async def late(turn: Turn) -> None:
        await turn.start()
        with pytest.raises(SessionClosed):
            turn.session.set("a", 1)
        with pytest.raises(SessionClosed):
            await turn.session.get("a")
        with pytest.raises(SessionClosed):
            current_session().get("a")
        await turn.body(b"ok")

    assert site.visit(late) == OK


def test_a_store_that_fails_at_the_save_answers_503_and_the_rest_is_swallowed(
    visited: Site, caplog: pytest.LogCaptureFixture
) -> None:
    visited.store.before = down
    went_on = []

    async def act(turn: Turn) -> None:
        turn.session.set("a", 2)
        await turn.start(200, (b"x-own", b"1"))
        await turn.body(b"a page", more=True)
        await turn.send("http.response.trailers", headers=[])
        went_on.append(True)
        await turn.body()

    sent = visited.visit(act)
    assert sent == [
        {
            "type": "http.response.start",
            "status": 503,
            "headers": [
                (b"content-type", b"text/plain; charset=utf-8"),
                (b"cache-control", b"no-store"),
                (b"retry-after", b"1"),
                (b"content-length", b"19"),
            ],
        },
        {"type": "http.response.body", "body": b"Service Unavailable"},
    ]
    assert went_on
    (logged,) = caplog.records
    assert (logged.name, logged.levelno) == ("serverless_sessions", logging.ERROR)


def test_an_endless_stream_that_was_refused_ends_where_servers_say_so_by_an_error(
    visited: Site,
) -> None:
    visited.store.before = down
    visited.spec_version = "2.4"

    async def stream(turn: Turn) -> None:
        turn.session.set("a", 2)
        await turn.start()
        for _ in range(1000):
            await turn.body(b"more", more=True)
        raise AssertionError("nobody stopped it")

    async def as_starlette_does(turn: Turn) -> None:
        try:
            await stream(turn)
        except OSError:
            raise LookupError("the client has left")  # noqa: B904  (as Starlette does)

    for act in (stream, as_starlette_does):
        assert status(visited.visit(act)) == 503

    async def fails_anyhow(turn: Turn) -> None:
        turn.session.set("a", 2)
        await turn.start()
        raise LookupError("the application's own")

    with pytest.raises(LookupError, match="own"):
        visited.visit(fails_anyhow)


def test_a_store_that_fails_under_the_handler_answers_503(visited: Site) -> None:
    visited.store.before = down
    sent = visited.visit(look)
    assert (status(sent), body(sent)) == (503, b"Service Unavailable")
    assert headers_of(sent[0], "retry-after") == ["1"]
    assert headers_of(sent[0], "vary") == ["Cookie"]


def test_the_application_may_answer_for_the_store_itself(visited: Site) -> None:
    visited.options["config"] = SessionConfig(on_store_error="raise")
    visited.store.before = down
    with pytest.raises(StoreUnavailable):
        visited.visit(look)
    assert visited.sent == []

    async def own_answer(turn: Turn) -> None:
        turn.session.set("a", 2)
        try:
            await turn.start()
        except StoreUnavailable:
            await turn.answer(418)

    assert status(visited.visit(own_answer)) == 418


def test_a_mistake_of_the_applications_is_raised_where_the_answer_starts(site: Site) -> None:
    async def act(turn: Turn) -> None:
        turn.session.set("a", [1])
        (await turn.session.get("a")).append(object())
        with pytest.raises(UnsupportedValue):
            await turn.start()
        await turn.answer(400)

    assert status(site.visit(act)) == 400


def test_extensions_pass_before_and_after_the_start(site: Site) -> None:
    async def act(turn: Turn) -> None:
        await turn.send("http.response.early_hint", links=[b"</style.css>; rel=preload"])
        await turn.send("http.response.debug", info={})
        await turn.start()
        await turn.send("http.response.zerocopysend", file=7)
        await turn.send("http.response.pathsend", path="/file")
        await turn.send("http.response.trailers", headers=[])

    assert [message["type"] for message in site.visit(act)] == [
        f"http.response.{kind}"
        for kind in ("early_hint", "debug", "start", "zerocopysend", "pathsend", "trailers")
    ]


@given(
    st.lists(st.sampled_from(["start", "bad start", "body", "hint", "set", "raise"])), st.booleans()
)
def test_in_whatever_order_messages_come_one_start_follows_one_save(
    script: list[str], fails: bool
) -> None:
    site = Site()
    if fails:
        site.store.before = down

    async def act(turn: Turn) -> None:
        for step in script:
            match step:
                case "start":
                    await turn.start()
                case "bad start":
                    await turn.start(500)
                case "body":
                    await turn.body(b"x", more=True)
                case "hint":
                    await turn.send("http.response.early_hint", links=[])
                case "set":
                    turn.session.set("a", 1)
                case "raise":
                    raise LookupError("as it was asked to")

    starts = [step for step in script if step.endswith("start")]
    before = script[: script.index(starts[0])] if starts else script
    raises_first = "raise" in before or not starts
    saves = not raises_first and starts[0] == "start" and "set" in before
    with suppress(LookupError, SessionClosed):
        site.visit(act)
    kinds = [message["type"].rpartition(".")[2] for message in site.sent]
    if saves and fails:
        hints = [step for step in before if step in ("hint", "body")]
        assert len(kinds) == len(hints) + 2
        assert site.sent[len(hints)]["status"] == 503
        assert kinds[-2:] == ["start", "body"]
    assert site.sessions() == (1 if saves and not fails else 0)
    if saves and not fails:
        first = next(message for message in site.sent if message["type"].endswith("start"))
        assert len(headers_of(first, "set-cookie")) == 1
