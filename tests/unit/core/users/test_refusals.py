"""What stores cannot do for a user's sessions, and what a caller must not ask."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from serverless_sessions import (
    ConfigurationError,
    InvalidArgument,
    MemoryStore,
    SessionConfig,
    SessionManager,
    SessionStore,
    StoreUnavailable,
    Unsupported,
)
from serverless_sessions.handlers import _loop
from serverless_sessions.testing.watched import WatchedAsyncStore
from support.desk import Desk, Way, handle_of, handles
from support.failures import down
from support.native import NativeStore

ASKED = [("sessions_of",), ("revoke", "a handle"), ("revoke_all",)]


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
