"""FirestoreStore's operations against each other, their requests in each order that there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from serverless_sessions import clock
from serverless_sessions.errors import Conflict, Moved, SessionGone
from serverless_sessions.sansio import Asking
from serverless_sessions.store import (
    ABSENT,
    DELETED,
    MARKER_SECONDS,
    TTL_LAG_SECONDS,
    Change,
    Record,
)
from serverless_sessions.testing import FrozenClock
from serverless_sessions.testing.cases.base import (
    assert_nothing_lives,
    created,
    entries,
    fresh_key,
    loaded,
    renewed,
    session,
    texts,
)
from serverless_sessions_adapters.firestore import FirestoreStore
from servers.firestore_emulator import FirestoreEmulator
from support.firestore import (
    CHANGES,
    Making,
    WatchedFirestore,
    checked_in_every_order,
    empty_store,
    marker_ends,
    watched,
)
from support.interleaving import Stepped

Begun = tuple[list[Stepped], Callable[..., None]]


@pytest.fixture
def store(
    firestore_emulator: FirestoreEmulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FirestoreStore]:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_emulator.host)
    with closing(empty_store()) as store:
        yield store


@pytest.fixture
def client(store: FirestoreStore) -> WatchedFirestore:
    return watched(store)


@pytest.fixture(autouse=True)
def time() -> Iterator[FrozenClock]:
    with FrozenClock() as time:
        yield time


@pytest.mark.parametrize("second", CHANGES)
@pytest.mark.parametrize("first", CHANGES)
def test_two_updates_of_different_keys_both_survive(
    store: FirestoreStore, client: WatchedFirestore, first: Making, second: Making
) -> None:
    def begin() -> Begun:
        key = created(store)
        changes = first(store, key, a="1"), second(store, key, b="2")
        asking = [Stepped(client, store.operations.update(key, change)) for change in changes]

        def check(*outcomes: object) -> None:
            assert outcomes == (None, None)
            assert texts(loaded(store, key)) == {"first": "1", "a": "1", "b": "2"}

        return asking, check

    assert checked_in_every_order(begin) >= 2


def test_one_of_two_compare_and_sets_wins(store: FirestoreStore, client: WatchedFirestore) -> None:
    def begin() -> Begun:
        key = created(store, session({"n": "0"}))
        changes = [
            Change(set=entries(n=str(n)), expect={"n": "0"}, nonce=str(n), seen=seen)
            for n, seen in ((1, None), (2, loaded(store, key).rev))
        ]
        asking = [Stepped(client, store.operations.update(key, change)) for change in changes]

        def check(*outcomes: object) -> None:
            (winner,) = [n for n, outcome in enumerate(outcomes, 1) if outcome is None]
            assert any(isinstance(outcome, Conflict) for outcome in outcomes)
            assert texts(loaded(store, key)) == {"n": str(winner)}

        return asking, check

    assert checked_in_every_order(begin) > 2


@pytest.mark.parametrize("making", CHANGES)
def test_no_update_outlives_a_deletion(
    store: FirestoreStore, client: WatchedFirestore, making: Making
) -> None:
    def begin() -> Begun:
        key = created(store)
        change = making(store, key, a="1")
        asking = [
            Stepped(client, store.operations.update(key, change)),
            Stepped(client, store.operations.delete(key)),
        ]

        def check(updated: object, deleted: object) -> None:
            assert updated is None or isinstance(updated, SessionGone)
            assert deleted is DELETED
            assert client.get(key) is None

        return asking, check

    assert checked_in_every_order(begin) > 2


@pytest.mark.parametrize("grace", [0, 10])
@pytest.mark.parametrize("making", CHANGES)
def test_an_update_is_in_the_rotated_record_or_is_refused(
    store: FirestoreStore, client: WatchedFirestore, making: Making, grace: int
) -> None:
    def begin() -> Begun:
        key, new = created(store), fresh_key()
        change = making(store, key, a="1")
        asking = [
            Stepped(client, store.operations.update(key, change)),
            Stepped(client, read_and_rotate(store, key, new, grace)),
        ]

        def check(updated: object, turned: object) -> None:
            if turned is None:
                assert updated is None or isinstance(updated, Moved if grace else SessionGone)
                kept = {"first": "1"} | ({"a": "1"} if updated is None else {})
                assert texts(loaded(store, new)) == kept
                assert isinstance(store.delete(key), Moved)
                ends = marker_ends(client, key)
                assert ends == clock.now() + MARKER_SECONDS + TTL_LAG_SECONDS
            else:
                assert isinstance(turned, Conflict)
                assert updated is None
                assert texts(loaded(store, key)) == {"first": "1", "a": "1"}
                assert_nothing_lives(store, new)

        return asking, check

    assert checked_in_every_order(begin) > 2


def read_and_rotate(store: FirestoreStore, key: str, new: str, grace: int) -> Asking[None]:
    found = yield from store.operations.load(key)
    assert isinstance(found, Record)
    yield from store.operations.rotate(key, new, renewed(found), found.rev, clock.now() + grace)


def test_a_log_out_ends_a_session_that_is_being_rotated(
    store: FirestoreStore, client: WatchedFirestore
) -> None:
    def begin() -> Begun:
        key, new = created(store), fresh_key()
        seen = loaded(store, key)
        rotation = store.operations.rotate(key, new, renewed(seen), seen.rev, clock.now() + 10)
        asking = [
            Stepped(client, store.operations.delete(key)),
            Stepped(client, rotation),
        ]

        def check(deleted: object, turned: object) -> None:
            if isinstance(deleted, Moved):
                assert turned is None
                assert deleted.to == new
                assert store.delete(new) is DELETED
            else:
                assert deleted is DELETED
                assert isinstance(turned, SessionGone)
            assert client.get(new) is None
            assert not isinstance(store.load(key), type(seen))

        return asking, check

    assert checked_in_every_order(begin) > 2


def test_one_of_two_rotations_wins(store: FirestoreStore, client: WatchedFirestore) -> None:
    def begin() -> Begun:
        key, targets = created(store), (fresh_key(), fresh_key())
        seen = loaded(store, key)
        asking = [
            Stepped(
                client,
                store.operations.rotate(key, new, renewed(seen), seen.rev, clock.now() + 10),
            )
            for new in targets
        ]

        def check(*outcomes: object) -> None:
            (winner,) = [new for new, won in zip(targets, outcomes, strict=True) if won is None]
            (loser,) = [new for new in targets if new != winner]
            assert any(isinstance(outcome, Moved) for outcome in outcomes)
            assert_nothing_lives(store, loser)
            assert texts(loaded(store, winner)) == {"first": "1"}

        return asking, check

    assert checked_in_every_order(begin) >= 2


def test_one_of_two_creations_over_a_dead_session_wins(
    store: FirestoreStore, client: WatchedFirestore, time: FrozenClock
) -> None:
    def begin() -> Begun:
        key = created(store, session({"dead": "1"}, idle=1))
        time.advance(1)
        records = session({"by": "0"}), session({"by": "1"})
        asking = [Stepped(client, store.operations.create(key, record)) for record in records]

        def check(*outcomes: object) -> None:
            (winner,) = [n for n, outcome in enumerate(outcomes) if outcome is None]
            assert any(isinstance(outcome, Conflict) for outcome in outcomes)
            assert texts(loaded(store, key)) == {"by": str(winner)}

        return asking, check

    assert checked_in_every_order(begin) > 2


def test_a_session_is_deleted_by_one_of_two(
    store: FirestoreStore, client: WatchedFirestore
) -> None:
    def begin() -> Begun:
        key = created(store)
        asking = [Stepped(client, store.operations.delete(key)) for _ in range(2)]

        def check(*outcomes: object) -> None:
            assert set(outcomes) == {DELETED, ABSENT}
            assert client.get(key) is None

        return asking, check

    assert checked_in_every_order(begin) > 2
