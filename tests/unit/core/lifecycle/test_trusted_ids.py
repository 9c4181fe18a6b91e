"""Ids that the platform vouches for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serverless_sessions import (
    ConfigurationError,
    Conflict,
    MemoryStore,
    SessionConfig,
    SessionGone,
    SessionManager,
    Unsupported,
    ids,
)
from serverless_sessions.arrival import MAX_TRUSTED_BYTES, Request
from serverless_sessions.errors import InvalidArgument
from serverless_sessions.testing.browser import Act, Driver, settled
from serverless_sessions.testing.watched import PassingStore
from support.arrivals import CONFIG, KEY, Client, increment, log_in, log_out, look, put


@pytest.fixture
def chat(driver: Driver) -> Client:
    return Client(driver, trusted_id=("chat", lambda original: original["id"]))


def test_a_trusted_id_keeps_a_session_and_sends_nothing(chat: Client) -> None:
    chat.request(put, trusted="42")
    assert chat.outcome.issued is None
    assert chat.outcome.applied_to([]) == []
    assert chat.request(look, trusted="42") == 1
    assert chat.outcome.applied_to([]) == [("Cache-Control", "private")]
    assert chat.request(look, trusted="43") is None


def test_guarantee_4_a_cookie_that_holds_a_trusted_id_opens_nothing(chat: Client) -> None:
    trusted = ids.draw()
    chat.request(put, trusted=trusted)
    [(key, _)] = chat.store.inner.scan()
    for value in (trusted, key, key[:43]):
        cookie = f"{chat.manager.config.cookie_name}={value}"
        assert chat.request(look, {"cookie": [cookie]}) is None


@given(st.tuples(st.sampled_from(["a", "ab", "a.b"]), st.text(min_size=1, max_size=5)), st.data())
def test_guarantee_4_ids_of_two_sources_or_keys_never_share_a_stored_key(
    one: tuple[str, str], data: st.DataObject
) -> None:
    def stored(name: str, trusted: str, secret: str) -> str:
        manager = SessionManager(
            MemoryStore(),
            CONFIG.changed(trusted_id_key=secret),
            trusted_id=(name, lambda original: trusted),
        )
        request = Request.with_cookies()
        try:
            source = manager.arrivals.source(manager.config, request)
        except InvalidArgument:
            return f"refused {name} {trusted!r} {secret}"
        return source.key(trusted)

    other = data.draw(
        st.tuples(st.sampled_from(["a", "ab", "a.b"]), st.text(min_size=1, max_size=5))
    )
    assert (stored(*one, KEY) == stored(*other, KEY)) == (one == other)
    assert stored(*one, KEY) != stored(*one, "j" * 32)


def test_where_the_function_finds_none_the_cookie_counts(chat: Client) -> None:
    chat.request(put)
    pair = (chat.outcome.set_cookie or "").partition(";")[0]
    assert chat.request(look, {"cookie": [pair]}) == 1
    assert chat.request(look, {"cookie": [pair]}, trusted="42") is None


def test_a_session_under_a_trusted_id_cannot_get_another(chat: Client) -> None:
    chat.request(put, trusted="42")

    async def rotate(session: Any) -> None:
        session.regenerate()

    async def read_and_log_in(session: Any) -> None:
        await settled(session.get("a"))
        session.bind("ann")

    async def load(session: Any) -> None:
        await settled(session.load(ids.draw()))

    for act in (rotate, log_in, read_and_log_in, load):
        with pytest.raises(Unsupported, match="platform"):
            chat.request(act, trusted="42")
    assert chat.request(look, trusted="42") == 1


def test_a_new_session_under_a_trusted_id_can_be_bound(chat: Client) -> None:
    async def begin(session: Any) -> None:
        session.set("a", 1)
        session.bind("ann")

    async def user(session: Any) -> Any:
        return (await settled(session.info())).user

    chat.request(begin, trusted="42")
    assert chat.request(user, trusted="42") == "ann"


def test_destroy_ends_the_record_and_a_later_session_begins_anew(chat: Client) -> None:
    chat.request(put, trusted="42")
    chat.request(log_out, trusted="42")
    assert list(chat.store.inner.scan()) == []
    chat.request(increment, trusted="42")
    assert chat.request(look, trusted="42") is None

    async def begin_again(session: Any) -> None:
        session.destroy()
        session.set("a", 2)

    chat.request(begin_again, trusted="42")
    assert chat.request(look, trusted="42") == 2


async def _read(session: Any) -> None:
    await settled(session.get("a"))


async def _saved(session: Any) -> None:
    session.set("b", 1)
    await settled(session.save())


@pytest.mark.parametrize("before", [_read, _saved])
@pytest.mark.parametrize("act", [put, increment], ids=["set", "modify"])
def test_an_invocation_in_flight_cannot_write_into_a_later_session_of_the_same_id(
    chat: Client, before: Act, act: Act
) -> None:
    async def begin_later(session: Any) -> None:
        session.set("later", True)

    async def in_flight(session: Any) -> None:
        await before(session)
        await chat.send(log_out, trusted="42")
        await chat.send(begin_later, trusted="42")
        await act(session)
        session.set("b", 2)
        with pytest.raises(SessionGone):
            await settled(session.save())

    async def keys(session: Any) -> list[str]:
        return sorted(await settled(session.keys()))

    chat.request(put, trusted="42")
    chat.request(in_flight, trusted="42")
    assert chat.request(keys, trusted="42") == ["later"]


@pytest.mark.parametrize(("act", "both"), [(put, {"a": 1, "b": 2}), (increment, {"n": 1, "b": 2})])
def test_two_that_begin_the_session_of_one_id_at_once_both_keep_what_they_set(
    chat: Client, act: Act, both: dict[str, int]
) -> None:
    assert begun_at_once(chat, act, set_b) == both


def test_two_that_begin_by_modify_lose_no_increment(chat: Client) -> None:
    assert begun_at_once(chat, increment, increment) == {"n": 2}


class Tombstone(PassingStore):
    """As a store of documents is where a log-out was cut off: nothing lives, nothing can begin."""

    def __init__(self) -> None:
        self.guarantees = MemoryStore().guarantees
        self.calls: list[str] = []

    def pass_on(self, operation: str, *arguments: Any) -> Any:
        self.calls.append(operation)
        if operation == "load":
            return None
        raise Conflict("it is kept") if operation == "create" else SessionGone("nothing lives")


def test_one_that_finds_no_session_and_can_begin_none_gives_up(chat: Client) -> None:
    tombstone = Tombstone()
    chat.manager.use(tombstone)
    with pytest.raises(Conflict):
        chat.request(put, trusted="42")
    assert tombstone.calls == ["load", "create", "load", "create"]


async def set_b(session: Any) -> None:
    session.set("b", 2)


def begun_at_once(chat: Client, act: Act, others: Act) -> dict[str, int]:
    """What is stored when another invocation creates the session just before this one does."""
    other = Client("sync", trusted_id=("chat", lambda original: original["id"]))
    other.manager.use(chat.store.inner)
    raced: list[str] = []

    def interfere(operation: str) -> None:
        if operation == "create" and not raced:
            raced.append(operation)
            other.request(others, trusted="42")

    async def all_of_it(session: Any) -> Any:
        return dict(await settled(session.items()))

    chat.store.before = interfere
    chat.request(act, trusted="42")
    assert raced
    stored: dict[str, int] = other.request(all_of_it, trusted="42")
    return stored


@pytest.mark.parametrize("found", [42, "", b"42", ["42"]])
def test_a_trusted_id_that_is_no_text_is_an_error(driver: Driver, found: Any) -> None:
    chat = Client(driver, trusted_id=("chat", lambda original: found))
    with pytest.raises(ConfigurationError, match="chat"):
        chat.request(look)


@pytest.mark.parametrize("found", ["x" * (MAX_TRUSTED_BYTES + 1), "\ud800"])
def test_a_trusted_id_that_cannot_be_one_is_refused_and_not_shown(
    driver: Driver, found: str
) -> None:
    chat = Client(driver, trusted_id=("chat", lambda original: found))
    with pytest.raises(InvalidArgument) as refused:
        chat.request(look)
    assert found not in str(refused.value)


def test_fact_28_a_trusted_id_without_a_secret_is_an_error_at_start() -> None:
    with pytest.raises(ConfigurationError, match="SESSION_TRUSTED_ID_KEY"):
        SessionManager(MemoryStore(), SessionConfig(), trusted_id=("chat", str))
    with pytest.raises(ConfigurationError, match="32 characters") as refused:
        SessionConfig(trusted_id_key="hunter2")
    assert "hunter2" not in str(refused.value)
    assert KEY not in repr(CONFIG)


@pytest.mark.parametrize("name", ["cookie", "", "Chat", "a b", "x" * 65, "a\0b"])
def test_a_source_name_that_cannot_be_used_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="trusted_id"):
        SessionManager(MemoryStore(), CONFIG, trusted_id=(name, str))


def test_a_blind_set_under_a_trusted_id_reads_first_and_costs_two_calls(chat: Client) -> None:
    chat.request(put, trusted="42")
    chat.store.calls.clear()
    chat.request(set_b, trusted="42")
    assert chat.store.calls == ["load", "update"]
