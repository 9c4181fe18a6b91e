"""A user's sessions are listed and ended while others rotate them, between any two store calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from itertools import count
from typing import Any

import pytest

from serverless_sessions import SessionManager, SessionNotFound, keyring
from serverless_sessions.testing.browser import Browser, settled
from support.desk import Desk, Way, handle_of, handles, logging_in, regenerate, user_of


def interruptions(way: Way, **settings: Any) -> Iterator[tuple[int, Desk, Browser]]:
    """A user's session at a desk, until the caller finds that no call of that number is made."""
    for call in count():
        desk = Desk(way, **settings)
        yield call, desk, desk.log_in("ann", kept=1)


def regenerating(visitor: Browser, times: int = 1) -> Callable[[], Awaitable[None]]:
    """Other requests of the visitor, each of which gets a new id."""

    async def act() -> None:
        for _ in range(times):
            await visitor.send(regenerate)

    return act


@pytest.mark.parametrize("grace", [0, 30])
@pytest.mark.parametrize("times", [1, 2])
def test_revoke_all_ends_a_session_that_is_rotated_before_any_of_its_store_calls(
    way: Way, grace: int, times: int
) -> None:
    for call, desk, visitor in interruptions(way, rotation_grace=grace):
        interruption = desk.interrupted_before(call, regenerating(visitor, times))
        assert desk.asked("revoke_all", "ann") == 1
        if not interruption.came:
            break
        assert visitor.request(user_of) is None
        assert handles(desk, "ann") == []
    assert call >= 3


@pytest.mark.parametrize("grace", [0, 30])
def test_revoke_ends_a_session_that_is_rotated_before_any_of_its_store_calls(
    way: Way, grace: int
) -> None:
    for call, desk, visitor in interruptions(way, rotation_grace=grace):
        handle = handle_of(visitor)
        interruption = desk.interrupted_before(call, regenerating(visitor))
        desk.asked("revoke", "ann", handle)
        if not interruption.came:
            break
        assert visitor.request(user_of) is None
        assert desk.told("revoked") == [handle]
    assert call >= 3


@pytest.mark.parametrize("grace", [0, 30])
def test_a_session_revoked_before_any_store_call_of_a_rotation_ends(way: Way, grace: int) -> None:
    for call, desk, visitor in interruptions(way, rotation_grace=grace):

        async def revoke(desk: Desk = desk) -> None:
            assert await desk.asked_inside("revoke_all", "ann") == 1

        interruption = desk.interrupted_before(call, revoke)
        visitor.request(regenerate)
        if not interruption.came:
            break
        assert visitor.request(user_of) is None
        assert handles(desk, "ann") == []
    assert call == 2


@pytest.mark.parametrize("method", ["revoke", "revoke_all"])
@pytest.mark.parametrize("grace", [0, 30])
def test_a_session_that_went_over_to_another_user_meanwhile_is_left_alone(
    way: Way, method: str, grace: int
) -> None:
    for call, desk, visitor in interruptions(way, rotation_grace=grace):
        arguments = [handle_of(visitor)] if method == "revoke" else []

        async def go_over(visitor: Browser = visitor) -> None:
            await visitor.send(logging_in("bob"))

        interruption = desk.interrupted_before(call, go_over)
        with suppress(SessionNotFound):
            desk.asked(method, "ann", *arguments)
        if not interruption.came:
            break
        assert visitor.request(user_of) == "bob"
        assert handles(desk, "ann") == []
    assert call >= 3


@pytest.mark.parametrize("grace", [0, 30])
def test_a_listing_misses_no_session_that_is_rotated_before_any_of_its_store_calls(
    way: Way, grace: int
) -> None:
    for call, desk, visitor in interruptions(way, rotation_grace=grace):
        handle = handle_of(visitor)
        interruption = desk.interrupted_before(call, regenerating(visitor))
        assert handles(desk, "ann") == [handle]
        if not interruption.came:
            break
    assert call == 2


def test_the_kept_session_stays_though_it_is_rotated_before_any_store_call(way: Way) -> None:
    for call, desk, visitor in interruptions(way, rotation_grace=30):
        other = desk.log_in("ann")

        async def rotate(visitor: Browser = visitor) -> None:
            await visitor.twin().send(regenerate)

        async def log_out_elsewhere(session: Any, desk: Desk = desk) -> None:
            await settled(session.info())
            assert await desk.asked_inside("revoke_all", "ann", keep=session) == 1

        interruption = desk.interrupted_before(call, rotate)
        visitor.request(log_out_elsewhere)
        if not interruption.came:
            break
        assert visitor.request(user_of) == "ann"
        assert other.request(user_of) is None


def test_an_encrypted_session_is_found_under_every_key_of_the_ring(way: Way) -> None:
    old, new = keyring.draw(), keyring.draw()
    desk = Desk(way, encryption_keys=(old,), max_per_user=3)
    first = desk.log_in("ann", device="phone")
    desk.manager = SessionManager(desk.store, desk.config.changed(encryption_keys=(new, old)))
    second = desk.log_in("ann", device="laptop")

    listed = desk.asked("sessions_of", "ann", show=("device",))
    assert [session.data["device"] for session in listed] == ["laptop", "phone"]
    desk.asked("revoke", "ann", listed[1].handle)
    assert [first.request(user_of), second.request(user_of)] == [None, "ann"]
    assert desk.asked("revoke_all", "ann") == 1
    assert handles(desk, "ann") == []


@pytest.mark.parametrize("asked", ["sessions_of", "revoke", "revoke_all"])
@pytest.mark.parametrize("grace", [0, 30])
def test_nobody_is_missed_whom_a_function_rotates_whose_keys_are_in_another_order(
    way: Way, asked: str, grace: int
) -> None:
    """While a new key is put in front: some functions take a session to the user's one name,
    others take it back to the other."""
    old, new = keyring.draw(), keyring.draw()
    for call, desk, visitor in interruptions(way, rotation_grace=grace, encryption_keys=(new, old)):
        handle = handle_of(visitor)
        late = SessionManager(desk.store, desk.config.changed(encryption_keys=(old, new)))
        elsewhere = Browser(late, desk.driver, visitor.id)
        interruption = desk.interrupted_before(call, regenerating(elsewhere))
        match asked:
            case "sessions_of":
                assert handles(desk, "ann") == [handle], f"before call {call}"
            case "revoke":
                desk.asked("revoke", "ann", handle)
            case _:
                assert desk.asked("revoke_all", "ann") == 1, f"before call {call}"
        if not interruption.came:
            break
        user = elsewhere.request(user_of)
        assert user == ("ann" if asked == "sessions_of" else None), f"before call {call}"
    assert call >= 3
