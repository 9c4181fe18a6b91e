"""When changes are saved, when they are dropped, and what a failing handler leaves."""

from __future__ import annotations

from typing import Any

import pytest

from serverless_sessions import (
    SessionGone,
    StoreUnavailable,
)
from serverless_sessions.testing.browser import Driver, settled
from serverless_sessions.testing.clock import FrozenClock
from support.failures import down
from support.scenes import INTENTS, SITUATIONS, Scene


def test_decision_6_save_is_the_way_to_learn_that_a_session_is_gone(live: Scene) -> None:
    live.reads_first = True
    live.meanwhile = INTENTS["destroy"]

    async def act(session: Any) -> None:
        session.set("b", 2)
        with pytest.raises(SessionGone):
            await settled(session.save())

    live.play(act)
    assert live.client.set_cookie is None
    assert live.stored() == "-"


def test_decision_6_a_session_that_was_saved_counts_as_seen_alive(live: Scene) -> None:
    async def act(session: Any) -> None:
        session.set("b", 2)
        await settled(session.save())
        await live.client.twin().send(INTENTS["destroy"])
        session.set("c", 3)

    live.play(act)
    assert live.client.set_cookie is None
    assert list(live.store.inner.scan()) == []


@pytest.mark.parametrize("status", [200, 302, 404, 499])
def test_decision_7_answers_below_500_save_everything(live: Scene, status: int) -> None:
    live.play(INTENTS["set"], status)
    assert live.stored() == "a=1 b=2 l=[1]"


@pytest.mark.parametrize("intent", ["set", "clear", "mutate", "regenerate", "bind-bob", "flash"])
@pytest.mark.parametrize("status", [500, 503])
def test_decision_7_a_5xx_answer_saves_nothing(live: Scene, intent: str, status: int) -> None:
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
def test_decision_7_a_handler_that_raises_saves_nothing(live: Scene, intent: str) -> None:
    with pytest.raises(HandlerError):
        live.play(failing_after(intent))
    assert live.client.set_cookie is None
    assert live.stored() == "a=1 l=[1]"


def test_decision_7_destroy_is_carried_out_when_the_handler_raises_or_answers_5xx(
    live: Scene,
) -> None:
    other = Scene(live.client.driver, live.clock)
    SITUATIONS["live"](other)
    with pytest.raises(HandlerError):
        live.play(failing_after("destroy"))
    other.play(INTENTS["destroy"], 500)
    assert live.store.calls == other.store.calls == ["delete"]
    assert other.client.set_cookie == "clear"
    assert live.stored() == other.stored() == "-"


def test_decision_7_modify_and_flashes_and_save_hold_though_the_handler_fails(live: Scene) -> None:
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


def test_decision_7_a_session_begun_by_modify_gets_its_cookie_with_a_5xx(scene: Scene) -> None:
    scene.play(INTENTS["modify"], 500)
    assert scene.client.set_cookie == "new"
    assert scene.stored() == "n=1"


def test_decision_7_save_on_error_saves_but_never_issues_an_id_that_no_answer_brings(
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


def test_decision_11_a_swallowed_read_error_comes_again_without_a_call_and_writes_nothing(
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
    assert live.store.calls == ["load", "load"]  # the first read alone, sent again
    assert live.stored() == "a=1 l=[1]"


def test_decision_11_destroy_after_a_failed_read_is_still_carried_out(live: Scene) -> None:
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
