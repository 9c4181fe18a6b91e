"""A user's sessions are listed, with what may be known of them."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from serverless_sessions import CorruptRecord, InvalidArgument, MemoryStore, SessionNotFound, ids
from serverless_sessions.handlers import _loop
from serverless_sessions.store import Change, Entry
from serverless_sessions.testing.clock import FrozenClock
from support.desk import IDLE, Desk, Way, handle_of, handles, log_out, logging_in, user_of


def test_all_sessions_of_a_user_are_listed_the_last_log_in_first(desk: Desk) -> None:
    with FrozenClock() as clock:
        began = datetime.fromtimestamp(clock.time, UTC)
        phone = desk.log_in("ann", device="phone", address="::1", cart=["mug"])
        clock.advance(10)
        desk.log_in("bob", device="tablet")
        laptop = desk.log_in("ann", device="laptop")
        clock.advance(300)
        phone.request(user_of)

        second, first = desk.asked("sessions_of", "ann", show=("device", "address"))
        assert (first.handle, second.handle) == (handle_of(phone), handle_of(laptop))
        assert first.data == {"device": "phone", "address": "::1"}
        assert second.data == {"device": "laptop"}
        assert first.created_at == first.authenticated_at == began
        assert second.created_at == second.last_used_at == began + timedelta(seconds=10)
        assert first.last_used_at == began + timedelta(seconds=310)
        assert first.expires_at == began + timedelta(seconds=310 + IDLE)
        assert handles(desk, "an") == handles(desk, "Ann") == handles(desk, "carol") == []


def test_a_listing_shows_neither_id_nor_stored_key_and_its_repr_no_value(desk: Desk) -> None:
    visitor = desk.log_in("ann", device="a telling value")
    (session,) = desk.asked("sessions_of", "ann", show=["device"])
    with pytest.raises(FrozenInstanceError):
        session.handle = ""
    shown = repr(session)
    assert "a telling value" not in shown
    everything = f"{shown} {session.data}"
    assert visitor.id not in everything
    assert ids.stored_key(visitor.id) not in everything


def test_the_last_use_lags_no_more_than_touch_every(desk: Desk) -> None:
    with FrozenClock() as clock:
        visitor = desk.log_in("ann")
        for seconds in (99, 30, 250, 99):
            clock.advance(seconds)
            visitor.request(user_of)
            (session,) = desk.asked("sessions_of", "ann")
            lag = clock.time - session.last_used_at.timestamp()
            assert 0 <= lag < 100


def test_the_last_use_is_never_before_the_log_in_nor_to_come(way: Way) -> None:
    """The idle timeout was another one when the session was last used."""
    for before, now in ((IDLE, 10 * IDLE), (10 * IDLE, IDLE)):
        desk = Desk(way, idle_timeout=before)
        with FrozenClock() as clock:
            desk.log_in("ann")
            desk.manager.config = desk.config.changed(idle_timeout=now)
            clock.advance(5)
            (session,) = desk.asked("sessions_of", "ann")
            assert clock.time - 5 <= session.last_used_at.timestamp() <= clock.time


def test_an_ended_session_is_not_listed(desk: Desk) -> None:
    with FrozenClock() as clock:
        idle, out, away, over = (desk.log_in("ann") for _ in range(4))
        clock.advance(IDLE - 1)
        over.request(logging_in("bob"))
        out.request(log_out)
        away.request(logging_in(None))
        assert handles(desk, "ann") == [handle_of(idle)]
        clock.advance(IDLE)
        assert handles(desk, "ann") == []


def test_a_key_that_has_ended_or_cannot_be_decoded(way: Way) -> None:
    desk = Desk(way)
    with FrozenClock() as clock:
        visitor = desk.visitor()

        async def act(session: Any) -> None:
            session.bind("ann")
            session.set("code", 1, ttl=10)
            session.set("device", "phone")

        visitor.request(act)
        clock.advance(10)
        (session,) = desk.asked("sessions_of", "ann", show=("code", "device"))
        assert session.data == {"device": "phone"}

        damage = Change(set={"device": Entry("[[")})
        written = desk.store.update(ids.stored_key(visitor.id), damage)
        if written is not None:
            _loop.run(written)
        with pytest.raises(CorruptRecord, match="device"):
            desk.asked("sessions_of", "ann", show=("device",))
        assert handles(desk, "ann") == [session.handle]


class Talkative(MemoryStore):
    """Lists every session under every user: the contract asks for no less than the user's own."""

    def list_user(self, user: str) -> list[str]:
        return [key for key, _ in self.scan()]


@pytest.mark.parametrize("way", ["called", "awaited"])
def test_of_what_a_store_lists_only_the_users_own_count(way: Way) -> None:
    desk = Desk(way, max_per_user=1)
    desk.manager.use(Talkative())
    ann, bob = desk.log_in("ann"), desk.log_in("bob")
    assert handles(desk, "ann") == [handle_of(ann)]
    with pytest.raises(SessionNotFound):
        desk.asked("revoke", "ann", handle_of(bob))
    assert desk.asked("revoke_all", "ann") == 1
    assert bob.request(user_of) == "bob"


@pytest.mark.parametrize("show", ["device", [""], ["_sls.csrf"], [1]])
def test_what_is_no_key_cannot_be_shown(desk: Desk, show: Any) -> None:
    with pytest.raises(InvalidArgument):
        desk.asked("sessions_of", "ann", show=show)
    assert desk.store.calls == []
