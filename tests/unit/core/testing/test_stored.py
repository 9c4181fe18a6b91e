"""Sessions that a test makes and looks at."""

from __future__ import annotations

from typing import Any

import pytest

from serverless_sessions import MemoryStore, Session, SessionConfig, SessionManager, keyring
from serverless_sessions.arrival import Request
from serverless_sessions.errors import InvalidArgument, UnsupportedValue
from serverless_sessions.testing import FrozenClock, SessionMaker, StoredSession
from serverless_sessions.testing.watched import WatchedStore


@pytest.fixture
def store() -> WatchedStore:
    return WatchedStore(MemoryStore())


@pytest.fixture
def make(store: WatchedStore) -> SessionMaker:
    return SessionMaker(store)


def session_of(store: WatchedStore, made: StoredSession) -> Session:
    """The session as a handler gets it that the cookie is sent to."""
    return SessionManager(store).begin(Request.with_cookies(made.cookie)).session


def test_a_handler_finds_what_was_made(store: WatchedStore, make: SessionMaker) -> None:
    made = make(user="ann", data={"cart": ["mug"]}, flashes=[("a", 1), ("a", 2)])
    session = session_of(store, made)
    assert dict(session.items()) == {"cart": ["mug"]}
    assert session.user == "ann"
    assert session.info().authenticated_at is not None
    assert not session.info().is_new
    assert session.flashes() == [("a", 1), ("a", 2)]


def test_a_session_of_nobody_with_nothing_in_it_lives(
    store: WatchedStore, make: SessionMaker
) -> None:
    made = make()
    assert made.alive
    assert (made.data(), made.user(), made.flashes()) == ({}, None, [])
    assert session_of(store, made).info().handle is not None


def test_two_sessions_are_two(make: SessionMaker) -> None:
    one, two = make(data={"n": 1}), make(data={"n": 2})
    assert (one.data(), two.data()) == ({"n": 1}, {"n": 2})
    assert one.id != two.id


def test_it_tells_what_stands_in_the_store_now(store: WatchedStore, make: SessionMaker) -> None:
    made = make(data={"n": 1})
    invocation = SessionManager(store).begin(Request.with_cookies(made.cookie))
    invocation.session["n"] = 2
    assert made.data() == {"n": 1}
    invocation.finish(failed=False)
    assert made.data() == {"n": 2}

    ending = SessionManager(store).begin(Request.with_cookies(made.cookie))
    ending.session.destroy()
    ending.finish(failed=False)
    assert not made.alive
    assert (made.data(), made.user(), made.flashes()) == ({}, None, [])


def test_asking_writes_nothing(store: WatchedStore, make: SessionMaker) -> None:
    with FrozenClock() as time:
        made = make(user="ann", data={"n": [1]}, flashes=[("a", 1)])
        time.advance(SessionConfig().touch_every + 1)
        store.calls.clear()
        for _ in range(2):
            assert made.alive
            assert (made.data(), made.user(), made.flashes()) == ({"n": [1]}, "ann", [("a", 1)])
    assert set(store.calls) == {"load"}


def test_what_it_hands_out_is_a_copy(make: SessionMaker) -> None:
    made = make(data={"n": [1]})
    made.data()["n"].append(2)
    assert made.data() == {"n": [1]}


@pytest.mark.parametrize("keys", [(), (keyring.draw(),)], ids=["plain", "encrypted"])
def test_an_old_cookie_opens_the_session_while_the_grace_lasts(
    store: WatchedStore, keys: tuple[str, ...]
) -> None:
    config = SessionConfig(rotation_grace=10, encryption_keys=keys)
    with FrozenClock() as time:
        made = SessionMaker(store)(data={"n": 1}, config=config)
        invocation = SessionManager(store, config).begin(Request.with_cookies(made.cookie))
        invocation.session.regenerate()
        invocation.finish(failed=False)
        set_cookie = invocation.outcome().set_cookie
        assert set_cookie is not None
        fresh = SessionMaker(store).opened_by(set_cookie, config)
        assert made.id != fresh.id
        assert made.data() == fresh.data() == {"n": 1}
        time.advance(10)
        assert (made.alive, fresh.alive) == (False, True)


def test_cookies_follow_the_handlers_configuration(
    make: SessionMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert make().cookie.startswith("__Host-session=")
    assert make(config=SessionConfig(cookie_name="sid")).cookie.startswith("sid=")
    monkeypatch.setenv("SESSION_COOKIE_SECURE", "off")
    assert make().cookie.startswith("session=")


def test_opened_by_reads_a_set_cookie_line(make: SessionMaker) -> None:
    made = make(data={"n": 1})
    again = make.opened_by(f"{made.cookie}; Path=/; HttpOnly")
    assert (again.cookie, again.id, again.data()) == (made.cookie, made.id, {"n": 1})
    assert not make.opened_by("__Host-session=; Max-Age=0").alive


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"user": ""}, InvalidArgument),
        ({"data": {"": 1}}, InvalidArgument),
        ({"data": {"n": object()}}, UnsupportedValue),
    ],
)
def test_what_a_handler_could_not_have_stored_is_refused(
    make: SessionMaker, wrong: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        make(**wrong)


def test_its_repr_shows_no_secret(make: SessionMaker) -> None:
    made = make(data={"n": "a value"})
    assert repr(made) == "<StoredSession, alive>"
