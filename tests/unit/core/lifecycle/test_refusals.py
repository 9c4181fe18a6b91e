"""What a session refuses, and that nothing stored is lost by it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from serverless_sessions import (
    CorruptRecord,
    InvalidArgument,
    SessionNotFound,
    SessionTooLarge,
    UnsupportedValue,
    ids,
)
from serverless_sessions.store import Change, Entry, Record
from serverless_sessions.testing.browser import settled
from support.scenes import INTENTS, Scene

HOSTILE_KEYS = ["", "_sls.x", "_sls.", "k" * 1025, "é" * 513, "\ud800", 1, None, b"k"]


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_decision_3_keys_that_are_not_allowed_are_refused_at_the_call(
    scene: Scene, key: Any
) -> None:
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
def test_decision_3_every_other_text_is_a_key(scene: Scene, key: str) -> None:
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


def test_guarantee_6_a_corrupt_value_raises_when_its_key_is_read_and_stays_till_it_is_set(
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
    assert isinstance(found, Record)
    assert found.entries["a"].text == '[["Nonsense"]]'
    live.play(INTENTS["regenerate"])

    async def mend(session: Any) -> None:
        session.set("a", 5)

    live.play(mend)
    assert live.stored() == "a=5 l=[1]"


@pytest.mark.parametrize(
    ("mended_by", "stored"), [("delete", "l=[1]"), ("clear", "empty"), ("destroy", "-")]
)
def test_guarantee_6_a_corrupt_value_ends_when_it_is_told_to(
    live: Scene, mended_by: str, stored: str
) -> None:
    key = ids.stored_key(live.client.id)
    live.store.inner.update(key, Change(set={"a": Entry('[["Nonsense"]]')}, nonce="n"))
    live.play(INTENTS[mended_by])
    assert live.stored() == stored


def test_guarantee_7_a_value_over_the_limit_fails_at_set_and_nothing_is_lost(
    live: Scene,
) -> None:
    async def act(session: Any) -> None:
        with pytest.raises(SessionTooLarge, match=r"'big'.*1000000"):
            session.set("big", "x" * 1_000_001)

    live.play(act)
    assert live.stored() == "a=1 l=[1]"


def test_guarantee_7_values_too_large_together_are_refused_and_nothing_is_lost(
    live: Scene,
) -> None:
    async def act(session: Any) -> None:
        session.set("b", "x" * 600_000)
        session.set("c", "x" * 600_000)

    with pytest.raises(SessionTooLarge):
        live.play(act)
    assert live.stored() == "a=1 l=[1]"
