"""Ids that arrive in a header of choice, or that the platform vouches for."""

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
    header,
    ids,
)
from serverless_sessions.arrival import MAX_TRUSTED_BYTES, Request
from serverless_sessions.errors import InvalidArgument
from serverless_sessions.handlers import _loop
from serverless_sessions.headers import Outcome
from serverless_sessions.testing.browser import Act, Driver, settled
from serverless_sessions.testing.watched import PassingStore, WatchedStore, finished

KEY = "k" * 32
CONFIG = SessionConfig(trusted_id_key=KEY, idle_timeout=1000, touch_every=100)


class Client:
    """Sends requests whose header fields and platform id a test chooses."""

    def __init__(self, driver: Driver, config: SessionConfig = CONFIG, **options: Any) -> None:
        self.driver = driver
        self.store = WatchedStore(MemoryStore())
        self.manager = SessionManager(self.store, config, **options)
        self.outcome = Outcome()

    def request(
        self, act: Act, fields: dict[str, list[str]] | None = None, trusted: str | None = None
    ) -> Any:
        run = finished if self.driver == "sync" else _loop.run
        return run(self.send(act, fields, trusted))

    async def send(
        self, act: Act, fields: dict[str, list[str]] | None = None, trusted: str | None = None
    ) -> Any:
        begin = self.manager.begin if self.driver == "sync" else self.manager.begin_async
        request = Request(lambda name: (fields or {}).get(name, []), {"id": trusted})
        invocation = begin(request)
        try:
            result = await act(invocation.session)
            await settled(invocation.finish(failed=False))
            return result
        finally:
            self.outcome = invocation.outcome()
            invocation.close()


@pytest.fixture
def api(driver: Driver) -> Client:
    return Client(driver, id_from=header("X-Session-Id"))


@pytest.fixture
def chat(driver: Driver) -> Client:
    return Client(driver, trusted_id=("chat", lambda original: original["id"]))


async def put(session: Any) -> None:
    session.set("a", 1)


async def look(session: Any) -> Any:
    return await settled(session.get("a"))


async def increment(session: Any) -> None:
    await settled(session.modify("n", lambda n: n + 1, 0))


async def log_out(session: Any) -> None:
    session.destroy()


async def log_in(session: Any) -> None:
    session.bind("ann")


# In a header


def test_a_new_id_goes_out_in_the_header_with_no_store_and_opens_the_session(api: Client) -> None:
    api.request(put)
    [(name, session_id)] = [api.outcome.issued or ("", "")]
    assert (name, len(session_id)) == ("X-Session-Id", 43)
    sent = api.outcome.applied_to([("x-session-id", "forged"), ("Cache-Control", "public")])
    assert sent == [
        ("Cache-Control", "no-store"),
        ("X-Session-Id", session_id),
        ("Vary", "X-Session-Id"),
    ]
    assert api.request(look, {"x-session-id": [session_id]}) == 1
    assert api.outcome.applied_to([]) == [("Cache-Control", "private"), ("Vary", "X-Session-Id")]


def test_an_id_in_the_cookie_is_not_looked_at_where_the_header_counts(api: Client) -> None:
    api.request(put)
    session_id = (api.outcome.issued or ("", ""))[1]
    cookie = f"{api.manager.config.cookie_name}={session_id}"
    api.store.calls.clear()
    assert api.request(look, {"cookie": [cookie]}) is None
    assert api.store.calls == []


def test_fact_5_an_id_in_a_header_is_ignored_where_none_was_chosen(driver: Driver) -> None:
    plain = Client(driver)
    plain.request(put)
    issued = (plain.outcome.set_cookie or "").partition("=")[2].partition(";")[0]
    assert plain.request(look, {"x-session-id": [issued], "authorization": [issued]}) is None


def test_an_id_made_up_in_the_header_is_neither_adopted_nor_echoed(api: Client) -> None:
    for made_up in (ids.draw(), "x" * 10_000, "../..", "a, b", "é" * 43, ""):
        api.request(put, {"x-session-id": [made_up]})
        assert (api.outcome.issued or ("", made_up))[1] != made_up


def test_a_malformed_header_costs_no_read_and_is_told(driver: Driver) -> None:
    events: list[str] = []
    api = Client(
        driver,
        CONFIG.changed(on_event=lambda event: events.append(event.name)),
        id_from=header("X-Session-Id"),
    )
    assert api.request(look, {"x-session-id": ["nonsense"]}) is None
    assert (api.store.calls, events) == ([], ["refused_id"])


def test_the_first_two_ids_of_a_header_are_tried_in_order(api: Client) -> None:
    api.request(put)
    good = (api.outcome.issued or ("", ""))[1]
    assert api.request(look, {"x-session-id": [ids.draw(), f" {good}\t"]}) == 1
    assert api.request(look, {"x-session-id": [ids.draw(), ids.draw(), good]}) is None


def test_a_rotation_and_a_log_in_send_the_new_id_in_the_header(api: Client) -> None:
    api.request(put)
    first = (api.outcome.issued or ("", ""))[1]
    api.request(log_in, {"x-session-id": [first]})
    second = (api.outcome.issued or ("", ""))[1]
    assert second != first
    assert api.request(look, {"x-session-id": [first]}) is None
    assert api.request(look, {"x-session-id": [second]}) == 1


def test_a_log_out_sends_no_header(api: Client) -> None:
    api.request(put)
    session_id = (api.outcome.issued or ("", ""))[1]
    api.request(log_out, {"x-session-id": [session_id]})
    assert api.outcome.issued is None
    assert api.request(look, {"x-session-id": [session_id]}) is None


TAKEN = ["Cookie", "SET-COOKIE", "host", "Accept", "accept-language", "Range", "Cache-Control"]


@pytest.mark.parametrize("name", ["", "X Session", "X-Id:", "Ü", *TAKEN])
def test_a_name_that_cannot_be_used_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="X-Session-Id"):
        header(name)


# From the platform


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
