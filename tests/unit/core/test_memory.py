"""What MemoryStore promises beyond the contract: its limit, and entries that ended."""

import pytest

from serverless_sessions import clock, errors
from serverless_sessions.memory import MemoryStore, open_url
from serverless_sessions.store import Change, Entry, Found, Record
from serverless_sessions.testing import FrozenClock
from serverless_sessions.testing.cases.base import (
    created,
    entries,
    fresh_key,
    loaded,
    session,
    texts,
)
from serverless_sessions.urls import StoreURL


def test_entries_that_ended_take_no_room() -> None:
    store = MemoryStore(max_bytes=100)
    with FrozenClock() as time:
        key = created(store, session({}))
        store.update(key, Change(set={"a": Entry("x" * 90, clock.now() + 10)}))
        with pytest.raises(errors.SessionTooLarge):
            store.update(key, Change(set=entries(b="x" * 90)))
        time.advance(10)
        store.update(key, Change(set=entries(b="x" * 90)))
        assert texts(loaded(store, key)) == {"b": "x" * 90}


def test_the_limit_counts_bytes_of_names_and_texts() -> None:
    store = MemoryStore(max_bytes=6)
    created(store, session({"é": "鍵a"}))
    with pytest.raises(errors.SessionTooLarge, match="takes 7 of 6 bytes"):
        created(store, session({"é": "鍵ab"}))


def test_writes_without_a_nonce_are_never_taken_for_repeats() -> None:
    store = MemoryStore()
    named = session()
    nameless = Record(named.entries, named.facts, named.idle)
    key = created(store, nameless)
    with pytest.raises(errors.Conflict):
        store.create(key, nameless)


def test_a_list_is_of_one_moment() -> None:
    """A rotation between two looks at single sessions would hide the one that it moves."""

    class Rotating(MemoryStore):
        def load(self, key: str) -> Found:
            found = super().load(key)
            if isinstance(found, Record):
                renewed = found._replace(nonce="rotation")
                super().rotate(key, fresh_key(), renewed, found.rev, grace_until=0)
            return super().load(key)

    store = Rotating()
    key = created(store, session(user="ann"))
    assert store.list_user("ann") == [key]


def test_its_url_takes_a_limit_and_nothing_else() -> None:
    assert open_url(StoreURL.parse("memory")).guarantees.max_bytes == 1_000_000
    assert open_url(StoreURL.parse("memory://?max_bytes=9")).guarantees.max_bytes == 9
    for refused in ("memory://host", "memory:///path", "memory://?size=1", "memory://?max_bytes=0"):
        with pytest.raises(errors.ConfigurationError):
            open_url(StoreURL.parse(refused))
