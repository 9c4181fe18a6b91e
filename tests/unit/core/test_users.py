"""A user's sessions: listed, ended one by one and all at once, while others do what they do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from serverless_sessions import (
    ConfigurationError,
    CorruptRecord,
    InvalidArgument,
    MemoryStore,
    SessionConfig,
    SessionManager,
    SessionNotFound,
    SessionStore,
    StoreUnavailable,
    Unsupported,
    ids,
    keyring,
)
from serverless_sessions.handlers import _loop
from serverless_sessions.store import Change, Entry
from serverless_sessions.testing.browser import Browser, settled
from serverless_sessions.testing.clock import FrozenClock
from serverless_sessions.testing.watched import WatchedAsyncStore
from support.desk import WAYS, Desk, Way, log_out, logging_in, regenerate, user_of
from support.failures import down
from support.native import NativeStore

IDLE = 1000
ASKED = [("sessions_of",), ("revoke", "a handle"), ("revoke_all",)]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    chosen: Way = request.param
    return chosen


@pytest.fixture
def desk(way: Way) -> Desk:
    return Desk(way, idle_timeout=IDLE, touch_every=100)


def handles(desk: Desk, user: str) -> list[str]:
    return [session.handle for session in desk.asked("sessions_of", user)]


def handle_of(visitor: Browser) -> str:
    async def look(session: Any) -> str:
        info = await settled(session.info())
        return str(info.handle)

    return str(visitor.request(look))


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


def test_a_session_is_revoked_by_its_handle(desk: Desk) -> None:
    phone, laptop = desk.log_in("ann"), desk.log_in("ann")
    revoked, stays = handle_of(phone), handle_of(laptop)
    assert desk.asked("revoke", "ann", revoked) is None
    assert desk.told("revoked") == [revoked]
    assert phone.request(user_of) is None
    assert laptop.request(user_of) == "ann"
    assert handles(desk, "ann") == [stays]


@pytest.mark.parametrize("kind", ["another user's", "ended", "anonymous", "none", "an id"])
def test_a_handle_that_is_not_of_that_user_is_refused_and_ends_nothing(
    desk: Desk, kind: str
) -> None:
    ann, bob, ended, anonymous = (
        desk.log_in("ann"),
        desk.log_in("bob"),
        desk.log_in("ann"),
        desk.visitor(),
    )

    async def visit(session: Any) -> None:
        session.set("a", 1)

    anonymous.request(visit)
    given = {
        "another user's": handle_of(bob),
        "ended": handle_of(ended),
        "anonymous": handle_of(anonymous),
        "none": "",
        "an id": ann.id,
    }[kind]
    ended.request(log_out)
    with pytest.raises(SessionNotFound, match="revoke") as refused:
        desk.asked("revoke", "ann", given)
    assert not given or given not in str(refused.value)
    assert [ann.request(user_of), bob.request(user_of)] == ["ann", "bob"]
    assert handle_of(anonymous) != "None"
    assert desk.told("revoked") == []


def test_all_others_are_revoked_in_the_midst_of_a_request(desk: Desk) -> None:
    visitors = [desk.log_in("ann", n=n) for n in range(4)]
    bob = desk.log_in("bob")
    gone = {handle_of(visitor) for visitor in visitors[1:]}

    async def log_out_everywhere_else(session: Any) -> Any:
        session.set("saved", "afterwards")
        return await desk.asked_inside("revoke_all", "ann", keep=session)

    assert visitors[0].request(log_out_everywhere_else) == 3
    assert set(desk.told("revoked")) == gone
    assert [visitor.request(user_of) for visitor in visitors] == ["ann", None, None, None]
    assert bob.request(user_of) == "bob"
    (session,) = desk.asked("sessions_of", "ann", show=("saved", "n"))
    assert session.data == {"saved": "afterwards", "n": 0}

    assert desk.asked("revoke_all", "ann") == 1
    assert visitors[0].request(user_of) is None
    assert desk.asked("revoke_all", "ann") == 0


def test_a_log_in_that_revokes_all_others_first_is_in_place_after_it(desk: Desk) -> None:
    before = desk.log_in("ann")

    async def change_password(session: Any) -> Any:
        session.bind("ann")
        return await desk.asked_inside("revoke_all", "ann", keep=session)

    after = desk.visitor()
    assert after.request(change_password) == 1
    assert before.request(user_of) is None
    assert after.request(user_of) == "ann"


def interruptions(way: Way, **settings: Any) -> Iterator[tuple[int, Desk, Browser]]:
    """A user's session at a desk, until the caller finds that no call of that number is made."""
    for call in count():
        desk = Desk(way, **settings)
        yield call, desk, desk.log_in("ann", kept=1)


@pytest.mark.parametrize("grace", [0, 30])
@pytest.mark.parametrize("times", [1, 2])
def test_revoke_all_ends_a_session_that_is_rotated_before_any_of_its_store_calls(
    way: Way, grace: int, times: int
) -> None:
    for call, desk, visitor in interruptions(way, rotation_grace=grace):

        async def rotate(visitor: Browser = visitor) -> None:
            for _ in range(times):
                await visitor.send(regenerate)

        interruption = desk.interrupted_before(call, rotate)
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

        async def rotate(visitor: Browser = visitor) -> None:
            await visitor.send(regenerate)

        interruption = desk.interrupted_before(call, rotate)
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

        async def rotate(visitor: Browser = visitor) -> None:
            await visitor.send(regenerate)

        interruption = desk.interrupted_before(call, rotate)
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

        async def rotate(elsewhere: Browser = elsewhere) -> None:
            await elsewhere.send(regenerate)

        interruption = desk.interrupted_before(call, rotate)
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


class Listless(MemoryStore):
    """A store that keeps no list of a user's sessions."""

    def __init__(self) -> None:
        super().__init__()
        self.guarantees = self.guarantees._replace(lists_users=False)

    def list_user(self, user: str) -> list[str]:
        return SessionStore.list_user(self, user)


class AwaitedListless(NativeStore):
    guarantees = NativeStore.guarantees._replace(lists_users=False)


@pytest.mark.parametrize("asked", ASKED)
def test_a_store_that_cannot_list_says_so_and_names_the_way_out(
    way: Way, asked: tuple[str, ...]
) -> None:
    desk = Desk(way)
    desk.manager.use(AwaitedListless() if way == "store only awaited" else Listless())
    with pytest.raises(Unsupported, match=r"Listless cannot list .* use a store that does"):
        desk.asked(asked[0], "ann", *asked[1:])


@pytest.mark.parametrize("asked", ASKED)
def test_a_store_that_is_only_awaited_is_refused_by_a_call(asked: tuple[str, ...]) -> None:
    manager = SessionManager(NativeStore(), SessionConfig())
    with pytest.raises(ConfigurationError, match="_async"):
        getattr(manager, asked[0])("ann", *asked[1:])


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("user", ["", None, 1, "\ud800", "x" * 1025])
def test_what_is_no_user_is_refused_before_the_store_is_asked(
    desk: Desk, asked: tuple[str, ...], user: Any
) -> None:
    with pytest.raises(InvalidArgument):
        desk.asked(asked[0], user, *asked[1:])
    assert desk.store.calls == []


@pytest.mark.parametrize("show", ["device", [""], ["_sls.csrf"], [1]])
def test_what_is_no_key_cannot_be_shown(desk: Desk, show: Any) -> None:
    with pytest.raises(InvalidArgument):
        desk.asked("sessions_of", "ann", show=show)
    assert desk.store.calls == []


@pytest.mark.parametrize(("asked", "calls"), [*zip(ASKED, (2, 3, 3), strict=True)])
def test_a_store_that_fails_is_an_error_whichever_call_it_is(
    desk: Desk, asked: tuple[str, ...], calls: int
) -> None:
    visitor = desk.log_in("ann")
    handle = handle_of(visitor)
    given = [handle] if asked[0] == "revoke" else []
    for call in range(calls):
        desk.store.before = _failing_from(call)
        with pytest.raises(StoreUnavailable):
            desk.asked(asked[0], "ann", *given)
        assert len(desk.told("store_error")) == 2 * (call + 1), "each is tried twice"
        desk.store.before = lambda _: None
        assert handles(desk, "ann") == [handle]


def _failing_from(call: int) -> Callable[[str], None]:
    calls = count()
    return lambda operation: down(operation) if next(calls) >= call else None


def test_an_error_of_the_stores_own_code_is_wrapped(desk: Desk) -> None:
    def break_down(operation: str) -> None:
        raise ZeroDivisionError

    desk.store.before = break_down
    with pytest.raises(StoreUnavailable, match="list_user") as wrapped:
        desk.asked("sessions_of", "ann")
    assert isinstance(wrapped.value.__cause__, ZeroDivisionError)


def test_a_store_that_hangs_is_a_timeout() -> None:
    import asyncio

    async def hang(operation: str) -> None:
        await asyncio.sleep(60)

    store = WatchedAsyncStore(NativeStore())
    store.before = hang
    manager = SessionManager(store, SessionConfig(store_timeout=0.05))
    with pytest.raises(StoreUnavailable, match="list_user took longer"):
        _loop.run(manager.sessions_of_async("ann"))
