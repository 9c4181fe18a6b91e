"""Threads against each other: what is acknowledged is kept, and the dead stay dead."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from ... import clock, ids
from ...errors import Conflict, Moved, SessionGone
from ...store import Change, Record, SessionStore
from .base import (
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

Outcome = object
"""What a call returned, or the error of ours that it raised."""


def at_once(pool: ThreadPoolExecutor, *calls: Callable[[], Outcome]) -> list[Outcome]:
    """Run ``calls`` in threads that start together; returns their outcomes in order."""
    together = threading.Barrier(len(calls))

    def outcome(call: Callable[[], Outcome]) -> Outcome:
        together.wait()
        with clock.call_limit(60):
            try:
                return call()
            except (Conflict, Moved, SessionGone) as error:
                return error

    return list(pool.map(outcome, calls))


def _adding(store: SessionStore, key: str, name: str, times: int) -> Callable[[], None]:
    """Increments by compare-and-set, retried until ``times`` of them are acknowledged."""

    def add() -> None:
        done = 0
        while done < times:
            text = texts(loaded(store, key))[name]
            change = Change(
                set=entries(**{name: str(int(text) + 1)}),
                expect={name: text},
                nonce=ids.draw_nonce(),
            )
            try:
                store.update(key, change)
            except Conflict:
                continue
            done += 1

    return add


class RaceCases(Cases):
    def test_threads_that_change_different_keys_all_survive(self, store: SessionStore) -> None:
        if not store.guarantees.merges_keys:
            pytest.skip("this store does not merge changes of different keys")
        key = created(store, session({}))

        def writing(name: str) -> Callable[[], None]:
            def write() -> None:
                for n in range(self.increments):
                    store.update(key, Change(set=entries(**{name: str(n)})))

            return write

        names = [f"thread {n}" for n in range(self.threads)]
        with ThreadPoolExecutor(self.threads) as pool:
            outcomes = at_once(pool, *map(writing, names))

        assert outcomes == [None] * self.threads
        assert texts(loaded(store, key)) == dict.fromkeys(names, str(self.increments - 1))

    def test_increments_by_compare_and_set_are_all_counted(self, store: SessionStore) -> None:
        if not store.guarantees.conditional:
            pytest.skip("this store declares no conditional writes")
        key = created(store, session({"n": "0"}))
        with ThreadPoolExecutor(self.threads) as pool:
            adding = [_adding(store, key, "n", self.increments)] * self.threads
            assert at_once(pool, *adding) == [None] * self.threads

        assert texts(loaded(store, key)) == {"n": str(self.threads * self.increments)}

    @pytest.mark.parametrize("change", [Change(set=entries(a="1")), Change(idle=2**40)])
    def test_no_change_outlives_a_deletion(self, store: SessionStore, change: Change) -> None:
        if not store.guarantees.dead_stays_dead:
            pytest.skip("this store cannot keep the dead dead")
        keys = []
        with ThreadPoolExecutor(2) as pool:
            for _ in range(self.duels):
                key = created(store)
                keys.append(key)
                updated, _ = at_once(
                    pool, partial(store.update, key, change), partial(store.delete, key)
                )
                assert updated is None or isinstance(updated, SessionGone)
                assert store.load(key) is None

        if store.guarantees.scans:
            assert not set(keys) & set(dict(store.scan()))

    def test_an_update_is_in_the_rotated_record_or_is_refused(self, store: SessionStore) -> None:
        if not store.guarantees.atomic_rotation:
            pytest.skip("this store does not rotate atomically")
        with ThreadPoolExecutor(2) as pool:
            for _ in range(self.duels // 4):
                key = created(store)
                seen, new = loaded(store, key), key_beside(store, key)
                rotation, updated = at_once(
                    pool,
                    _rotating(store, key, new, grace=0),
                    partial(store.update, key, Change(set=entries(a="1"))),
                )
                if isinstance(rotation, Conflict):
                    assert updated is None
                    assert texts(loaded(store, key)) == {"first": "1", "a": "1"}
                    assert_nothing_lives(store, new)
                    continue
                assert rotation is None
                kept = texts(loaded(store, new))
                assert kept == (texts(seen) | {"a": "1"} if updated is None else texts(seen))
                assert updated is None or isinstance(updated, SessionGone)
                assert store.load(key) is None

    def test_a_log_out_ends_a_session_that_is_being_rotated(self, store: SessionStore) -> None:
        if not (store.guarantees.atomic_rotation and store.guarantees.dead_stays_dead):
            pytest.skip("this store does not rotate atomically")

        def log_out(key: str) -> None:
            answer = store.delete(key)
            while isinstance(answer, Moved):
                answer = store.delete(answer.to)

        with ThreadPoolExecutor(2) as pool:
            for _ in range(self.duels // 4):
                key = created(store)
                new = key_beside(store, key)
                rotation, _ = at_once(
                    pool, _rotating(store, key, new, grace=10), partial(log_out, key)
                )
                assert rotation is None or isinstance(rotation, SessionGone)
                assert not _lives(store, key)
                assert not _lives(store, new)

    def test_one_of_many_rotations_wins(self, store: SessionStore) -> None:
        if not store.guarantees.atomic_rotation:
            pytest.skip("this store does not rotate atomically")
        key = created(store)
        seen = loaded(store, key)
        targets = [key_beside(store, key) for _ in range(self.threads)]

        def rotating(new: str) -> Callable[[], None]:
            return lambda: store.rotate(key, new, renewed(seen), seen.rev, clock.now() + 10)

        with ThreadPoolExecutor(self.threads) as pool:
            outcomes = at_once(pool, *map(rotating, targets))

        (winner,) = [new for new, result in zip(targets, outcomes, strict=True) if result is None]
        found = store.load(key)
        assert isinstance(found, Moved)
        assert found.to == winner
        assert [new for new in targets if _lives(store, new)] == [winner]

    def test_a_session_that_is_rotated_meanwhile_is_in_every_list_of_its_user(
        self, store: SessionStore
    ) -> None:
        if not (store.guarantees.lists_users and store.guarantees.atomic_rotation):
            pytest.skip("this store lists no users, or does not rotate atomically")
        user = ids.draw_handle()
        keys = [created(store, session(user=user))]
        times, enough = self.duels // 4, threading.Event()
        lists: list[list[str]] = []

        def rotate() -> None:
            while not enough.is_set():
                keys.append(rotated(store, keys[-1]))

        with ThreadPoolExecutor(1) as pool:
            rotating = pool.submit(rotate)
            while min(len(keys), len(lists)) < times and not rotating.done():
                lists.append(store.list_user(user))
            enough.set()
            rotating.result()
        assert all(lists)
        assert keys[-1] in store.list_user(user)

    def test_a_session_begun_again_under_its_key_is_listed(self, store: SessionStore) -> None:
        """As one of a trusted id is, which is the platform's, while another request logs out."""
        if not (store.guarantees.lists_users and store.guarantees.conditional):
            pytest.skip("this store lists no users, or declares no conditional writes")
        user = ids.draw_handle()
        with ThreadPoolExecutor(2) as pool:
            for _ in range(self.duels // 4):
                key = created(store, session(user=user))
                again = partial(store.create, key, session(user=user))
                at_once(pool, partial(store.delete, key), again)
                if _lives(store, key):
                    assert key in store.list_user(user)

    def test_one_of_many_creations_wins(self, store: SessionStore) -> None:
        if not store.guarantees.conditional:
            pytest.skip("this store declares no conditional writes")
        key = fresh_key()
        records = [session({"by": str(n)}) for n in range(self.threads)]

        def creating(n: int) -> Callable[[], None]:
            return lambda: store.create(key, records[n])

        with ThreadPoolExecutor(self.threads) as pool:
            outcomes = at_once(pool, *map(creating, range(self.threads)))

        (winner,) = [n for n, result in enumerate(outcomes) if result is None]
        assert texts(loaded(store, key)) == {"by": str(winner)}


def _rotating(store: SessionStore, key: str, new: str, *, grace: int) -> Callable[[], None]:
    """Read, then rotate: the update of another thread may come before, between or after."""

    def rotate() -> None:
        record = store.load(key)
        if not isinstance(record, Record):
            raise SessionGone
        store.rotate(key, new, renewed(record), record.rev, clock.now() + grace)

    return rotate


def _lives(store: SessionStore, key: str) -> bool:
    return isinstance(store.load(key), Record)
