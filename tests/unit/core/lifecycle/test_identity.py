"""Whose session it is: log-in, another session, and what the cookie says."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from serverless_sessions import Session, SessionInfo, ids
from serverless_sessions.arrival import Request
from serverless_sessions.errors import SessionClosed
from serverless_sessions.testing.browser import Browser, Driver, settled
from serverless_sessions.testing.clock import FrozenClock
from support.failures import once
from support.scenes import GRACE, IDLE, INTENTS, SITUATIONS, Scene


async def _all(session: Any) -> dict[str, Any]:
    return dict(await settled(session.items()))


def test_a_value_held_across_a_log_in_is_saved_for_the_visitor_who_kept_it(live: Scene) -> None:
    async def act(session: Any) -> None:
        held = await settled(session.get("l"))
        session.bind("alice")
        held.append(2)
        assert await settled(session.get("l")) is held

    live.play(act)
    assert live.stored() == "a=1 l=[1,2] @alice"


def test_a_value_held_across_a_change_of_user_is_gone(scene: Scene) -> None:
    SITUATIONS["alice"](scene)

    async def act(session: Any) -> None:
        held = await settled(session.get("l"))
        session.bind("bob")
        held.append(2)
        assert await settled(session.get("l")) is None
        session.set("b", 1)

    scene.play(act)
    assert scene.stored() == "b=1 @bob"


def test_a_value_set_and_held_before_a_change_of_user_stays_behind(scene: Scene) -> None:
    """The session was not read before: whose it was is known only when it is saved."""
    SITUATIONS["alice"](scene)

    async def act(session: Any) -> None:
        session.set("draft", ["of alice"])
        held = await settled(session.get("draft"))
        session.bind("bob")
        await settled(session.save())
        held.append("more")

    scene.play(act)
    assert scene.stored() == "@bob"


def test_a_value_held_since_the_first_of_two_log_ins_is_saved(scene: Scene) -> None:
    async def leave_and_return(session: Any) -> None:
        session.bind(None)
        session.set("cart", [])
        cart = await settled(session.get("cart"))
        cart.append("mug")
        session.bind("bob")
        assert await settled(session.get("cart")) is cart
        cart.append("tea")

    async def twice(session: Any) -> None:
        session.bind("bob")
        held = await settled(session.get("cart"))
        session.bind("bob")
        held.append("pen")

    SITUATIONS["alice"](scene)
    scene.play(leave_and_return)
    assert scene.stored() == "cart=['mug','tea'] @bob"
    scene.play(twice)
    assert scene.stored() == "cart=['mug','tea','pen'] @bob"


def test_binding_twice_in_one_request_counts_each_change_of_user(scene: Scene) -> None:
    async def act(session: Any) -> None:
        session.set("before", 1)
        session.bind("alice")
        session.set("alices", 1)
        session.bind("alice")
        session.set("more", 1)

    async def change(session: Any) -> None:
        session.bind("alice")
        session.set("alices", 2)
        session.bind("bob")
        session.set("bobs", 1)

    async def leave_and_return(session: Any) -> None:
        session.bind(None)
        session.set("kept", 1)
        session.bind("carol")

    scene.play(act)
    assert scene.stored() == "alices=1 before=1 more=1 @alice"
    scene.play(change)
    assert scene.stored() == "bobs=1 @bob"
    scene.play(leave_and_return)
    assert scene.stored() == "kept=1 @carol"


def test_bind_restarts_the_absolute_deadline_and_stamps_the_log_in(scene: Scene) -> None:
    scene.manager.config = scene.config.changed(absolute_timeout=IDLE - 1)
    SITUATIONS["live"](scene)

    async def act(session: Any) -> None:
        session.bind("alice")
        assert (await settled(session.info())).user == "alice"

    async def info(session: Any) -> Any:
        return await settled(session.info())

    before = scene.client.request(info)
    scene.clock.advance(500)
    scene.play(act)
    after = scene.client.request(info)
    assert after.handle == before.handle
    assert after.created_at == before.created_at
    assert before.expires_at - before.created_at == timedelta(seconds=IDLE - 1)
    assert after.expires_at - before.expires_at == timedelta(seconds=500)
    assert after.authenticated_at - before.created_at == timedelta(seconds=500)
    assert not after.is_new


def test_what_another_user_was_flashed_goes_with_the_data(scene: Scene) -> None:
    async def flashed(session: Any) -> Any:
        return await settled(session.flashes())

    for intent, shown in (("bind-bob", []), ("unbind", []), ("bind-alice", [("note", "hello")])):
        fresh = Scene(scene.client.driver, scene.clock)
        SITUATIONS["alice"](fresh)
        fresh.play(INTENTS[intent])
        assert fresh.client.request(flashed) == shown, intent


def test_the_facts_of_a_session(scene: Scene) -> None:
    async def look(session: Any) -> tuple[Any, Any]:
        if isinstance(session, Session):
            assert session.user == session.info().user
        return await settled(session.info()), session.id

    anonymous, no_id = scene.client.request(look)
    assert (anonymous, no_id) == (SessionInfo(None, True, None, None, None, None), None)
    assert scene.store.calls == []

    async def begin(session: Any) -> Any:
        session.set("a", 1)
        await settled(session.save())
        return await look(session)

    new, new_id = scene.client.request(begin)
    assert (new.user, new.is_new, new.authenticated_at) == (None, True, None)
    assert new_id == scene.client.id
    assert new.created_at == datetime.fromtimestamp(scene.clock.time, UTC).replace(microsecond=0)
    assert new.expires_at - new.created_at == timedelta(seconds=IDLE)

    scene.client.request(INTENTS["bind-alice"])
    later, later_id = scene.client.request(look)
    assert (later.user, later.is_new, later.handle) == ("alice", False, new.handle)
    assert later_id != new_id
    assert new.handle not in (new_id, later_id)


def test_the_id_stays_until_a_new_one_is_carried_out_and_is_never_read(live: Scene) -> None:
    before = live.client.id

    async def act(session: Any) -> tuple[str, str]:
        session.regenerate()
        asked = session.id
        assert live.store.calls == []
        await settled(session.save())
        return asked, session.id

    asked, after = live.play(act)
    assert asked == before
    assert after == live.client.id != before


@pytest.mark.parametrize("last", ["regenerate", "bind-alice"])
def test_fact_15_of_two_new_ids_in_a_request_the_first_leaves_nothing_to_the_original(
    live: Scene, last: str
) -> None:
    """No grace spans two markers; a log-out does."""
    original, between = live.client.id, list[str | None]()

    async def act(session: Any) -> None:
        session.regenerate()
        await settled(session.save())
        between.append(session.id)
        await INTENTS[last](session)

    live.play(act)
    assert len({original, *between, live.client.id}) == 3
    assert live.stored().startswith("a=1 ")

    late = Browser(live.manager, live.client.driver, original)
    assert late.request(_all) == {}
    live.clock.advance(GRACE)
    assert Browser(live.manager, live.client.driver, str(between[0])).request(_all) == {}
    late.request(INTENTS["destroy"])
    assert live.stored() == "-"


def test_load_works_on_another_live_session_without_touching_the_cookie(live: Scene) -> None:
    visitor = Browser(live.manager, live.client.driver)

    async def act(session: Any) -> Any:
        session.set("mine", 1)
        await settled(session.load(live.client.id))
        session.set("b", 2)
        return await settled(session.get("a")), session.id

    assert visitor.request(act) == (1, live.client.id)
    assert visitor.set_cookie == "new"
    assert visitor.id != live.client.id
    assert live.stored() == "a=1 b=2 l=[1]"
    assert visitor.request(_all) == {"mine": 1}


def test_regenerate_after_load_gives_the_client_the_loaded_session(live: Scene) -> None:
    visitor = Browser(live.manager, live.client.driver)

    async def act(session: Any) -> None:
        await settled(session.load(live.client.id))
        session.regenerate()

    visitor.request(act)
    assert visitor.set_cookie == "new"
    assert visitor.request(_all) == {"a": 1, "l": [1]}


def test_destroy_after_load_leaves_the_clients_own_session(live: Scene) -> None:
    visitor = Browser(live.manager, live.client.driver)
    visitor.request(INTENTS["set"])

    async def act(session: Any) -> None:
        await settled(session.load(live.client.id))
        session.destroy()

    visitor.request(act)
    assert visitor.set_cookie is None
    assert live.stored() == "-"
    assert visitor.request(_all) == {"b": 2}


@pytest.mark.parametrize("ending", ["destroyed here", "ended elsewhere"])
def test_the_end_of_a_loaded_session_keeps_the_clients_own_new_id(live: Scene, ending: str) -> None:
    """A log-in that also ends another session of the user."""
    visitor = Browser(live.manager, live.client.driver)
    visitor.request(INTENTS["set"])

    async def act(session: Any) -> None:
        session.bind("alice")
        await settled(session.load(live.client.id))
        if ending == "destroyed here":
            session.destroy()
        else:
            await live.client.twin().send(INTENTS["destroy"])
            session.set("x", 1)

    visitor.request(act)
    assert visitor.set_cookie == "new"
    assert visitor.request(_all) == {"b": 2}
    assert live.stored() == "-"


def test_two_cookies_of_one_name_are_tried_in_order(live: Scene) -> None:
    name = live.config.cookie_name

    async def run(lines: list[str]) -> tuple[Any, list[str]]:
        live.store.calls.clear()
        begin = live.manager.begin if live.client.driver == "sync" else live.manager.begin_async
        invocation = begin(Request.with_cookies(*lines))
        value = await settled(invocation.session.get("a"))
        await settled(invocation.finish(failed=False))
        return value, live.store.calls.copy()

    stale, good = f"{name}={ids.draw()}", f"{name}={live.client.id}"
    assert asyncio.run(run([f"{stale}; {good}"])) == (1, ["load", "load"])
    assert asyncio.run(run([good, stale])) == (1, ["load"])
    assert asyncio.run(run([stale, stale.upper(), f"{stale}x; {good}"])) == (1, ["load", "load"])


def test_a_log_out_ends_every_session_that_the_cookies_name(live: Scene) -> None:
    second = Browser(live.manager, live.client.driver)
    second.request(INTENTS["set"])
    name = live.config.cookie_name

    async def log_out() -> None:
        begin = live.manager.begin if live.client.driver == "sync" else live.manager.begin_async
        invocation = begin(Request.with_cookies(f"{name}={live.client.id}; {name}={second.id}"))
        await settled(invocation.session.get("a"))
        invocation.session.destroy()
        await settled(invocation.finish(failed=False))

    asyncio.run(log_out())
    assert list(live.store.inner.scan()) == []


def test_decision_5_only_destroy_clears_a_cookie(scene: Scene) -> None:
    for situation in ("malformed", "unknown", "expired", "after-grace"):
        fresh = Scene(scene.client.driver, scene.clock)
        SITUATIONS[situation](fresh)
        for intent in ("get", "delete", "clear", "regenerate", "flashes"):
            fresh.play(INTENTS[intent])
            assert fresh.client.set_cookie is None, (situation, intent)
        fresh.play(INTENTS["destroy"])
        assert fresh.client.set_cookie == (None if situation == "malformed" else "clear")


def test_decision_9_a_persistent_cookie_lasts_as_long_as_the_absolute_timeout_leaves(
    driver: Driver,
) -> None:
    with FrozenClock() as clock:
        scene = Scene(driver, clock)
        scene.manager.config = scene.config.changed(
            cookie_persistent=True, absolute_timeout=5000, idle_timeout=IDLE
        )
        scene.play(INTENTS["set"])
        assert "; Max-Age=5000;" in (scene.client.outcome.set_cookie or "")
        clock.advance(600)
        scene.play(INTENTS["regenerate"])
        assert "; Max-Age=4400;" in (scene.client.outcome.set_cookie or "")
        scene.play(INTENTS["bind-alice"])
        assert "; Max-Age=5000;" in (scene.client.outcome.set_cookie or "")


def test_decision_10_what_was_consulted_is_told_apart_and_what_was_not_is_not(scene: Scene) -> None:
    for intent in ("get", "modify", "flashes"):
        scene.play(INTENTS[intent])
        assert scene.client.outcome.accessed, intent
    for intent in ("nothing", "delete", "clear"):
        scene.play(INTENTS[intent])
        assert not scene.client.outcome.accessed, intent


@pytest.mark.parametrize("intent", ["set", "bind-alice"])
def test_a_log_out_in_a_task_beside_the_first_save_ends_the_new_session(intent: str) -> None:
    scene = Scene("async", FrozenClock())
    sessions: list[Any] = []

    async def act(session: Any) -> None:
        sessions.append(session)
        await INTENTS[intent](session)
        await session.save()

    scene.store.before = once(lambda: sessions[0].destroy(), "create")
    scene.client.request(act)
    assert dict(scene.store.inner.scan()) == {}
    assert scene.client.set_cookie is None


def test_a_log_out_in_a_task_beside_the_last_save_is_told_that_it_comes_too_late() -> None:
    scene = Scene("async", FrozenClock())
    sessions: list[Any] = []

    async def act(session: Any) -> None:
        sessions.append(session)
        session.set("b", 2)

    def log_out() -> None:
        with pytest.raises(SessionClosed):
            sessions[0].destroy()

    scene.store.before = once(log_out, "create")
    scene.client.request(act)
    assert scene.client.set_cookie == "new"
