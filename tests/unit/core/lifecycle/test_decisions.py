"""The decisions about a session, each by its name, through both drivers."""

from __future__ import annotations

import asyncio
import copy
import pickle
from datetime import timedelta
from typing import Any

import pytest

from serverless_sessions import (
    CorruptRecord,
    InvalidArgument,
    SessionClosed,
    SessionGone,
    SessionNotFound,
    SessionTooLarge,
    StoreUnavailable,
    UnsupportedValue,
    ids,
)
from serverless_sessions.store import Change, Entry
from serverless_sessions.testing.clock import FrozenClock
from support.client import Client, Driver, settled
from support.scenes import IDLE, INTENTS, SITUATIONS, Scene
from support.stores import down, once


@pytest.fixture(params=["sync", "async"])
def driver(request: pytest.FixtureRequest) -> Driver:
    chosen: Driver = request.param
    return chosen


@pytest.fixture
def scene(driver: Driver) -> Any:
    with FrozenClock() as clock:
        yield Scene(driver, clock)


@pytest.fixture
def live(scene: Scene) -> Scene:
    SITUATIONS["live"](scene)
    scene.store.calls.clear()
    return scene


HOSTILE_KEYS = ["", "_sls.x", "_sls.", "k" * 1025, "é" * 513, "\ud800", 1, None, b"k"]


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_3_keys_that_are_not_allowed_are_refused_at_the_call(scene: Scene, key: Any) -> None:
    async def act(session: Any) -> None:
        for call in ("get", "has", "delete"):
            with pytest.raises(InvalidArgument):
                await settled(getattr(session, call)(key))
        for call in ("set", "flash"):
            with pytest.raises(InvalidArgument):
                getattr(session, call)(key, 1)
        with pytest.raises(InvalidArgument):
            await settled(session.modify(key, lambda _: 1))

    scene.client.request(act)
    assert scene.store.calls == []


@pytest.mark.parametrize("key", ["k" * 1024, "é" * 512, ".", "__proto__", "a b\n;=", "\0"])
def test_3_every_other_text_is_a_key(scene: Scene, key: str) -> None:
    async def act(session: Any) -> None:
        session.set(key, 1)

    async def look(session: Any) -> Any:
        return await settled(session.get(key))

    scene.client.request(act)
    assert scene.client.request(look) == 1


@pytest.mark.parametrize("ttl", [0, -1, float("nan"), float("inf"), "60", True, timedelta(0)])
def test_a_ttl_that_is_no_time_is_refused(scene: Scene, ttl: Any) -> None:
    async def act(session: Any) -> None:
        with pytest.raises(InvalidArgument, match="ttl"):
            session.set("k", 1, ttl=ttl)

    scene.client.request(act)


@pytest.mark.parametrize("user", ["", 1, "\ud800", "u" * 1025])
def test_bind_takes_a_non_empty_str(scene: Scene, user: Any) -> None:
    async def act(session: Any) -> None:
        with pytest.raises(InvalidArgument):
            session.bind(user)

    scene.client.request(act)


def test_4_delete_then_set_stores(live: Scene) -> None:
    async def act(session: Any) -> None:
        session.delete("a")
        session.set("a", 9)

    live.play(act)
    assert live.stored() == "a=9 l=[1]"
    assert live.store.calls == ["update"]


def test_4_get_after_destroy_is_empty_without_a_read(live: Scene) -> None:
    async def act(session: Any) -> Any:
        session.destroy()
        return await settled(session.get("a", "gone")), session.id

    assert live.play(act) == ("gone", None)
    assert live.store.calls == ["delete"]


def test_4_equality_and_hash_are_by_identity(scene: Scene) -> None:
    async def act(session: Any) -> bool:
        return session == session and session != {} and len({session, session}) == 1

    assert scene.client.request(act)
    assert scene.store.calls == []


def test_4_repr_reads_nothing_and_shows_no_value(live: Scene) -> None:
    async def act(session: Any) -> list[str]:
        seen = [repr(session)]
        await settled(session.get("a"))
        session.set("secret", "hush")
        return [*seen, repr(session)]

    unread, read = live.play(act)
    assert "unread" in unread
    assert "live" in read
    assert "hush" not in read
    assert "secret" not in read
    assert live.client.id not in unread + read


def test_4_a_session_is_neither_pickled_nor_copied(scene: Scene) -> None:
    async def act(session: Any) -> None:
        for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="pickled"):
                attempt(session)

    scene.client.request(act)


def test_4_use_after_the_response_raises_session_closed(scene: Scene) -> None:
    async def act(session: Any) -> Any:
        return session

    session = scene.client.request(act)
    with pytest.raises(SessionClosed):
        session.set("k", 1)
    with pytest.raises(SessionClosed):
        _ = session.id
    with pytest.raises(SessionClosed):
        asyncio.run(_read(session))
    assert "closed" in repr(session)


async def _read(session: Any) -> None:
    await settled(session.get("k"))


def test_5_only_destroy_clears_a_cookie(scene: Scene) -> None:
    for situation in ("malformed", "unknown", "expired", "after-grace"):
        fresh = Scene(scene.client.driver, scene.clock)
        SITUATIONS[situation](fresh)
        for intent in ("get", "delete", "clear", "regenerate", "flashes"):
            fresh.play(INTENTS[intent])
            assert fresh.client.set_cookie is None, (situation, intent)
        fresh.play(INTENTS["destroy"])
        assert fresh.client.set_cookie == (None if situation == "malformed" else "clear")


def test_6_save_is_the_way_to_learn_that_a_session_is_gone(live: Scene) -> None:
    live.reads_first = True
    live.meanwhile = INTENTS["destroy"]

    async def act(session: Any) -> None:
        session.set("b", 2)
        with pytest.raises(SessionGone):
            await settled(session.save())

    live.play(act)
    assert live.client.set_cookie is None
    assert live.stored() == "-"


def test_6_a_session_that_was_saved_counts_as_seen_alive(live: Scene) -> None:
    async def act(session: Any) -> None:
        session.set("b", 2)
        await settled(session.save())
        await live.client.twin().send(INTENTS["destroy"])
        session.set("c", 3)

    live.play(act)
    assert live.client.set_cookie is None
    assert list(live.store.inner.scan()) == []


@pytest.mark.parametrize("status", [200, 302, 404, 499])
def test_7_answers_below_500_save_everything(live: Scene, status: int) -> None:
    live.play(INTENTS["set"], status)
    assert live.stored() == "a=1 b=2 l=[1]"


@pytest.mark.parametrize("intent", ["set", "clear", "mutate", "regenerate", "bind-bob", "flash"])
@pytest.mark.parametrize("status", [500, 503])
def test_7_a_5xx_answer_saves_nothing(live: Scene, intent: str, status: int) -> None:
    live.play(INTENTS[intent], status)
    assert live.client.set_cookie is None
    assert live.stored() == "a=1 l=[1]"


class HandlerError(Exception):
    """What the handler's own code raises."""


def failing_after(intent: str) -> Any:
    async def act(session: Any) -> None:
        await INTENTS[intent](session)
        raise HandlerError

    return act


@pytest.mark.parametrize("intent", ["set", "clear", "mutate", "regenerate", "bind-bob", "flash"])
def test_7_a_handler_that_raises_saves_nothing(live: Scene, intent: str) -> None:
    with pytest.raises(HandlerError):
        live.play(failing_after(intent))
    assert live.client.set_cookie is None
    assert live.stored() == "a=1 l=[1]"


def test_7_destroy_is_carried_out_when_the_handler_raises_or_answers_5xx(live: Scene) -> None:
    other = Scene(live.client.driver, live.clock)
    SITUATIONS["live"](other)
    with pytest.raises(HandlerError):
        live.play(failing_after("destroy"))
    other.play(INTENTS["destroy"], 500)
    assert live.store.calls == other.store.calls == ["delete"]
    assert other.client.set_cookie == "clear"
    assert live.stored() == other.stored() == "-"


def test_7_modify_and_flashes_and_save_hold_though_the_handler_fails(live: Scene) -> None:
    async def act(session: Any) -> None:
        await settled(session.modify("n", lambda n: n + 1, 0))
        assert await settled(session.flashes()) == [("note", "hello")]
        session.set("b", 2)
        await settled(session.save())
        session.set("c", 3)
        raise HandlerError

    with pytest.raises(HandlerError):
        live.play(act)
    assert live.stored() == "a=1 b=2 l=[1] n=1"


def test_7_a_session_begun_by_modify_gets_its_cookie_with_a_5xx(scene: Scene) -> None:
    scene.play(INTENTS["modify"], 500)
    assert scene.client.set_cookie == "new"
    assert scene.stored() == "n=1"


def test_7_save_on_error_saves_but_never_issues_an_id_that_no_answer_brings(
    driver: Driver,
) -> None:
    with FrozenClock() as clock:
        scene = Scene(driver, clock)
        scene.manager.config = scene.config.changed(save_on_error=True)
        with pytest.raises(HandlerError):
            scene.play(failing_after("set"))
        assert list(scene.store.inner.scan()) == []

        SITUATIONS["live"](scene)
        for intent in ("set,regenerate", "bind-bob"):
            with pytest.raises(HandlerError):
                scene.play(failing_after(intent))
        assert scene.stored() == "a=1 b=2 l=[1]"

        scene.play(INTENTS["regenerate"], 500)
        assert scene.client.set_cookie == "new"
        assert scene.stored() == "a=1 b=2 l=[1]"


def test_8_a_plain_set_clears_the_ttl_and_mutation_and_modify_keep_it(scene: Scene) -> None:
    async def begin(session: Any) -> None:
        for key in ("set", "mutated", "modified", "left"):
            session.set(key, [1], ttl=60)

    async def change(session: Any) -> None:
        session.set("set", [2])
        (await settled(session.get("mutated"))).append(2)
        await settled(session.modify("modified", lambda old: [*old, 2]))

    async def keys(session: Any) -> list[str]:
        return sorted(await settled(session.keys()))

    scene.client.request(begin)
    scene.client.request(change)
    scene.clock.advance(59)
    assert scene.client.request(keys) == ["left", "modified", "mutated", "set"]
    scene.clock.advance(1)
    assert scene.client.request(keys) == ["set"]


def test_8_an_expired_key_is_absent_everywhere_and_reading_does_not_remove_it(
    scene: Scene,
) -> None:
    async def begin(session: Any) -> None:
        session.set("brief", 1, ttl=timedelta(seconds=10))
        session.set("kept", 1)

    async def look(session: Any) -> Any:
        return (
            await settled(session.get("brief", "absent")),
            await settled(session.has("brief")),
            list(await settled(session.keys())),
            await settled(session.modify("brief", lambda old: old, "default")),
        )

    scene.client.request(begin)
    scene.clock.advance(10)

    async def only_read(session: Any) -> None:
        await settled(session.get("brief"))

    scene.store.calls.clear()
    scene.client.request(only_read)
    assert scene.store.calls == ["load"]
    assert scene.client.request(look) == ("absent", False, ["kept"], "default")


def test_9_a_persistent_cookie_lasts_as_long_as_the_absolute_timeout_leaves(
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


def test_10_what_was_consulted_is_told_apart_and_what_was_not_is_not(scene: Scene) -> None:
    for intent in ("get", "modify", "flashes"):
        scene.play(INTENTS[intent])
        assert scene.client.outcome.accessed, intent
    for intent in ("nothing", "delete", "clear"):
        scene.play(INTENTS[intent])
        assert not scene.client.outcome.accessed, intent


def test_11_a_swallowed_read_error_comes_again_without_a_call_and_writes_nothing(
    live: Scene,
) -> None:
    async def act(session: Any) -> None:
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await settled(session.get("a"))
            live.store.before = lambda _: None
        session.set("b", 2)

    live.store.before = down
    with pytest.raises(StoreUnavailable):
        live.play(act)
    assert live.store.calls == ["load"]
    assert live.stored() == "a=1 l=[1]"


def test_11_destroy_after_a_failed_read_is_still_carried_out(live: Scene) -> None:
    async def act(session: Any) -> None:
        with pytest.raises(StoreUnavailable):
            await settled(session.get("a"))
        live.store.before = lambda _: None
        session.destroy()

    live.store.before = down
    live.play(act)
    assert live.client.set_cookie == "clear"
    assert live.stored() == "-"


def test_a_destroy_that_the_store_refuses_leaves_the_cookie(live: Scene) -> None:
    live.store.before = down
    with pytest.raises(StoreUnavailable):
        live.play(INTENTS["destroy"])
    live.store.before = lambda _: None
    assert live.client.set_cookie is None
    assert live.stored() == "a=1 l=[1]"


def test_get_gives_the_same_object_each_time(live: Scene) -> None:
    async def act(session: Any) -> bool:
        return await settled(session.get("l")) is await settled(session.get("l"))

    assert live.play(act)


def test_a_value_that_was_only_looked_at_is_not_written(live: Scene) -> None:
    async def act(session: Any) -> None:
        dict(await settled(session.items()))

    live.play(act)
    assert live.store.calls == ["load"]


def test_changing_the_argument_after_set_changes_nothing_stored(scene: Scene) -> None:
    async def act(session: Any) -> None:
        cart = [1]
        session.set("cart", cart)
        cart.append(2)

    scene.play(act)
    assert scene.stored() == "cart=[1]"


def test_changing_what_get_returned_after_set_is_saved(scene: Scene) -> None:
    async def act(session: Any) -> None:
        session.set("cart", [1])
        (await settled(session.get("cart"))).append(2)
        (await settled(session.setdefault("other", []))).append(3)

    scene.play(act)
    assert scene.stored() == "cart=[1,2] other=[3]"


def test_a_default_given_to_get_is_not_tracked(live: Scene) -> None:
    async def act(session: Any) -> None:
        (await settled(session.get("none", []))).append(1)

    live.play(act)
    assert live.store.calls == ["load"]


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


def test_bind_restarts_the_absolute_deadline_and_stamps_the_log_in(live: Scene) -> None:
    async def act(session: Any) -> None:
        session.bind("alice")
        assert (await settled(session.info())).user == "alice"

    async def info(session: Any) -> Any:
        return await settled(session.info())

    before = live.client.request(info)
    live.clock.advance(500)
    live.play(act)
    after = live.client.request(info)
    assert after.handle == before.handle
    assert after.created_at == before.created_at
    assert after.authenticated_at - before.created_at == timedelta(seconds=500)
    assert not after.is_new


def test_flashes_are_read_once_in_order_by_a_later_request(scene: Scene) -> None:
    async def leave(session: Any) -> Any:
        session.flash("info", "one")
        session.flash("info", ["two"])
        seen = await settled(session.flashes())
        await settled(session.save())
        return seen, await settled(session.flashes())

    async def read(session: Any) -> Any:
        return await settled(session.flashes())

    assert scene.client.request(leave) == ([], [])
    assert scene.client.request(INTENTS["set"]) is None
    assert scene.client.request(read) == [("info", "one"), ("info", ["two"])]
    assert scene.client.request(read) == []


def test_a_flash_is_shown_to_one_of_two_parallel_requests(live: Scene) -> None:
    shown: list[Any] = []

    async def read(session: Any) -> None:
        shown.extend(await settled(session.flashes()))

    live.reads_first = True
    live.meanwhile = read
    live.play(read)
    assert shown == [("note", "hello")]


def test_load_works_on_another_live_session_without_touching_the_cookie(live: Scene) -> None:
    visitor = Client(live.manager, live.client.driver)

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


async def _all(session: Any) -> dict[str, Any]:
    return dict(await settled(session.items()))


def test_regenerate_after_load_gives_the_client_the_loaded_session(live: Scene) -> None:
    visitor = Client(live.manager, live.client.driver)

    async def act(session: Any) -> None:
        await settled(session.load(live.client.id))
        session.regenerate()

    visitor.request(act)
    assert visitor.set_cookie == "new"
    assert visitor.request(_all) == {"a": 1, "l": [1]}


def test_destroy_after_load_leaves_the_clients_own_session(live: Scene) -> None:
    visitor = Client(live.manager, live.client.driver)
    visitor.request(INTENTS["set"])

    async def act(session: Any) -> None:
        await settled(session.load(live.client.id))
        session.destroy()

    visitor.request(act)
    assert visitor.set_cookie is None
    assert live.stored() == "-"
    assert visitor.request(_all) == {"b": 2}


@pytest.mark.parametrize("session_id", ["", "x", "x" * 44, "x" * 43])
def test_load_of_no_live_session_is_session_not_found(live: Scene, session_id: str) -> None:
    async def act(session: Any) -> Any:
        with pytest.raises(SessionNotFound):
            await settled(session.load(session_id))
        return await settled(session.get("a"))

    assert live.play(act) == 1


def test_an_unsupported_value_fails_at_set_and_at_modify_naming_key_and_path(
    live: Scene,
) -> None:
    async def act(session: Any) -> None:
        with pytest.raises(UnsupportedValue, match=r"cart.*\[1\]"):
            session.set("cart", [1, object()])
        with pytest.raises(UnsupportedValue, match="cart"):
            await settled(session.modify("cart", lambda _: object()))

    live.play(act)
    assert live.stored() == "a=1 l=[1]"


def test_modify_that_changes_in_place_and_returns_none_is_a_type_error(live: Scene) -> None:
    async def act(session: Any) -> None:
        with pytest.raises(TypeError, match="must return"):
            await settled(session.modify("l", lambda items: items.append(2)))

    live.play(act)
    assert live.stored() == "a=1 l=[1]"


def test_modify_sees_what_this_request_set_mutated_deleted_or_cleared(live: Scene) -> None:
    async def act(session: Any) -> None:
        session.set("b", 10)
        await settled(session.modify("b", lambda n: n + 1))
        (await settled(session.get("l"))).append(2)
        await settled(session.modify("l", lambda items: [*items, 3]))
        session.delete("a")
        await settled(session.modify("a", lambda n: n, "fresh"))
        assert await settled(session.get("b")) == 11

    async def cleared(session: Any) -> None:
        session.clear()
        await settled(session.modify("a", lambda n: n, "again"))

    live.play(act)
    assert live.stored() == "a=fresh b=11 l=[1,2,3]"
    live.play(cleared)
    assert live.stored() == "a=again"


def test_modify_runs_its_function_again_when_somebody_was_first(live: Scene) -> None:
    seen: list[int] = []

    def add(n: int) -> int:
        seen.append(n)
        return n + 1

    other = live.client.twin()

    def interfere() -> None:
        live.store.inner.update(
            ids.stored_key(other.id), Change(set={"a": Entry("[41]")}, nonce="theirs")
        )

    async def act(session: Any) -> Any:
        live.store.before = once(interfere, "update")
        return await settled(session.modify("a", add))

    assert live.play(act) == 42
    assert seen == [1, 41]
    assert live.stored() == "a=42 l=[1]"


def test_a_corrupt_value_raises_when_its_key_is_read_and_stays_till_it_is_set(
    live: Scene,
) -> None:
    key = ids.stored_key(live.client.id)
    live.store.inner.update(key, Change(set={"a": Entry('[["Nonsense"]]')}, nonce="n"))

    async def read(session: Any) -> Any:
        with pytest.raises(CorruptRecord):
            await settled(session.get("a"))
        with pytest.raises(CorruptRecord):
            await settled(session.modify("a", lambda _: 1))
        return await settled(session.get("l"))

    assert live.play(read) == [1]
    found = live.store.inner.load(key)
    assert found is not None
    assert not isinstance(found, Exception)
    assert found.entries["a"].text == '[["Nonsense"]]'
    live.play(INTENTS["regenerate"])

    async def mend(session: Any) -> None:
        session.set("a", 5)

    live.play(mend)
    assert live.stored() == "a=5 l=[1]"


def test_a_value_over_the_stores_limit_fails_at_set_and_nothing_is_lost(live: Scene) -> None:
    async def act(session: Any) -> None:
        with pytest.raises(SessionTooLarge, match=r"'big'.*1000000"):
            session.set("big", "x" * 1_000_001)

    live.play(act)
    assert live.stored() == "a=1 l=[1]"


def test_values_that_are_too_large_together_are_refused_and_nothing_is_lost(live: Scene) -> None:
    async def act(session: Any) -> None:
        session.set("b", "x" * 600_000)
        session.set("c", "x" * 600_000)

    with pytest.raises(SessionTooLarge):
        live.play(act)
    assert live.stored() == "a=1 l=[1]"


def test_two_cookies_of_one_name_are_tried_in_order(live: Scene) -> None:
    name = live.config.cookie_name

    async def run(lines: list[str]) -> tuple[Any, list[str]]:
        live.store.calls.clear()
        begin = live.manager.begin if live.client.driver == "sync" else live.manager.begin_async
        invocation = begin(lines)
        value = await settled(invocation.session.get("a"))
        await settled(invocation.finish(failed=False))
        return value, live.store.calls.copy()

    stale, good = f"{name}={ids.draw()}", f"{name}={live.client.id}"
    assert asyncio.run(run([f"{stale}; {good}"])) == (1, ["load", "load"])
    assert asyncio.run(run([good, stale])) == (1, ["load"])
    assert asyncio.run(run([stale, stale.upper(), f"{stale}x; {good}"])) == (1, ["load", "load"])


def test_a_log_out_ends_every_session_that_the_cookies_name(live: Scene) -> None:
    second = Client(live.manager, live.client.driver)
    second.request(INTENTS["set"])
    name = live.config.cookie_name

    async def log_out() -> None:
        begin = live.manager.begin if live.client.driver == "sync" else live.manager.begin_async
        invocation = begin([f"{name}={live.client.id}; {name}={second.id}"])
        await settled(invocation.session.get("a"))
        invocation.session.destroy()
        await settled(invocation.finish(failed=False))

    asyncio.run(log_out())
    assert list(live.store.inner.scan()) == []
