"""FirestoreStore when an operation is cut off, a reply is lost, or another's lock is in the way."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from google.api_core.exceptions import Aborted, FailedPrecondition, ServiceUnavailable

from serverless_sessions import clock
from serverless_sessions.errors import Conflict, Moved, SessionGone, StoreUnavailable
from serverless_sessions.sansio import Asking, Request
from serverless_sessions.store import ABSENT, MARKER_SECONDS, Change, Record
from serverless_sessions.testing import FrozenClock
from serverless_sessions.testing.cases.base import (
    assert_nothing_lives,
    created,
    entries,
    fresh_key,
    loaded,
    renewed,
    rotated,
    session,
    texts,
)
from serverless_sessions.trampoline import run
from serverless_sessions_adapters.firestore import FirestoreStore
from servers.firestore_emulator import FirestoreEmulator
from support.firestore import (
    CHANGES,
    Making,
    WatchedFirestore,
    as_expected,
    as_seen,
    blind_and_due,
    empty_store,
    failing,
    marker_ends,
    watched,
)
from support.interleaving import Stepped


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


def operations(store: FirestoreStore, time: FrozenClock) -> dict[str, tuple[str, Any]]:
    """Operations of more than one request: the key, and the generator."""
    ended = created(store, session(idle=1))
    time.advance(1)
    alive = created(store)
    return {
        "create": (ended, store.operations.create(ended, session({"a": "1"}))),
        "touch": (
            key := created(store),
            store.operations.update(key, blind_and_due(store, key, a="1")),
        ),
        "update": (alive, store.operations.update(alive, as_expected(store, alive, a="1"))),
        "delete": (key := created(store), store.operations.delete(key)),
    }


@pytest.mark.parametrize(
    ("name", "after_each_request"),
    [
        ("create", [None, None, {"a": "1"}]),
        ("touch", [{"first": "1", "a": "1"}, {"first": "1", "a": "1"}]),
        ("update", [{"first": "1"}, {"first": "1", "a": "1"}]),
        ("delete", [{"first": "1"}, None]),
    ],
)
def test_what_is_cut_off_has_done_all_or_nothing(
    store: FirestoreStore,
    client: WatchedFirestore,
    time: FrozenClock,
    name: str,
    after_each_request: list[dict[str, str] | None],
) -> None:
    for requests, stored in enumerate(after_each_request, 1):
        key, asking = operations(store, time)[name]
        operation = Stepped(client, asking)
        for _ in range(requests):
            operation.step()
        asking.close()
        found = store.load(key)
        assert (texts(found) if isinstance(found, Record) else None) == stored
        assert operation.done == (requests == len(after_each_request))


def test_a_touch_that_was_cut_off_leaves_the_old_deadline(
    store: FirestoreStore, client: WatchedFirestore
) -> None:
    key = created(store, session(idle=100))
    operation = Stepped(client, store.operations.update(key, blind_and_due(store, key, a="1")))
    operation.step()
    assert loaded(store, key).idle == clock.now() + 100
    operation.step()
    assert loaded(store, key).idle == clock.now() + 7200


def with_no_time_for_a_second_try(client: WatchedFirestore, asking: Asking[Any]) -> Any:
    def answered(request: Request) -> Any:
        with clock.call_limit(60):
            return request(client)

    with clock.call_limit(0):
        return run(asking, answered)


def test_a_touch_that_others_keep_from_happening_leaves_the_change_made(
    store: FirestoreStore, client: WatchedFirestore
) -> None:
    key = created(store, session(idle=100))

    def others_win(_: str) -> None:
        if client.requests[1:] == ["commit"]:
            raise FailedPrecondition("on purpose")  # type: ignore[no-untyped-call]  # the SDK's own

    client.requests.clear()
    client.before = others_win
    change = blind_and_due(store, key, a="1")
    with_no_time_for_a_second_try(client, store.operations.update(key, change))
    assert client.requests == ["commit", "commit"]
    assert texts(loaded(store, key)) == {"first": "1", "a": "1"}


def test_a_race_that_is_given_up_names_no_key(
    store: FirestoreStore, client: WatchedFirestore, time: FrozenClock
) -> None:
    key, asking = operations(store, time)["create"]
    with pytest.raises(Conflict) as given_up:
        with_no_time_for_a_second_try(client, asking)
    assert key not in "".join(traceback.format_exception(given_up.value))


@pytest.mark.parametrize("making", CHANGES)
def test_an_update_whose_reply_was_lost_may_be_sent_again(
    store: FirestoreStore, client: WatchedFirestore, making: Making
) -> None:
    key = created(store)
    change = making(store, key, a="1")
    client.after = failing(ServiceUnavailable)
    with pytest.raises(StoreUnavailable):
        store.update(key, change)
    store.update(key, change)
    assert texts(loaded(store, key)) == {"first": "1", "a": "1"}
    if change.idle is not None:
        assert loaded(store, key).idle == change.idle


def test_a_compare_and_set_whose_reply_was_lost_is_made_once(
    store: FirestoreStore, client: WatchedFirestore
) -> None:
    key = created(store, session({"n": "0"}))
    change = Change(set=entries(n="1"), expect={"n": "0"}, nonce="once")
    client.after = failing(ServiceUnavailable)
    with pytest.raises(StoreUnavailable):
        store.update(key, change)
    rev = loaded(store, key).rev
    store.update(key, change)
    assert loaded(store, key).rev == rev


@pytest.mark.parametrize("over_a_dead_one", [False, True])
def test_a_creation_whose_reply_was_lost_may_be_sent_again(
    store: FirestoreStore, client: WatchedFirestore, time: FrozenClock, over_a_dead_one: bool
) -> None:
    key, record = fresh_key(), session()
    if over_a_dead_one:
        store.create(key, session(idle=0))
    client.after = failing(ServiceUnavailable)
    with pytest.raises(StoreUnavailable):
        store.create(key, record)
    stored = loaded(store, key)
    store.create(key, record)
    assert loaded(store, key) == stored


def test_a_rotation_whose_reply_was_lost_may_be_sent_again(
    store: FirestoreStore, client: WatchedFirestore
) -> None:
    key, new = created(store), fresh_key()
    seen = loaded(store, key)
    record = renewed(seen)
    client.after = failing(ServiceUnavailable)
    with pytest.raises(StoreUnavailable):
        store.rotate(key, new, record, seen.rev, clock.now())
    stored = loaded(store, new)
    store.rotate(key, new, record, seen.rev, clock.now())
    assert loaded(store, new) == stored


def test_a_deletion_whose_reply_was_lost_is_told_that_nothing_is_there(
    store: FirestoreStore, client: WatchedFirestore
) -> None:
    key = created(store, session(user="ann"))
    client.after = failing(ServiceUnavailable)
    with pytest.raises(StoreUnavailable):
        store.delete(key)
    assert store.delete(key) is ABSENT
    assert store.list_user("ann") == []


def test_a_commit_that_met_anothers_lock_is_made_again(
    store: FirestoreStore, client: WatchedFirestore
) -> None:
    key, new = fresh_key(), fresh_key()
    for operation in (
        lambda: store.create(key, session({"a": "1"})),
        lambda: store.update(key, Change(set=entries(b="2"))),
        lambda: store.update(key, as_seen(store, key, c="3")),
        lambda: store.rotate(key, new, loaded(store, key), loaded(store, key).rev, clock.now()),
        lambda: store.delete(new),
    ):
        client.before = failing(Aborted)
        operation()
        assert client.requests[-2:] == ["pause", "commit"]
    assert_nothing_lives(store, new)


@pytest.mark.parametrize("making", CHANGES)
def test_a_lock_that_is_never_let_go_ends_in_a_conflict(
    store: FirestoreStore, client: WatchedFirestore, making: Making
) -> None:
    key = created(store)
    change = making(store, key, a="1")
    client.before = failing(Aborted, times=10**6)
    with clock.call_limit(1), pytest.raises(Conflict):
        store.update(key, change)
    assert texts(loaded(store, key)) == {"first": "1"}


def test_a_marker_that_was_written_to_ends_no_sooner_and_leads_on(
    store: FirestoreStore, client: WatchedFirestore, time: FrozenClock
) -> None:
    key = created(store)
    new = rotated(store, key)
    ends = marker_ends(client, key)
    for _ in range(2):
        with pytest.raises(SessionGone):
            store.update(key, Change(set=entries(a="9"), idle=clock.now() + 5))
    assert marker_ends(client, key) == ends
    time.advance(MARKER_SECONDS - 1)
    answer = store.delete(key)
    assert isinstance(answer, Moved)
    assert answer.to == new
    time.advance(1)
    store.create(key, record := session({"b": "1"}))
    assert texts(loaded(store, key)) == {"b": "1"}
    assert loaded(store, key).facts == record.facts


def test_of_a_dead_session_the_size_does_not_matter(
    store: FirestoreStore, time: FrozenClock
) -> None:
    large = "x" * 900_000
    key = created(store, session({"a": large}, idle=1))
    turned = created(store)
    to = rotated(store, turned, grace=10)
    with pytest.raises(Moved):
        store.update(turned, Change(set=entries(a=large)))
    time.advance(1)
    with pytest.raises(SessionGone):
        store.update(key, Change(set=entries(b=large)))
    with pytest.raises(Moved) as moved:
        store.update(turned, Change(set=entries(b=large)))
    assert moved.value.to == to
