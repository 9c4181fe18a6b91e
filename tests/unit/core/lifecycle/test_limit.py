"""A user has as many sessions as is allowed: what one log-in more does, alone and among others."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import count
from typing import Any

import pytest

from serverless_sessions import (
    MemoryStore,
    Session,
    SessionConfig,
    SessionManager,
    StoreUnavailable,
    TooManySessions,
    Unsupported,
)
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.testing.browser import Browser, settled
from serverless_sessions.testing.clock import FrozenClock
from serverless_sessions.testing.lambda_events import HttpRequest, to_event
from serverless_sessions.testing.watched import WatchedStore
from support.desk import WAYS, Desk, Way, log_out, logging_in, regenerate, user_of
from support.failures import down

MODES = ["end_oldest", "refuse"]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    chosen: Way = request.param
    return chosen


async def visit(session: Any) -> None:
    session.set("cart", ["mug"])


async def look(session: Any) -> tuple[str | None, dict[str, Any]]:
    return await user_of(session), dict(await settled(session.items()))


def live(desk: Desk, user: str = "ann") -> int:
    return len(desk.asked("sessions_of", user))


def test_one_log_in_more_ends_the_oldest(way: Way) -> None:
    desk = Desk(way, max_per_user=2)
    visitors = [desk.log_in("ann") for _ in range(2)]
    oldest = desk.asked("sessions_of", "ann")[-1].handle
    assert desk.told("revoked") == []
    bob = desk.log_in("bob")
    visitors.append(desk.log_in("ann"))
    assert desk.told("revoked") == [oldest]
    assert [visitor.request(user_of) for visitor in visitors] == [None, "ann", "ann"]
    assert bob.request(user_of) == "bob"


def test_the_oldest_is_the_one_whose_log_in_is_and_not_the_first_visit(way: Way) -> None:
    desk = Desk(way, max_per_user=1)
    with FrozenClock() as clock:
        early = desk.visitor()
        early.request(visit)
        clock.advance(1000)
        late = desk.log_in("ann")
        clock.advance(0.001)
        early.request(logging_in("ann"))
        assert [early.request(user_of), late.request(user_of)] == ["ann", None]


def test_log_ins_in_one_second_keep_their_order(way: Way) -> None:
    desk = Desk(way, max_per_user=3)
    with FrozenClock() as clock:
        visitors = []
        for _ in range(12):
            visitors.append(desk.log_in("ann"))
            clock.advance(0.01)
        users = [visitor.request(user_of) for visitor in visitors]
    assert users == [None] * 9 + ["ann"] * 3


def test_one_log_in_more_is_refused_and_its_session_stays_as_it_was(way: Way) -> None:
    desk = Desk(way, max_per_user=1, on_max_per_user="refuse")
    first = desk.log_in("ann")
    second = desk.visitor()
    second.request(visit)
    before = second.id

    async def log_in(session: Any) -> None:
        session.set("theme", "dark")
        (await settled(session.get("cart"))).append("tea")
        session.bind("ann")
        session.set("admin", True)

    with pytest.raises(TooManySessions, match="SESSION_MAX_PER_USER"):
        second.request(log_in)
    assert second.set_cookie is None
    assert second.id == before
    assert second.request(look) == (None, {"cart": ["mug"]})
    assert first.request(user_of) == "ann"
    assert desk.told("revoked") == []

    first.request(log_out)
    second.request(log_in)
    assert second.request(user_of) == "ann"


def test_a_handler_that_saves_learns_of_the_refusal_and_answers_itself(way: Way) -> None:
    desk = Desk(way, max_per_user=1, on_max_per_user="refuse")
    desk.log_in("ann")
    second = desk.visitor()
    second.request(visit)

    async def log_in(session: Any) -> str:
        session.bind("ann")
        try:
            await settled(session.save())
        except TooManySessions:
            assert await user_of(session) is None
            session.flash("error", "logged in elsewhere")
            return "refused"
        return "in"

    assert second.request(log_in) == "refused"
    assert second.request(look) == (None, {"cart": ["mug"]})
    assert live(desk) == 1

    async def flashes(session: Any) -> Any:
        return await settled(session.flashes())

    assert second.request(flashes) == [("error", "logged in elsewhere")]


def test_a_refusal_that_nobody_handles_is_a_409_without_a_word_of_the_user() -> None:
    store = MemoryStore()
    config = SessionConfig(max_per_user=1, on_max_per_user="refuse")

    @with_session(store=store, config=config)
    def handler(event: Any, context: Any, session: Session) -> Any:
        session.bind("ann@example.com")
        return {"statusCode": 200}

    event = to_event("http-api", HttpRequest())
    assert handler(event, None)["statusCode"] == 200
    refused = handler(event, None)
    assert (refused["statusCode"], refused["body"]) == (409, "Conflict")
    assert "cookies" not in refused
    assert "ann@example.com" not in str(refused)


@pytest.mark.parametrize("mode", MODES)
def test_a_session_that_is_the_users_already_may_log_in_again(way: Way, mode: Any) -> None:
    desk = Desk(way, max_per_user=2, on_max_per_user=mode)
    visitors = [desk.log_in("ann") for _ in range(2)]
    for _ in range(2):
        for visitor in visitors:
            visitor.request(logging_in("ann"))
            visitor.request(regenerate)
    assert [visitor.request(user_of) for visitor in visitors] == ["ann", "ann"]
    assert desk.told("revoked") == []


@pytest.mark.parametrize("mode", MODES)
def test_a_session_that_went_over_to_another_user_makes_room(way: Way, mode: Any) -> None:
    desk = Desk(way, max_per_user=1, on_max_per_user=mode)
    shared = desk.log_in("ann")
    shared.request(logging_in("bob"))
    ann = desk.log_in("ann")
    assert [shared.request(user_of), ann.request(user_of)] == ["bob", "ann"]
    assert desk.told("revoked") == []


def test_a_limit_that_was_lowered_holds_from_the_next_log_in(way: Way) -> None:
    desk = Desk(way)
    visitors = [desk.log_in("ann") for _ in range(5)]
    desk.manager.config = desk.config.changed(max_per_user=2, on_max_per_user="refuse")
    visitors[0].request(logging_in("ann"))
    assert live(desk) == 5
    desk.manager.config = desk.config.changed(max_per_user=2)
    visitors.append(desk.log_in("ann"))
    assert live(desk) == 2
    assert visitors[-1].request(user_of) == "ann"


COSTS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["load", "rotate"]),
    ({"max_per_user": 2}, ["load", "rotate", "list_user", "load", "load"]),
    (
        {"max_per_user": 2, "on_max_per_user": "refuse"},
        ["load", "list_user", "load", "rotate", "list_user", "load", "load"],
    ),
]


@pytest.mark.parametrize(("settings", "calls"), COSTS)
def test_guarantee_cost_of_a_log_in(way: Way, settings: dict[str, Any], calls: list[str]) -> None:
    desk = Desk(way, **settings)
    desk.log_in("ann")
    visitor = desk.visitor()
    visitor.request(visit)
    desk.store.calls.clear()
    visitor.request(logging_in("ann"))
    assert desk.store.calls == calls


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("act", [logging_in(None), regenerate, visit, log_out])
def test_guarantee_cost_of_a_limit_is_none_without_a_log_in(mode: Any, act: Any) -> None:
    desk = Desk("called", max_per_user=1, on_max_per_user=mode)
    visitor = desk.log_in("ann")
    desk.store.calls.clear()
    visitor.request(act)
    assert "list_user" not in desk.store.calls


@pytest.mark.parametrize("most", [1, 2])
@pytest.mark.parametrize("mode", MODES)
def test_log_ins_before_any_store_call_of_another_settle_at_the_limit(
    way: Way, mode: Any, most: int
) -> None:
    """All found room, or none of them had looked: the last to look leaves as many as may stay."""
    for call in count():
        desk = Desk(way, max_per_user=most, on_max_per_user=mode)
        outer = desk.visitor()
        inner = [desk.visitor() for _ in range(most)]

        async def log_in(inner: list[Browser] = inner) -> None:
            for visitor in inner:
                with suppress(TooManySessions):
                    await visitor.send(logging_in("ann"))

        interruption = desk.interrupted_before(call, log_in)
        refused = False
        try:
            outer.request(logging_in("ann"))
        except TooManySessions:
            refused = True
        if not interruption.came:
            break
        users = [visitor.request(user_of) for visitor in (outer, *inner)]
        assert users.count("ann") == live(desk) == most, f"before call {call}"
        assert refused == (users[0] is None), f"before call {call}"
    assert call >= 3


@pytest.mark.parametrize("mode", MODES)
def test_a_log_in_that_is_cut_off_before_it_looked_again_is_settled_by_the_next(mode: Any) -> None:
    desk = Desk("called", max_per_user=1, on_max_per_user=mode)
    desk.log_in("ann")
    looks = count()

    def cut_off(operation: str) -> None:
        if operation == "list_user" and next(looks) >= (mode == "refuse"):
            down(operation)

    second = desk.visitor()
    if mode == "refuse":
        desk.asked("revoke_all", "ann")
    desk.store.before = cut_off
    with pytest.raises(StoreUnavailable):
        second.request(logging_in("ann"))
    assert second.set_cookie == "new"
    desk.store.before = lambda _: None
    assert second.request(user_of) == "ann"
    second.request(logging_in("ann"))
    assert live(desk) == 1


@pytest.mark.parametrize("mode", MODES)
def test_a_cancelled_log_in_is_settled_before_its_request_ends(mode: Any) -> None:
    """Cancelled before each store call: what took effect is within the limit, what did not is
    not there."""
    for call in count():
        desk = Desk("store only awaited", max_per_user=1, on_max_per_user=mode)
        first, second = desk.log_in("ann"), desk.visitor()

        async def scenario(desk: Desk = desk, call: int = call, second: Browser = second) -> bool:
            task = asyncio.ensure_future(second.send(logging_in("ann")))

            async def cancel() -> None:
                task.cancel()
                await asyncio.sleep(0)

            interruption = desk.interrupted_before(call, cancel)
            with suppress(asyncio.CancelledError, TooManySessions):
                await task
            return interruption.came

        if not asyncio.run(scenario()):
            break
        assert live(desk) == 1, f"before call {call}"
        users = [first.request(user_of), second.request(user_of)]
        assert users.count("ann") == 1
    assert call >= 2


@pytest.mark.parametrize("mode", MODES)
def test_a_store_that_cannot_list_refuses_the_log_in_under_a_limit(mode: Any) -> None:
    memory = MemoryStore()
    memory.guarantees = memory.guarantees._replace(lists_users=False)
    store = WatchedStore(memory)
    config = SessionConfig(max_per_user=1, on_max_per_user=mode)
    browser = Browser(SessionManager(store, config))
    with pytest.raises(Unsupported, match="WatchedStore cannot list"):
        browser.request(logging_in("ann"))
    assert dict(memory.scan()) == {}
