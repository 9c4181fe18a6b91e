"""What a store declares beyond the five operations is there; what it does not, it refuses."""

from __future__ import annotations

import re

import pytest

from ... import clock, ids
from ...errors import Unsupported
from ...store import DELETED, Change, Record, SessionStore
from ..clock import FrozenClock
from .base import Cases, created, entries, key_beside, loaded, rotated, session, texts


class CapabilityCases(Cases):
    def test_guarantees_are_the_same_for_every_call(self, store: SessionStore) -> None:
        assert store.guarantees == store.guarantees
        limit = store.guarantees.max_bytes
        assert limit is None or limit > 0

    def test_its_kind_is_a_short_name(self, store: SessionStore) -> None:
        """It stands in logs and metrics."""
        assert re.fullmatch(r"[a-z0-9._-]{1,32}", store.kind)

    def test_a_user_has_every_live_session_listed(
        self, store: SessionStore, time: FrozenClock
    ) -> None:
        if not store.guarantees.lists_users:
            with pytest.raises(Unsupported):
                list(store.list_user("ann"))
            return
        ann, bob = ids.draw_handle(), ids.draw_handle()
        hers = {created(store, session(user=ann, idle=100)) for _ in range(3)}
        his = created(store, session(user=bob))
        ended = hers.pop()
        assert store.delete(ended) is DELETED
        moved = hers.pop()
        hers.add(rotated(store, moved, grace=10))
        for key in hers:
            store.update(key, Change(clear=True, set=entries(a="1")))

        listed = set(store.list_user(ann))
        assert hers <= listed
        assert his not in listed
        assert his in set(store.list_user(bob))
        assert not list(store.list_user(f"{ann}x"))

        time.advance(100)
        assert not [key for key in store.list_user(ann) if isinstance(store.load(key), Record)]

    def test_a_rotation_moves_a_session_to_its_new_user(self, store: SessionStore) -> None:
        if not store.guarantees.lists_users:
            pytest.skip("this store lists no users")
        user = ids.draw_handle()
        anonymous = created(store)
        record, new = loaded(store, anonymous), key_beside(store, anonymous)
        store.rotate(anonymous, new, session(texts(record), user=user), record.rev, clock.now())
        assert new in set(store.list_user(user))

    @pytest.mark.parametrize("user", ["", "a/b", "..", "ключ", "#", "x" * 500, "a\0b", "' OR ''='"])
    def test_users_of_any_name_are_told_apart(self, store: SessionStore, user: str) -> None:
        if not store.guarantees.lists_users:
            pytest.skip("this store lists no users")
        hers = created(store, session(user=f"{user}1"))
        assert loaded(store, hers).facts.user == f"{user}1"
        assert hers in set(store.list_user(f"{user}1"))
        assert hers not in set(store.list_user(f"{user}2"))

    def test_scan_goes_through_every_live_record(
        self, store: SessionStore, time: FrozenClock
    ) -> None:
        if not store.guarantees.scans:
            with pytest.raises(Unsupported):
                list(store.scan())
            return
        ending = created(store, session(idle=10))
        deleted, moved = created(store), created(store)
        living = {created(store, session({"n": str(n)})): str(n) for n in range(205)}
        store.delete(deleted)
        new = rotated(store, moved)
        time.advance(10)

        seen = list(store.scan())
        found = dict(seen)
        assert len(found) == len(seen)
        assert {key: texts(found[key]) for key in living} == {
            key: {"n": n} for key, n in living.items()
        }
        assert found[new] == loaded(store, new)
        assert not {ending, deleted, moved} & set(found)

    def test_a_scan_bears_deletions_on_its_way(self, store: SessionStore) -> None:
        if not store.guarantees.scans:
            pytest.skip("this store does not scan")
        keys = {created(store) for _ in range(5)}
        for key, _ in store.scan():
            store.delete(key)
        assert not keys & set(dict(store.scan()))

    def test_purge_removes_the_expired_and_not_more_than_asked(
        self, store: SessionStore, time: FrozenClock
    ) -> None:
        if not store.guarantees.purges:
            with pytest.raises(Unsupported):
                store.purge()
            return
        ending = [created(store, session(idle=10)) for _ in range(5)]
        living = [created(store, session(idle=11)), created(store)]
        moved = created(store)
        new = rotated(store, moved)
        while store.purge():
            pass
        time.advance(9)
        assert store.purge() == 0
        time.advance(1)

        assert [store.purge(2), store.purge(2), store.purge(2), store.purge(2)] == [2, 2, 1, 0]
        for key in (*living, new):
            assert texts(loaded(store, key)) == {"first": "1"}
        assert store.delete(moved) != DELETED
        assert all(store.load(key) is None for key in ending)

    def test_a_touched_session_is_kept_and_listed_past_its_first_deadline(
        self, store: SessionStore, time: FrozenClock
    ) -> None:
        user = ids.draw_handle()
        key = created(store, session(user=user, idle=10))
        store.update(key, Change(idle=clock.now() + 100))
        time.advance(50)
        created(store)
        if store.guarantees.purges:
            while store.purge():
                pass
        if store.guarantees.lists_users:
            assert key in set(store.list_user(user))
        assert texts(loaded(store, key)) == {"first": "1"}

    def test_provision_may_be_repeated(self, store: SessionStore) -> None:
        try:
            store.provision()
        except Unsupported:
            pytest.skip("this store needs nothing created")
        key = created(store)
        store.provision()
        assert texts(loaded(store, key)) == {"first": "1"}

    def test_a_sound_store_passes_its_own_check(self, store: SessionStore) -> None:
        key = created(store)
        try:
            findings = store.check()
        except Unsupported:
            pytest.skip("this store has nothing to check")
        assert findings
        assert [finding for finding in findings if not finding.ok] == []
        assert texts(loaded(store, key)) == {"first": "1"}

    def test_close_may_be_repeated(self, store: SessionStore) -> None:
        created(store)
        store.close()
        store.close()

    def test_neither_keys_nor_values_show_in_the_stores_repr(self, store: SessionStore) -> None:
        key = created(store, session({"name of a key": "text of a value"}))
        shown = f"{store!r} {store}"
        assert key not in shown
        assert "name of a key" not in shown
        assert "text of a value" not in shown
