"""A store that fails: errors, lost replies, and time that is up."""

from __future__ import annotations

import time
from typing import Any

import pytest

from serverless_sessions import (
    Conflict,
    StoreTimeout,
    StoreUnavailable,
    clock,
    ids,
)
from serverless_sessions.arrival import Request
from serverless_sessions.store import Change, Entry
from serverless_sessions.testing.browser import settled
from support.failures import down, once
from support.scenes import INTENTS, SITUATIONS, Scene


async def increment(session: Any) -> None:
    await settled(session.modify("n", lambda n: n + 1, 0))


def lose_reply() -> None:
    raise StoreUnavailable("the connection broke")


@pytest.mark.parametrize("intent", [name for name in INTENTS if name != "nothing"])
def test_guarantee_6_a_store_that_fails_gives_an_error_and_loses_nothing(
    live: Scene, intent: str
) -> None:
    live.store.before = down
    with pytest.raises(StoreUnavailable):
        live.play(INTENTS[intent])
    live.store.before = lambda _: None
    assert live.client.set_cookie is None
    assert live.stored() == "a=1 l=[1]"


def test_guarantee_6_a_foreign_error_of_a_store_is_wrapped_with_its_cause(live: Scene) -> None:
    def break_down(_: str) -> None:
        raise ZeroDivisionError

    live.store.before = break_down
    with pytest.raises(StoreUnavailable) as caught:
        live.play(INTENTS["get"])
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize(
    ("situation", "intent", "lost", "stored"),
    [
        ("anonymous", "set", "create", "b=2"),
        ("live", "set", "update", "a=1 b=2 l=[1]"),
        ("live", "modify", "update", "a=1 l=[1] n=1"),
        ("live", "flashes", "update", "a=1 l=[1]"),
        ("live", "clear", "update", "empty"),
        ("live", "set,regenerate", "rotate", "a=1 b=2 l=[1]"),
        ("live", "bind-alice", "rotate", "a=1 b=2 c=3 l=[1] @alice"),
        ("live", "destroy", "delete", "-"),
        ("in-grace", "destroy", "delete", "-"),
    ],
)
@pytest.mark.parametrize("side", ["before", "after"])
def test_guarantee_6_a_write_whose_reply_is_lost_is_stored_once(
    scene: Scene, situation: str, intent: str, lost: str, stored: str, side: str
) -> None:
    """Lost on the way there (before) or on the way back (after): the client sees no difference."""
    SITUATIONS[situation](scene)
    before = len(dict(scene.store.inner.scan()))
    setattr(scene.store, side, once(lose_reply, lost))
    scene.play(INTENTS[intent])
    assert scene.stored() == stored
    gone, new = stored == "-", situation == "anonymous"
    assert len(dict(scene.store.inner.scan())) == before - gone + new


@pytest.mark.parametrize("theirs", [10, 1])
def test_guarantee_6_modify_never_counts_twice_when_its_reply_is_lost_and_others_write(
    live: Scene, theirs: int
) -> None:
    """After a lost reply another's write hides the nonce: the change is open, and so told, even
    where they brought back the 1 that it replaced."""
    live.client.request(increment)
    key = ids.stored_key(live.client.id)
    raced = Change(set={"n": Entry(f"[{theirs}]")}, nonce="theirs")

    def lose_and_race() -> None:
        live.store.inner.update(key, raced)
        lose_reply()

    live.store.after = once(lose_and_race, "update")
    with pytest.raises(StoreTimeout):
        live.play(increment)
    assert live.stored() == f"a=1 l=[1] n={theirs}"


def test_guarantee_6_a_store_call_gets_what_the_invocation_has_left(live: Scene) -> None:
    invocation = live.manager.begin(
        Request.with_cookies(f"{live.config.cookie_name}={live.client.id}"), time_left=lambda: 0.0
    )
    with pytest.raises(StoreTimeout):
        invocation.session.get("a")
    assert live.store.calls == []


def test_guarantee_6_modify_gives_up_with_conflict_when_time_is_up(live: Scene) -> None:
    key = ids.stored_key(live.client.id)
    races: list[int] = []

    def interfere(operation: str) -> None:
        if operation == "update":
            races.append(len(races))
            theirs = Change(set={"n": Entry(f"[{len(races)}]")}, nonce="theirs")
            live.store.inner.update(key, theirs)

    live.store.before = interfere
    invocation = live.manager.begin(
        Request.with_cookies(f"{live.config.cookie_name}={live.client.id}"),
        time_left=lambda: 1.0 if len(races) < 3 else 0.0,
    )
    with pytest.raises(Conflict):
        invocation.session.modify("n", lambda n: n + 1, 0)
    assert len(races) == 3
    assert live.stored() == "a=1 l=[1] n=3"


def test_guarantee_6_the_store_timeout_bounds_an_operation_with_its_settlement(
    live: Scene,
) -> None:
    live.manager.config = live.config.changed(store_timeout=50)
    bounds: list[float] = []
    live.store.before = lambda _: bounds.append(clock.time_left())

    def lose_late() -> None:
        time.sleep(0.05)
        lose_reply()

    live.store.after = once(lose_late, "update")
    live.play(INTENTS["set"])
    first, again = bounds
    assert again + 0.05 <= first <= 50
