"""WebSockets of an ASGI application, message by message."""

from __future__ import annotations

import asyncio

import pytest

from serverless_sessions import SessionClosed, SessionConfig, SessionGone, StoreUnavailable
from serverless_sessions.errors import Unsupported
from support.asgi import NAME, Message, Site, Turn, headers_of, set_and_answer
from support.failures import down

LEFT: Message = {"type": "websocket.disconnect", "code": 1001}
DENIAL = "websocket.http.response"


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def visited(site: Site) -> Site:
    site.visit(set_and_answer)
    site.store.calls.clear()
    return site


async def accept(turn: Turn) -> None:
    await turn.send("websocket.accept", headers=[(b"x-own", b"1")])


async def close(turn: Turn) -> None:
    await turn.send("websocket.close", code=1000)


def kinds(sent: list[Message]) -> list[str]:
    return [message["type"].removeprefix("websocket.") for message in sent]


def test_a_new_session_goes_out_with_the_accept(site: Site) -> None:
    async def act(turn: Turn) -> None:
        turn.session.set("a", 1)
        await accept(turn)
        await close(turn)

    accepted, _ = site.connect(act)
    assert accepted["headers"][0] == (b"x-own", b"1")
    (cookie,) = headers_of(accepted, "set-cookie")
    assert cookie == f"{site.cookie}; Path=/; Secure; HttpOnly; SameSite=Lax"
    assert site.stored() == {"a": "[1]"}


def test_a_session_of_the_platform_s_id_begins_whenever_it_is_first_used() -> None:
    """Its client needs to be told nothing."""
    config = SessionConfig(trusted_id_key="k" * 32)
    site = Site(trusted_id=("connection", lambda scope: "c1"), config=config)

    async def act(turn: Turn) -> None:
        await accept(turn)
        turn.session.set("a", 1)
        await close(turn)

    assert kinds(site.connect(act)) == ["accept", "close"]
    assert site.stored() == {"a": "[1]"}


def test_it_is_read_at_the_connect_once_and_not_at_all_without_an_id(visited: Site) -> None:
    async def act(turn: Turn) -> None:
        assert visited.store.calls == ["load"]
        visited.end_all()
        assert await turn.session.get("a") == 1
        message = {"type": "websocket.accept"}
        await turn.pass_on(message)
        assert visited.sent[0] is message
        await close(turn)

    visited.connect(act)
    assert visited.store.calls == ["load"]

    async def ignore(turn: Turn) -> None:
        await accept(turn)

    anonymous = Site()
    anonymous.connect(ignore)
    assert anonymous.store.calls == []


@pytest.mark.parametrize("how", ["close", "return", "disconnect", "raise as the client left"])
def test_it_is_saved_at_the_end_and_on_demand(visited: Site, how: str) -> None:
    async def act(turn: Turn) -> None:
        await turn.receive()
        await accept(turn)
        turn.session.set("a", 2)
        await turn.session.save()
        assert visited.stored() == {"a": "[2]"}
        turn.session.set("a", 3)
        if how == "close":
            await close(turn)
            assert visited.stored() == {"a": "[3]"}
            with pytest.raises(SessionClosed):
                turn.session.set("a", 4)
        elif "client" in how or how == "disconnect":
            await turn.receive()
            turn.session.set("last", "words")
        if how.startswith("raise"):
            raise LookupError("the client has left")

    try:
        visited.connect(act, LEFT)
    except LookupError:
        assert how.startswith("raise")
    assert visited.stored()["a"] == "[3]"


def test_that_a_client_left_shows_when_something_is_sent(visited: Site) -> None:
    async def act(turn: Turn) -> None:
        await accept(turn)
        turn.session.set("a", 2)
        await turn.send("websocket.send", text="hello")

    async def request() -> None:
        def gone(message: Message) -> None:
            if message["type"] == "websocket.send":
                raise OSError("the client has left")

        visited._obey = gone  # type: ignore[method-assign]
        await visited.socket(act)

    with pytest.raises(OSError, match="left"):
        asyncio.run(request())
    assert visited.stored() == {"a": "[2]"}


@pytest.mark.parametrize("kind", [ValueError, asyncio.CancelledError])
def test_an_application_that_raises_saves_log_outs_alone(
    visited: Site, kind: type[BaseException]
) -> None:
    async def fail(turn: Turn) -> None:
        await accept(turn)
        turn.session.set("a", 2)
        raise kind("the application's own")

    with pytest.raises(kind, match="own"):
        visited.connect(fail)
    assert visited.stored() == {"a": "[1]"}

    async def log_out(turn: Turn) -> None:
        await accept(turn)
        turn.session.destroy()
        raise kind("the application's own")

    with pytest.raises(kind, match="own"):
        visited.connect(log_out)
    assert visited.sessions() == 0


def test_after_the_accept_no_session_begins_that_nobody_could_open(site: Site) -> None:
    async def act(turn: Turn) -> None:
        await accept(turn)
        turn.session.set("a", 1)
        with pytest.raises(Unsupported, match="sending the client an id"):
            await turn.session.save()
        with pytest.raises(Unsupported):
            await turn.session.modify("n", lambda n: n + 1, 0)
        with pytest.raises(Unsupported):
            turn.session.bind("ann")
        with pytest.raises(Unsupported):
            turn.session.regenerate()
        turn.session.clear()

    assert kinds(site.connect(act)) == ["accept"]
    assert site.sessions() == 0


def test_what_cannot_be_kept_is_not_dropped_in_silence(site: Site) -> None:
    async def act(turn: Turn) -> None:
        await accept(turn)
        turn.session.set("a", 1)
        await close(turn)

    with pytest.raises(Unsupported):
        site.connect(act)
    assert site.sessions() == 0


def test_a_log_in_or_a_new_id_goes_out_with_the_accept_and_not_later(visited: Site) -> None:
    before = visited.cookie

    async def act(turn: Turn) -> None:
        turn.session.bind("ann")
        await accept(turn)
        for late in (lambda: turn.session.bind("eve"), turn.session.regenerate):
            with pytest.raises(Unsupported):
                late()
        turn.session.set("b", 2)

    visited.connect(act)
    assert visited.cookie not in ("", before)
    assert visited.stored() == {"a": "[1]", "b": "[2]"}


def test_a_log_out_clears_the_cookie_with_the_accept_and_ends_the_session_later(
    visited: Site,
) -> None:
    async def at_once(turn: Turn) -> None:
        turn.session.destroy()
        await accept(turn)

    async def later(turn: Turn) -> None:
        await accept(turn)
        turn.session.destroy()
        await close(turn)

    visited.connect(later)
    assert (visited.sessions(), visited.cookie[:14]) == (0, NAME)
    visited.visit(set_and_answer)
    visited.connect(at_once)
    assert (visited.sessions(), visited.cookie) == (0, "")


def test_the_session_may_end_meanwhile(visited: Site) -> None:
    async def act(turn: Turn) -> None:
        await accept(turn)
        visited.end_all()
        turn.session.set("a", 2)
        with pytest.raises(SessionGone):
            await turn.session.save()
        turn.session.set("a", 3)

    assert kinds(visited.connect(act)) == ["accept"]
    assert visited.sessions() == 0


@pytest.mark.parametrize("denies", [True, False])
def test_a_store_that_fails_before_the_accept_denies_the_socket(
    visited: Site, denies: bool
) -> None:
    visited.store.before = down
    visited.extensions = {DENIAL: {}} if denies else {}

    async def reads(turn: Turn) -> None:
        await turn.session.get("a")

    async def writes(turn: Turn) -> None:
        turn.session.set("a", 2)
        await accept(turn)
        await turn.send("websocket.send", text="dropped")

    for act in (reads, writes):
        sent = visited.connect(act)
        if denies:
            assert kinds(sent) == ["http.response.start", "http.response.body"]
            assert (sent[0]["status"], headers_of(sent[0], "retry-after")) == (503, ["1"])
        else:
            assert sent == [{"type": "websocket.close", "code": 1013, "reason": ""}]


@pytest.mark.parametrize("how", ["close", "return", "save"])
def test_a_store_that_fails_later_closes_the_socket_with_an_error(visited: Site, how: str) -> None:
    visited.extensions = {DENIAL: {}}

    async def act(turn: Turn) -> None:
        await accept(turn)
        visited.store.before = down
        turn.session.set("a", 2)
        if how == "close":
            await close(turn)
        elif how == "save":
            await turn.session.save()

    accepted, *rest = visited.connect(act)
    assert accepted["type"] == "websocket.accept"
    assert rest == [{"type": "websocket.close", "code": 1013, "reason": ""}]


def test_a_closed_socket_is_not_closed_again(visited: Site) -> None:
    async def act(turn: Turn) -> None:
        await accept(turn)
        await close(turn)
        raise StoreUnavailable("of another session, say")

    assert kinds(visited.connect(act)) == ["accept", "close"]


def test_nobody_is_told_of_a_failure_after_the_client_left_but_the_operator(
    visited: Site, caplog: pytest.LogCaptureFixture
) -> None:
    async def act(turn: Turn) -> None:
        await turn.receive()
        await accept(turn)
        visited.store.before = down
        turn.session.set("a", 2)
        await turn.receive()

    async def raises(turn: Turn) -> None:
        await act(turn)
        raise LookupError("the client has left")

    assert kinds(visited.connect(act, LEFT)) == ["accept"]
    visited.store.before = lambda _: None
    with pytest.raises(LookupError):
        visited.connect(raises, LEFT)
    assert kinds(visited.sent) == ["accept"]
    assert [record.name for record in caplog.records] == ["serverless_sessions"] * 2


def test_the_application_may_deny_with_an_answer_of_its_own(visited: Site) -> None:
    def denial(code: int) -> list[Message]:
        async def act(turn: Turn) -> None:
            turn.session.set("a", code)
            await turn.send(f"{DENIAL}.start", status=code, headers=[])
            await turn.send(f"{DENIAL}.body", body=b"no")

        return visited.connect(act)

    visited.cookie = ""
    assert len(headers_of(denial(403)[0], "set-cookie")) == 1
    assert kinds(denial(500)) == ["http.response.start", "http.response.body"]
    assert "[500]" not in visited.stored().values()


def test_a_close_or_a_return_without_an_accept_starts_no_session(site: Site) -> None:
    async def closes(turn: Turn) -> None:
        turn.session.set("a", 1)
        with pytest.raises(Unsupported):
            await close(turn)

    async def returns(turn: Turn) -> None:
        turn.session.set("a", 1)

    async def is_left(turn: Turn) -> None:
        turn.session.set("a", 1)
        await turn.receive()
        await turn.receive()
        raise LookupError("the client has left")

    site.connect(closes)
    site.connect(returns)
    with pytest.raises(LookupError):
        site.connect(is_left, LEFT)
    assert site.sessions() == 0


def test_an_endless_push_on_a_refused_socket_ends(visited: Site) -> None:
    visited.spec_version = "2.4"
    visited.store.before = down

    async def act(turn: Turn) -> None:
        turn.session.set("a", 2)
        await accept(turn)
        for _ in range(1000):
            await turn.send("websocket.send", text="tick")
        raise AssertionError("nobody stopped it")

    assert kinds(visited.connect(act)) == ["close"]


def test_the_application_may_handle_the_store_itself(visited: Site) -> None:
    visited.options["config"] = SessionConfig(on_store_error="raise")
    visited.store.before = down

    async def act(turn: Turn) -> None:
        turn.session.set("a", 2)
        with pytest.raises(StoreUnavailable):
            await accept(turn)
        await turn.send("websocket.close", code=4000)

    assert visited.connect(act) == [{"type": "websocket.close", "code": 4000}]
