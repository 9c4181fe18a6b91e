"""The item that lists the sessions of a user: complete, and bounded for who never logs out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from serverless_sessions import clock, ids
from serverless_sessions.errors import SessionTooLarge
from serverless_sessions.store import DELETED, TTL_LAG_SECONDS, Change
from serverless_sessions.testing.cases.base import (
    FAR,
    created,
    fresh_key,
    loaded,
    renewed,
    rotated,
    session,
)
from serverless_sessions.testing.clock import FrozenClock
from serverless_sessions_adapters._dynamodb_items import ITEM_BYTES
from serverless_sessions_adapters._dynamodb_users import MEMBERS, OVER, index_key
from serverless_sessions_adapters.dynamodb import DynamoDBStore
from support.dynamodb import Call, Wire, cancelled, items, watched


@pytest.fixture(autouse=True)
def time() -> Iterator[FrozenClock]:
    """At a second that has as many digits as any, so that items weigh the same in every run."""
    with FrozenClock(1_800_000_123) as frozen:
        yield frozen


def index(store: DynamoDBStore, user: str = "ann") -> dict[str, Any]:
    key = index_key(user)
    (item,) = [item for item in items(store) if item["id"]["S"] == key]
    return item


def ttl(store: DynamoDBStore) -> int:
    return int(index(store)["ttl"]["N"])


def log_in(store: DynamoDBStore, **deadlines: int) -> str:
    return created(store, session({}, user="ann", **deadlines))


def fill(store: DynamoDBStore, count: int, **deadlines: int) -> list[str]:
    """List many sessions without creating each: members are the keys, as after expiry."""
    ends = {"N": str(clock.now() + deadlines.get("absolute", FAR))}
    keys = [fresh_key() for _ in range(count)]
    item = {
        "id": {"S": index_key("ann")},
        "ttl": {"N": str(clock.now() + FAR + TTL_LAG_SECONDS)},
        "n": {"N": str(count)},
        "room": {"N": str(max(count, MEMBERS))},
        **{f"s#{key}": ends for key in keys},
    }
    store.client.put_item(TableName=store.table, Item=item)
    return keys


@pytest.mark.parametrize("user", ["ann@example.com", "ключ", "x" * 5000])
def test_a_users_name_is_no_key(store: DynamoDBStore, user: str) -> None:
    key = created(store, session(user=user))
    assert index(store, user)["id"]["S"] == "u#" + hashlib.sha256(user.encode()).hexdigest()
    assert store.list_user(user) == [key]


def test_an_anonymous_session_is_listed_nowhere(store: DynamoDBStore) -> None:
    rotated(store, created(store))
    assert not [item for item in items(store) if item["id"]["S"].startswith("u#")]


def test_the_item_lives_as_long_as_its_last_session(store: DynamoDBStore) -> None:
    """Whichever of two functions with different timeouts wrote last."""
    log_in(store, absolute=100)
    assert ttl(store) == clock.now() + 100 + TTL_LAG_SECONDS
    long = log_in(store, absolute=5000)
    assert ttl(store) == clock.now() + 5000 + TTL_LAG_SECONDS
    short = log_in(store, absolute=200)
    assert ttl(store) == clock.now() + 5000 + TTL_LAG_SECONDS
    assert {long, short} <= set(store.list_user("ann"))
    assert store.delete(long) is DELETED
    assert ttl(store) == clock.now() + 5000 + TTL_LAG_SECONDS


def test_a_session_past_its_absolute_deadline_is_not_listed(
    store: DynamoDBStore, time: FrozenClock
) -> None:
    log_in(store, absolute=100)
    late = log_in(store, absolute=200)
    time.advance(100)
    assert store.list_user("ann") == [late]


def test_log_ins_and_log_outs_leave_nothing_behind(store: DynamoDBStore) -> None:
    for _ in range(5):
        store.delete(rotated(store, log_in(store)))
    assert store.list_user("ann") == []
    assert index(store)["n"] == {"N": "0"}
    assert set(index(store)) == {"id", "n", "room", "ttl"}


def test_a_log_out_goes_on_without_the_item(store: DynamoDBStore) -> None:
    """Somebody removed it, or a TTL did that was set by hand."""
    key = log_in(store, absolute=100)
    store.client.delete_item(TableName=store.table, Key={"id": {"S": index_key("ann")}})
    assert store.delete(key) is DELETED
    assert ttl(store) == clock.now() + 100 + TTL_LAG_SECONDS
    again = log_in(store)
    assert store.list_user("ann") == [again]


def test_members_past_their_deadline_give_way_when_there_are_many(
    store: DynamoDBStore, wire: Wire, time: FrozenClock
) -> None:
    fill(store, MEMBERS, absolute=100)
    time.advance(100)
    key = log_in(store)
    assert index(store)["n"] == {"N": str(MEMBERS - OVER + 1)}
    assert store.list_user("ann") == [key]
    assert wire.operations.count("TransactWriteItems") == 3


def test_a_user_who_never_logs_out_has_a_bounded_item(
    store: DynamoDBStore, time: FrozenClock
) -> None:
    """A monitor that logs in every minute and forgets: five of its sessions are alive at a time."""
    fill(store, MEMBERS - 5)
    for _ in range(40):
        log_in(store, idle=300)
        time.advance(60)
        members = [name for name in index(store) if name.startswith("s#")]
        assert len(members) == int(index(store)["n"]["N"])
        assert len(members) <= MEMBERS + 10
        live = {key for key, _ in store.scan()}
        assert live <= set(store.list_user("ann"))
    assert len(live) == 4


def test_live_sessions_are_never_pruned(store: DynamoDBStore, wire: Wire) -> None:
    keys = {log_in(store) for _ in range(MEMBERS + 10)}
    assert set(store.list_user("ann")) == keys
    assert int(index(store)["room"]["N"]) > MEMBERS + 9
    assert index(store)["n"] == {"N": str(len(keys))}


def test_a_session_that_is_just_being_created_is_never_pruned(store: DynamoDBStore) -> None:
    """A member whose session is not found yet may belong to a transaction that is under way: only
    a check inside the transaction that removes it tells. Here the session comes at the last
    moment, after the index was read, under a key that seemed dead."""
    keys = fill(store, MEMBERS)

    def come_alive(_: Call) -> None:
        for key in keys:
            item = {**live, "id": {"S": key}}
            store.client.put_item(TableName=store.table, Item=item)

    other = log_in_elsewhere(store)
    live = store.client.get_item(TableName=store.table, Key={"id": {"S": other}})["Item"]
    with watched(store) as wire:
        wire.before = [lambda _: None, come_alive]
        log_in(store)
    assert set(keys) <= set(store.list_user("ann"))


def log_in_elsewhere(store: DynamoDBStore) -> str:
    return created(store, session({}, user="bob"))


def test_two_who_prune_at_once_count_right(store: DynamoDBStore) -> None:
    fill(store, MEMBERS)

    def prune_too(_: Call) -> None:
        log_in(store)

    with watched(store) as wire:
        wire.before = [lambda _: None, prune_too]
        log_in(store)
    members = [name for name in index(store) if name.startswith("s#")]
    assert index(store)["n"] == {"N": str(len(members))}
    assert {key for key, _ in store.scan()} <= set(store.list_user("ann"))


FULL = (ITEM_BYTES - 150) // (len("s#") + 64 + 6)
"""Members that leave room for one more, or none."""


def test_a_full_item_makes_room_of_the_dead(store: DynamoDBStore) -> None:
    """However it came to be so full: ``room`` let it."""
    fill(store, FULL)
    keys = [log_in(store) for _ in range(10)]
    assert set(keys) <= set(store.list_user("ann"))


def test_more_live_sessions_than_an_item_lists_are_refused_by_name(store: DynamoDBStore) -> None:
    fill(store, FULL)

    def all_alive(call: Call) -> None:
        checks = [
            write for write in call.arguments.get("TransactItems", ()) if "ConditionCheck" in write
        ]
        if checks:
            cancelled(*["ConditionalCheckFailed"] * len(checks), "None")(call)

    with watched(store) as wire:
        wire.before = [all_alive] * 100
        with pytest.raises(SessionTooLarge, match=rf"{ITEM_BYTES} bytes: {FULL // 100}"):
            log_in_often(store)


def log_in_often(store: DynamoDBStore) -> None:
    for _ in range(3):
        log_in(store)


def test_regenerating_takes_the_old_key_off_the_list(store: DynamoDBStore) -> None:
    key = log_in(store)
    for _ in range(3):
        key = rotated(store, key)
        assert store.list_user("ann") == [key]
    assert index(store)["n"] == {"N": "1"}


def test_another_user_takes_the_session_over_in_one_step(store: DynamoDBStore, wire: Wire) -> None:
    old, new = log_in(store), fresh_key()
    seen = loaded(store, old)
    wire.calls.clear()
    taken = renewed(seen)._replace(facts=seen.facts._replace(user="bob", rid=ids.draw_handle()))
    store.rotate(old, new, taken, seen.rev, clock.now())
    assert wire.operations == ["TransactWriteItems"]
    assert store.list_user("ann") == []
    assert store.list_user("bob") == [new]


def test_a_change_leaves_the_list_alone(store: DynamoDBStore, wire: Wire) -> None:
    key = log_in(store)
    wire.calls.clear()
    store.update(key, Change(clear=True, idle=clock.now() + 5))
    assert wire.operations == ["UpdateItem"]
    assert store.list_user("ann") == [key]
