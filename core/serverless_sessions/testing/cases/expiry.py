"""EXPIRED: told of what has expired and is still there, and of nothing else."""

from __future__ import annotations

import pytest

from ...errors import Moved
from ...store import DELETED, EXPIRED, MARKER_SECONDS, Change, SessionStore
from ..clock import FrozenClock
from .base import Cases, created, entries, fresh_key, loaded, rotated, session, texts


class ExpiryCases(Cases):
    @pytest.mark.parametrize("deadline", ["idle", "absolute"])
    def test_what_has_expired_is_told_where_that_is_declared(
        self, store: SessionStore, time: FrozenClock, deadline: str
    ) -> None:
        ten = session(idle=10) if deadline == "idle" else session(absolute=10)
        key = created(store, ten)
        store.update(key, Change(set=entries(a="1")))
        time.advance(10)
        told = (EXPIRED,) if store.guarantees.tells_expired else (EXPIRED, None)
        assert store.load(key) in told
        time.advance(MARKER_SECONDS)
        assert store.load(key) in told

        store.create(key, session({"a": "2"}))
        assert texts(loaded(store, key)) == {"a": "2"}

    def test_a_marker_leads_to_what_has_expired(
        self, store: SessionStore, time: FrozenClock
    ) -> None:
        key = created(store, session(idle=10))
        new = rotated(store, key, grace=20)
        time.advance(10)
        moved = store.load(key)
        assert isinstance(moved, Moved)
        assert moved.to == new
        assert store.load(new) in (
            (EXPIRED,) if store.guarantees.tells_expired else (EXPIRED, None)
        )

    def test_what_was_not_there_or_was_ended_has_not_expired(
        self, store: SessionStore, time: FrozenClock
    ) -> None:
        unknown, deleted, too_late = fresh_key(), created(store), created(store, session(idle=10))
        moved = created(store, session(idle=10))
        rotated(store, moved, grace=5)
        damaged = self.plant_damage(store)
        assert store.delete(deleted) is DELETED
        time.advance(10)
        store.delete(too_late)
        gone = [unknown, deleted, too_late, moved, *damaged]
        for _ in range(2):
            assert [store.load(key) for key in gone] == [None] * len(gone)
            time.advance(MARKER_SECONDS)
