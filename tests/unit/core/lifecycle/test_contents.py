"""Values, keys and flashes as a handler handles them."""

from __future__ import annotations

import asyncio
import copy
import pickle
from datetime import timedelta
from typing import Any

import pytest

from serverless_sessions import (
    SessionClosed,
    ids,
)
from serverless_sessions.store import Change, Entry
from serverless_sessions.testing.browser import settled
from support.failures import once
from support.scenes import INTENTS, SITUATIONS, Scene


def test_decision_4_delete_then_set_stores(live: Scene) -> None:
    async def act(session: Any) -> None:
        session.delete("a")
        session.set("a", 9)

    live.play(act)
    assert live.stored() == "a=9 l=[1]"
    assert live.store.calls == ["update"]


def test_decision_4_get_after_destroy_is_empty_without_a_read(live: Scene) -> None:
    async def act(session: Any) -> Any:
        session.destroy()
        return await settled(session.get("a", "gone")), session.id

    assert live.play(act) == ("gone", None)
    assert live.store.calls == ["delete"]


def test_decision_4_equality_and_hash_are_by_identity(scene: Scene) -> None:
    async def act(session: Any) -> bool:
        return session == session and session != {} and len({session, session}) == 1

    assert scene.client.request(act)
    assert scene.store.calls == []


def test_decision_4_repr_reads_nothing_and_shows_no_value(live: Scene) -> None:
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


def test_decision_4_a_session_is_neither_pickled_nor_copied(scene: Scene) -> None:
    async def act(session: Any) -> None:
        for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="pickled"):
                attempt(session)

    scene.client.request(act)


def test_decision_4_use_after_the_response_raises_session_closed(scene: Scene) -> None:
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


def test_decision_8_a_plain_set_clears_the_ttl_and_mutation_and_modify_keep_it(
    scene: Scene,
) -> None:
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


def test_decision_8_an_expired_key_is_absent_everywhere_and_reading_does_not_remove_it(
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


def test_decision_8_modify_gives_its_key_another_ttl_or_none(scene: Scene) -> None:
    async def begin(session: Any) -> None:
        session.set("shorter", 1)
        session.set("kept", 1, ttl=60)
        session.set("unbound", 1, ttl=60)

    async def change(session: Any) -> None:
        await settled(session.modify("shorter", lambda n: n, ttl=10))
        await settled(session.modify("kept", lambda n: n))
        await settled(session.modify("unbound", lambda n: n, ttl=None))

    async def keys(session: Any) -> list[str]:
        return sorted(await settled(session.keys()))

    scene.client.request(begin)
    scene.client.request(change)
    scene.clock.advance(10)
    assert scene.client.request(keys) == ["kept", "unbound"]
    scene.clock.advance(50)
    assert scene.client.request(keys) == ["unbound"]


def test_decision_8_what_asks_the_store_for_nothing_is_no_use(scene: Scene) -> None:
    SITUATIONS["touch-due"](scene)

    async def look(session: Any) -> None:
        assert session.id == scene.client.id
        repr(session)

    scene.play(look)
    assert scene.store.calls == []


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


def test_modify_gives_its_function_a_fresh_copy_at_each_attempt(live: Scene) -> None:
    default: list[int] = []

    def append(items: list[int]) -> list[int]:
        items.append(1)
        return items

    def interfere() -> None:
        theirs = Change(set={"other": Entry("[1]"), "new": Entry("[[]]")}, nonce="theirs")
        live.store.inner.update(ids.stored_key(live.client.id), theirs)

    async def act(session: Any) -> Any:
        live.store.before = once(interfere, "update")
        return await settled(session.modify("new", append, default))

    assert live.play(act) == [1]
    assert default == []
    assert live.stored() == "a=1 l=[1] new=[1] other=1"
