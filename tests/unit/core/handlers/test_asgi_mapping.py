"""A session read ahead, for applications that use ``request.session`` as a dict."""

from __future__ import annotations

import asyncio

import pytest

from serverless_sessions import Session, current_async_session, current_session
from serverless_sessions.errors import Unsupported
from support.asgi import NAME, Site, Turn, headers_of, set_and_answer, status
from support.failures import down


@pytest.fixture
def site() -> Site:
    return Site(mapping=True)


@pytest.fixture
def visited(site: Site) -> Site:
    site.visit(set_and_answer)
    site.store.calls.clear()
    return site


def test_it_is_a_mapping_read_before_the_application_is_called(visited: Site) -> None:
    async def act(turn: Turn) -> None:
        assert visited.store.calls == ["load"]
        session = turn.session
        assert isinstance(session, Session)
        assert session is current_session()
        assert (dict(session), len(session), "a" in session, bool(session)) == (
            {"a": 1},
            1,
            True,
            True,
        )
        assert session.get("b") is None
        with pytest.raises(KeyError):
            session["b"]
        session["b"] = [1]
        session["b"].append(2)
        session.update(c=3, d=4)
        assert session.pop("c") == 3
        del session["d"]
        session.setdefault("e", []).append(5)
        assert session.user is None
        assert session.info().handle
        assert session.flashes() == []
        assert session.id == visited.cookie.partition("=")[2]
        await turn.answer()

    assert status(visited.visit(act)) == 200
    assert visited.store.calls == ["load", "update"]
    assert visited.stored() == {"a": "[1]", "b": "[[1,2],1,2]", "e": "[[1],5]"}


def test_intents_are_carried_out(visited: Site) -> None:
    async def act(turn: Turn) -> None:
        turn.session.bind("ann")
        turn.session.flash("note", "hello")
        turn.session.clear()
        await turn.answer()

    before = visited.cookie
    visited.visit(act)
    assert visited.cookie not in ("", before)
    assert "a" not in visited.stored()

    async def log_out(turn: Turn) -> None:
        assert turn.session.user == "ann"
        turn.session.destroy()
        assert dict(turn.session) == {}
        await turn.answer()

    visited.visit(log_out)
    assert (visited.cookie, visited.sessions()) == ("", 0)


def test_without_an_id_nothing_is_read_and_nothing_blocks(site: Site) -> None:
    async def act(turn: Turn) -> None:
        session = turn.session
        assert (dict(session), session.user, session.flashes(), session.get("a")) == (
            {},
            None,
            [],
            None,
        )
        session.save()
        await turn.answer()

    sent = site.visit(act)
    assert site.store.calls == []
    assert headers_of(sent[0], "set-cookie") == []


def test_what_needs_the_store_is_refused_and_may_be_awaited(visited: Site) -> None:
    async def act(turn: Turn) -> None:
        session, awaited = turn.session, current_async_session()
        session["b"] = 1
        for needs_the_store in (
            lambda: session.modify("a", lambda a: a + 1),
            session.save,
            session.csrf_token,
            lambda: session.load("x" * 43),
        ):
            with pytest.raises(Unsupported, match="await the same method of current_async_session"):
                needs_the_store()
        assert visited.store.calls == ["load"]
        assert await awaited.modify("a", lambda a: a + 1) == 2
        await awaited.save()
        assert session.is_csrf_token(await awaited.csrf_token())
        assert session["a"] == 2
        assert session.csrf_token()
        await turn.answer()

    assert status(visited.visit(act)) == 200
    assert visited.stored()["a"] == "[2]"


def test_flashes_are_shown_where_they_can_be_removed(visited: Site) -> None:
    async def flash(turn: Turn) -> None:
        turn.session.flash("note", "hello")
        await turn.answer()

    async def show(turn: Turn) -> None:
        with pytest.raises(Unsupported):
            turn.session.flashes()
        assert await asyncio.to_thread(turn.session.flashes) == [("note", "hello")]
        await turn.answer()

    visited.visit(flash)
    assert status(visited.visit(show)) == 200


def test_a_refusal_leaves_nothing_behind(site: Site) -> None:
    """In plain mode nothing is read ahead: what is refused on the loop is not taken for a read
    that failed."""
    site = Site()
    site.visit(set_and_answer)

    async def act(turn: Turn) -> None:
        with pytest.raises(Unsupported):
            current_session().get("a")
        assert await turn.session.get("a") == 1
        assert current_session()["a"] == 1
        await turn.answer()

    assert status(site.visit(act)) == 200


def test_an_untouched_answer_is_the_same_for_all_visitors(visited: Site) -> None:
    async def ignore(turn: Turn) -> None:
        await turn.answer()

    assert visited.visit(ignore)[0]["headers"] == []


def test_a_store_that_fails_is_told_to_who_asks(visited: Site) -> None:
    visited.store.before = down

    async def ignore(turn: Turn) -> None:
        await turn.answer()

    async def look(turn: Turn) -> None:
        dict(turn.session)

    assert status(visited.visit(ignore)) == 200
    sent = visited.visit(look)
    assert (status(sent), headers_of(sent[0], "retry-after")) == (503, ["1"])


def test_a_stale_cookie_costs_one_read_and_is_replaced_by_a_write(site: Site) -> None:
    async def act(turn: Turn) -> None:
        assert dict(turn.session) == {}
        turn.session["a"] = 1
        await turn.answer()

    sent = site.visit(act, f"{NAME}={'x' * 43}")
    assert site.store.calls == ["load", "create"]
    assert "x" * 43 not in headers_of(sent[0], "set-cookie")[0]


def test_a_websocket_has_it_too(visited: Site) -> None:
    async def act(turn: Turn) -> None:
        assert turn.session["a"] == 1
        turn.session["a"] = 2
        await turn.send("websocket.accept")
        turn.session["b"] = 3
        with pytest.raises(Unsupported):
            turn.session.save()
        await current_async_session().save()

    visited.connect(act)
    assert visited.stored() == {"a": "[2]", "b": "[3]"}
