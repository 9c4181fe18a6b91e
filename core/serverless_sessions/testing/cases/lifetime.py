"""Alive and dead: deadlines, deletion, and that nothing brings a dead session back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ... import clock
from ...errors import Conflict, SessionGone
from ...store import ABSENT, DELETED, Change, SessionStore
from ..clock import FrozenClock
from .base import (
    FAR,
    Cases,
    assert_nothing_lives,
    created,
    entries,
    fresh_key,
    key_beside,
    loaded,
    renewed,
    rotated,
    session,
    texts,
)

Death = Callable[[SessionStore, str, FrozenClock], None]


def _deleted(store: SessionStore, key: str, time: FrozenClock) -> None:
    assert store.delete(key) is DELETED


def _idle_too_long(store: SessionStore, key: str, time: FrozenClock) -> None:
    time.advance(100)


def _past_its_absolute_deadline(store: SessionStore, key: str, time: FrozenClock) -> None:
    store.update(key, Change(idle=clock.now() + FAR))
    time.advance(500)


def _rotated(store: SessionStore, key: str, time: FrozenClock) -> None:
    rotated(store, key)


def _rotated_and_out_of_grace(store: SessionStore, key: str, time: FrozenClock) -> None:
    rotated(store, key, grace=10)
    time.advance(10)


DEATHS = (
    _deleted,
    _idle_too_long,
    _past_its_absolute_deadline,
    _rotated,
    _rotated_and_out_of_grace,
)
LARGE = "0123456789" * 9_000
CHANGES = {
    "set": Change(set=entries(a="9")),
    "remove": Change(remove=frozenset({"first"})),
    "clear": Change(clear=True, set=entries(a="9")),
    "touch": Change(idle=2**40),
    "empty": Change(),
}


class LifetimeCases(Cases):
    def test_an_unknown_key_is_no_session(self, store: SessionStore) -> None:
        key = fresh_key()
        assert store.load(key) is None
        assert store.delete(key) is ABSENT
        for change in CHANGES.values():
            with pytest.raises(SessionGone):
                store.update(key, change)
        with pytest.raises(SessionGone):
            store.rotate(key, key_beside(store, key), session(), None, clock.now())
        assert_nothing_lives(store, key)

    @pytest.mark.parametrize("deadline", ["idle", "absolute"])
    def test_a_session_lives_until_the_second_of_its_deadline(
        self, store: SessionStore, time: FrozenClock, deadline: str
    ) -> None:
        ten = session(idle=10) if deadline == "idle" else session(absolute=10)
        key = created(store, ten)
        time.advance(9.999)
        store.update(key, Change(set=entries(a="1")))
        assert "a" in loaded(store, key).entries
        time.advance(0.001)
        with pytest.raises(SessionGone):
            store.update(key, Change(set=entries(a="2")))
        assert store.delete(key) is ABSENT
        assert_nothing_lives(store, key)

    def test_the_idle_deadline_moves_only_when_given(
        self, store: SessionStore, time: FrozenClock
    ) -> None:
        key = created(store, session(idle=10))
        given = loaded(store, key).idle
        time.advance(5)
        store.update(key, Change(set=entries(a="1")))
        assert loaded(store, key).idle == given

        store.update(key, Change(idle=given + 20))
        assert loaded(store, key).idle == given + 20
        time.advance(24)
        assert texts(loaded(store, key)) == {"first": "1", "a": "1"}
        time.advance(1)
        assert_nothing_lives(store, key)

    def test_the_idle_deadline_may_lag_within_the_slack_and_no_further(
        self, store: SessionStore, time: FrozenClock
    ) -> None:
        key = created(store, session(idle=100))
        given = loaded(store, key).idle
        store.update(key, Change(set=entries(a="1"), idle=given + 9, slack=10))
        assert loaded(store, key).idle in (given, given + 9)
        store.update(key, Change(set=entries(a="2"), idle=given + 10, slack=10))
        assert loaded(store, key).idle in (given + 9, given + 10)
        store.update(key, Change(idle=given + 20, slack=10))
        assert loaded(store, key).idle == given + 20

    def test_what_the_writer_saw_is_a_hint_and_no_condition(self, store: SessionStore) -> None:
        """Whatever happened since the read, the change is merged, or refused for its own sake."""
        large = LARGE[: (store.guarantees.max_bytes or 2 * len(LARGE)) // 2]
        key = created(store, session({"a": "1", "b": "1", "long": large}))
        seen = loaded(store, key)
        handle = seen.facts.rid
        store.update(key, Change(set=entries(b="2", long="short"), remove=frozenset({"a"})))
        store.update(key, Change(set=entries(c="3"), rid=handle, seen=seen.rev))
        assert texts(loaded(store, key)) == {"b": "2", "c": "3", "long": "short"}

        fresh = loaded(store, key)
        store.update(key, Change(set=entries(c="4", long=large), rid=handle, seen=fresh.rev))
        store.update(key, Change(set=entries(long="short"), rid=handle, seen=fresh.rev))
        assert texts(loaded(store, key)) == {"b": "2", "c": "4", "long": "short"}

        assert store.delete(key) is DELETED
        with pytest.raises(SessionGone):
            store.update(key, Change(set=entries(c="5"), rid=handle, seen=fresh.rev))
        assert_nothing_lives(store, key)

    def test_no_use_moves_the_absolute_deadline(
        self, store: SessionStore, time: FrozenClock
    ) -> None:
        key = created(store, session(idle=10, absolute=30))
        absolute = loaded(store, key).facts.absolute
        for _ in range(5):
            time.advance(5)
            store.update(key, Change(set=entries(a="1"), idle=clock.now() + FAR))
            assert loaded(store, key).facts.absolute == absolute
        time.advance(5)
        assert_nothing_lives(store, key)

    @pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
    @pytest.mark.parametrize("death", DEATHS, ids=lambda death: death.__name__.strip("_"))
    def test_no_change_brings_a_dead_session_back(
        self, store: SessionStore, time: FrozenClock, death: Death, change: Change
    ) -> None:
        key = created(store, session(idle=100, absolute=500))
        seen = loaded(store, key)
        death(store, key, time)
        for late in (change, Change(change.set, change.remove, rid=seen.facts.rid)):
            with pytest.raises(SessionGone):
                store.update(key, late)
        assert_nothing_lives(store, key)

    @pytest.mark.parametrize("death", DEATHS, ids=lambda death: death.__name__.strip("_"))
    def test_no_expected_change_brings_a_dead_session_back(
        self, store: SessionStore, time: FrozenClock, death: Death
    ) -> None:
        if not store.guarantees.conditional:
            pytest.skip("this store declares no conditional writes")
        key = created(store, session(idle=100, absolute=500))
        death(store, key, time)
        for name, expected in (("first", "1"), ("first", ABSENT), ("a", ABSENT)):
            with pytest.raises(SessionGone):
                store.update(key, Change(set=entries(a="9"), expect={name: expected}))
        assert_nothing_lives(store, key)

    @pytest.mark.parametrize("death", DEATHS, ids=lambda death: death.__name__.strip("_"))
    def test_no_rotation_brings_a_dead_session_back(
        self, store: SessionStore, time: FrozenClock, death: Death
    ) -> None:
        key = created(store, session(idle=100, absolute=500))
        seen, new = loaded(store, key), key_beside(store, key)
        death(store, key, time)
        with pytest.raises(SessionGone):
            store.rotate(key, new, renewed(seen), seen.rev, clock.now() + 10)
        assert_nothing_lives(store, key)
        assert_nothing_lives(store, new)
        assert store.delete(new) is ABSENT

    def test_what_ended_by_itself_is_no_deletion(
        self, store: SessionStore, time: FrozenClock
    ) -> None:
        key = created(store, session(idle=10))
        time.advance(10)
        assert store.delete(key) is ABSENT

    def test_a_deletion_by_a_machine_whose_clock_is_ahead_holds_for_those_behind(
        self, store: SessionStore, time: FrozenClock
    ) -> None:
        key = created(store, session(idle=10, user="ann"))
        time.advance(10)
        assert store.delete(key) is ABSENT
        time.advance(-5)
        with pytest.raises(SessionGone):
            store.update(key, Change(idle=clock.now() + FAR))
        assert_nothing_lives(store, key)

    def test_a_session_is_deleted_once(self, store: SessionStore) -> None:
        key = created(store)
        assert store.delete(key) is DELETED
        assert store.delete(key) is ABSENT
        assert_nothing_lives(store, key)

    def test_create_refuses_a_key_that_lives(self, store: SessionStore) -> None:
        key = created(store, session({"a": "1"}))
        before = loaded(store, key)
        with pytest.raises(Conflict):
            store.create(key, session({"a": "2"}))
        assert loaded(store, key) == before

    def test_create_repeated_with_its_nonce_is_harmless(self, store: SessionStore) -> None:
        record = session({"a": "1"})
        key = created(store, record)
        before = loaded(store, key)
        store.create(key, record)
        assert loaded(store, key) == before

        store.update(key, Change(set=entries(b="2"), nonce="another write"))
        with pytest.raises(Conflict):
            store.create(key, record)
        assert texts(loaded(store, key)) == {"a": "1", "b": "2"}

    @pytest.mark.parametrize("deadline", ["idle", "absolute"])
    def test_create_replaces_a_dead_record_whole(
        self, store: SessionStore, time: FrozenClock, deadline: str
    ) -> None:
        ten = {"idle": 10} if deadline == "idle" else {"absolute": 10}
        first = session({"a": "1", "b": "2"}, user="ann", **ten)
        key = created(store, first)
        time.advance(10)
        second = session({"a": "3"})
        store.create(key, second)
        record = loaded(store, key)
        assert texts(record) == {"a": "3"}
        assert record.facts == second.facts

    def test_a_half_record_is_no_session(self, store: SessionStore) -> None:
        damaged = self.plant_damage(store)
        if not damaged:
            pytest.skip("no means to damage a record here")
        for key in damaged:
            for change in CHANGES.values():
                with pytest.raises(SessionGone):
                    store.update(key, change)
            new = key_beside(store, key)
            with pytest.raises(SessionGone):
                store.rotate(key, new, session(), None, clock.now())
            assert_nothing_lives(store, key)
            assert_nothing_lives(store, new)
            store.create(key, session({"a": "1"}))
            assert texts(loaded(store, key)) == {"a": "1"}

    def test_a_half_record_is_no_deletion(self, store: SessionStore) -> None:
        damaged = self.plant_damage(store)
        if not damaged:
            pytest.skip("no means to damage a record here")
        assert {store.delete(key) for key in damaged} == {ABSENT}
