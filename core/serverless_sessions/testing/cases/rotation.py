"""Rotation: whole or not at all, and a marker that leads to where the session went."""

from __future__ import annotations

import pytest

from ... import clock
from ...errors import Conflict, Moved, SessionGone
from ...store import DELETED, MARKER_SECONDS, Change, Entry, Facts, Record, SessionStore
from ..clock import FrozenClock
from .base import (
    FAR,
    Cases,
    assert_nothing_lives,
    created,
    entries,
    key_beside,
    loaded,
    renewed,
    rotated,
    session,
    texts,
)


class RotationCases(Cases):
    def test_the_new_key_has_what_the_rotation_gave(self, store: SessionStore) -> None:
        key = created(store, session({"a": "1", "b": "2"}))
        now = clock.now()
        facts = Facts("new handle", now - 1, now + 77, user="ann", authenticated_at=now)
        record = Record({"a": Entry("3", now + 20)}, facts, now + 60, nonce="rotation")
        new = key_beside(store, key)
        store.rotate(key, new, record, loaded(store, key).rev, now)

        stored = loaded(store, new)
        assert dict(stored.entries) == dict(record.entries)
        assert (stored.facts, stored.idle, stored.nonce) == (facts, now + 60, "rotation")

    def test_the_new_key_lives_on_as_any_other(
        self, store: SessionStore, time: FrozenClock
    ) -> None:
        new = rotated(store, created(store, session({"a": "1"}, idle=10)))
        store.update(new, Change(set=entries(b="2")))
        assert texts(loaded(store, new)) == {"a": "1", "b": "2"}
        time.advance(10)
        assert_nothing_lives(store, new)

    def test_without_grace_the_old_key_ends_at_once(self, store: SessionStore) -> None:
        key = created(store)
        new = rotated(store, key)
        assert_nothing_lives(store, key)
        with pytest.raises(SessionGone):
            store.update(key, Change(set=entries(a="2")))
        assert texts(loaded(store, new)) == {"first": "1"}

    def test_the_old_key_leads_to_the_new_while_the_grace_lasts(
        self, store: SessionStore, time: FrozenClock
    ) -> None:
        key = created(store)
        new = rotated(store, key, grace=10)
        time.advance(9.999)
        found = store.load(key)
        assert isinstance(found, Moved)
        assert found.to == new
        with pytest.raises(Moved) as moved:
            store.update(key, Change(set=entries(a="2")))
        assert moved.value.to == new
        assert texts(loaded(store, new)) == {"first": "1"}

        time.advance(0.001)
        assert_nothing_lives(store, key)
        with pytest.raises(SessionGone):
            store.update(key, Change(set=entries(a="2")))
        assert texts(loaded(store, new)) == {"first": "1"}

    def test_a_marker_is_no_record(self, store: SessionStore) -> None:
        key = created(store, session(user="ann"))
        new = rotated(store, key, grace=10)
        if store.guarantees.scans:
            keys = dict(store.scan())
            assert new in keys
            assert key not in keys
        if store.guarantees.lists_users:
            assert new in store.list_user("ann")

    def test_a_marker_in_grace_cannot_be_rotated(self, store: SessionStore) -> None:
        key = created(store)
        before = loaded(store, key)
        new = rotated(store, key, grace=10)
        third = key_beside(store, key)
        with pytest.raises(Moved) as moved:
            store.rotate(key, third, renewed(before), before.rev, clock.now() + 10)
        assert moved.value.to == new
        assert_nothing_lives(store, third)

    @pytest.mark.parametrize("grace", [0, 10])
    def test_delete_is_told_for_an_hour_where_the_session_went(
        self, store: SessionStore, time: FrozenClock, grace: int
    ) -> None:
        key = created(store)
        new = rotated(store, key, grace=grace)
        for step in (0, 5, 5, MARKER_SECONDS - 11):
            time.advance(step)
            for _ in range(2):
                answer = store.delete(key)
                assert isinstance(answer, Moved)
                assert answer.to == new
        assert texts(loaded(store, new)) == {"first": "1"}
        assert store.delete(new) is DELETED
        assert_nothing_lives(store, new)

        time.advance(1)
        assert not isinstance(store.delete(key), Moved)
        assert_nothing_lives(store, key)

    def test_a_marker_gives_way_to_no_new_session_within_its_hour(
        self, store: SessionStore, time: FrozenClock
    ) -> None:
        key = created(store)
        new = rotated(store, key)
        time.advance(MARKER_SECONDS - 1)
        with pytest.raises(Conflict):
            store.create(key, session())
        answer = store.delete(key)
        assert isinstance(answer, Moved)
        assert answer.to == new

    def test_a_stale_revision_is_a_conflict_and_creates_nothing(self, store: SessionStore) -> None:
        key = created(store, session({"a": "1"}))
        seen, new = loaded(store, key), key_beside(store, key)
        store.update(key, Change(set=entries(b="2")))
        with pytest.raises(Conflict):
            store.rotate(key, new, renewed(seen), seen.rev, clock.now() + 10)
        assert_nothing_lives(store, new)
        assert texts(loaded(store, key)) == {"a": "1", "b": "2"}

        new = rotated(store, key)
        assert texts(loaded(store, new)) == {"a": "1", "b": "2"}

    def test_a_touch_alone_makes_the_revision_stale(self, store: SessionStore) -> None:
        key = created(store)
        seen, new = loaded(store, key), key_beside(store, key)
        store.update(key, Change(idle=clock.now() + FAR + 1))
        with pytest.raises(Conflict):
            store.rotate(key, new, renewed(seen), seen.rev, clock.now() + 10)
        assert_nothing_lives(store, new)

    def test_a_living_key_is_never_the_target(self, store: SessionStore) -> None:
        key = created(store, session({"a": "1"}))
        other = key_beside(store, key)
        store.create(other, session({"b": "2"}))
        before = loaded(store, key), loaded(store, other)
        with pytest.raises(Conflict):
            store.rotate(key, other, renewed(before[0]), before[0].rev, clock.now() + 10)
        assert (loaded(store, key), loaded(store, other)) == before

    def test_the_very_same_rotation_may_be_repeated(self, store: SessionStore) -> None:
        for grace in (0, 10):
            key = created(store)
            before, new = loaded(store, key), key_beside(store, key)
            record, until = renewed(before), clock.now() + grace
            store.rotate(key, new, record, before.rev, until)
            after = loaded(store, new)
            store.rotate(key, new, record, before.rev, until)
            assert loaded(store, new) == after

    def test_a_chain_of_rotations_is_followed_hop_by_hop(self, store: SessionStore) -> None:
        first = created(store)
        second = rotated(store, first, grace=10)
        third = rotated(store, second, grace=10)
        for key, to in ((first, second), (second, third)):
            found, answer = store.load(key), store.delete(key)
            assert isinstance(found, Moved)
            assert isinstance(answer, Moved)
            assert found.to == answer.to == to
        assert store.delete(third) is DELETED

    def test_a_rotation_keeps_the_time_of_the_marker_not_of_the_session(
        self, store: SessionStore, time: FrozenClock
    ) -> None:
        """A session about to end leaves a marker that outlives it, harmlessly."""
        key = created(store, session(idle=5))
        new = rotated(store, key, grace=10)
        time.advance(6)
        assert isinstance(store.load(key), Moved)
        assert_nothing_lives(store, new)
        with pytest.raises(SessionGone):
            store.update(new, Change(set=entries(a="2")))
