"""Operations that are cut off between two requests, whose reply is lost, or that meet others."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations_with_replacement, permutations

import pytest

from serverless_sessions import clock
from serverless_sessions.errors import (
    Moved,
    SessionGone,
    StoreUnavailable,
)
from serverless_sessions.sansio import Asking
from serverless_sessions.store import ABSENT, DELETED, Change, Entry, Record
from serverless_sessions.testing.cases.base import (
    created,
    entries,
    fresh_key,
    loaded,
    renewed,
    session,
    texts,
)
from serverless_sessions_adapters.dynamodb import DynamoDBStore
from support.dynamodb import (
    Treatment,
    Wire,
    fails_with,
    items,
    loses_the_reply,
    passes,
)
from support.interleaving import Stepped

MANY = {f"name {n}": Entry("x") for n in range(101)}
Outcome = object


def living(store: DynamoDBStore) -> dict[str, Record]:
    return dict(store.scan())


def assert_users_are_listed(store: DynamoDBStore) -> None:
    for user in ("ann", "bob"):
        hers = {key for key, record in living(store).items() if record.facts.user == user}
        assert set(store.list_user(user)) == hers


def changing(key: str) -> Callable[[DynamoDBStore], Asking[None]]:
    change = Change(set=entries(a="1"), nonce="changed")
    return lambda store: store.operations.update(key, change)


def changing_much(key: str) -> Callable[[DynamoDBStore], Asking[None]]:
    return lambda store: store.operations.update(key, Change(set=MANY, nonce="much"))


def modifying(key: str) -> Callable[[DynamoDBStore], Asking[None]]:
    change = Change(set=entries(first="2"), expect={"first": "1"}, nonce="modified")
    return lambda store: store.operations.update(key, change)


def deleting(key: str) -> Callable[[DynamoDBStore], Asking[object]]:
    return lambda store: store.operations.delete(key)


def rotating(key: str, user: str | None) -> Callable[[DynamoDBStore], Asking[None]]:
    def rotate(store: DynamoDBStore) -> Asking[None]:
        found = yield from store.operations.load(key)
        if not isinstance(found, Record):
            raise SessionGone
        record = renewed(found)._replace(facts=found.facts._replace(user=user))
        yield from store.operations.rotate(key, fresh_key(), record, found.rev, clock.now() + 10)

    return rotate


OPERATIONS: dict[str, Callable[[str], Callable[[DynamoDBStore], Asking[object]]]] = {
    "change": changing,
    "change much": changing_much,
    "modify": modifying,
    "delete": deleting,
    "rotate": lambda key: rotating(key, "ann"),
    "bind": lambda key: rotating(key, "bob"),
    "unbind": lambda key: rotating(key, None),
}
PAIRS = list(combinations_with_replacement(OPERATIONS, 2))


def orders(first: int, second: int) -> list[tuple[str, ...]]:
    """Every order of so many requests of an operation ``a`` and an operation ``b``."""
    return sorted(set(permutations("a" * first + "b" * second)))


def requests_of(store: DynamoDBStore, operation: str) -> int:
    key = created(store, session({"first": "1"}, user="ann"))
    actor, requests = Stepped(store.client, OPERATIONS[operation](key)(store)), 0
    while not actor.done:
        actor.step()
        requests += 1
    for other in living(store):
        store.delete(other)
    return requests


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_two_operations_in_every_order(store: DynamoDBStore, first: str, second: str) -> None:
    """A user's session, whose operations take the most requests; each order from a new one."""
    for order in orders(requests_of(store, first), requests_of(store, second)):
        key = created(store, session({"first": "1"}, user="ann"))
        actors = {
            "a": Stepped(store.client, OPERATIONS[first](key)(store)),
            "b": Stepped(store.client, OPERATIONS[second](key)(store)),
        }
        for turn in order:
            if not actors[turn].done:
                actors[turn].step()
        for actor in actors.values():
            actor.finish()
        judge(store, [(first, actors["a"].outcome), (second, actors["b"].outcome)])


def judge(store: DynamoDBStore, outcomes: list[tuple[str, Outcome]]) -> None:
    """What was acknowledged is there, what was refused is not, and who logged out is out."""
    live = living(store)
    assert_users_are_listed(store)
    assert len(live) <= 1
    done = {name for name, outcome in outcomes if outcome is None}
    ended = [outcome for name, outcome in outcomes if name == "delete"]
    moved = [outcome.to for outcome in ended if isinstance(outcome, Moved)]
    if ended and not moved:
        assert ended.count(DELETED) == 1
        assert live == {}
        return
    ((key, record),) = live.items()
    assert moved in ([], [key])
    stored = texts(record)
    assert ("a" in stored) == ("change" in done)
    assert (stored.keys() >= MANY.keys()) == ("change much" in done)
    assert (stored["first"] == "2") == ("modify" in done)
    for other in live:
        assert store.delete(other) is DELETED
    assert_users_are_listed(store)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_that_is_cut_off_has_done_nothing_or_all(
    store: DynamoDBStore, operation: str
) -> None:
    requests = 0
    while True:
        key = created(store, session({"first": "1"}, user="ann"))
        before = living(store)
        actor = Stepped(store.client, OPERATIONS[operation](key)(store))
        for _ in range(requests):
            actor.step()
        if actor.done:
            return
        actor.abandon()
        assert living(store) == before
        assert_users_are_listed(store)
        assert store.delete(key) is DELETED
        requests += 1


@pytest.mark.parametrize("user", [None, "ann"])
def test_a_creation_whose_reply_was_lost_may_be_repeated(
    store: DynamoDBStore, wire: Wire, user: str | None
) -> None:
    key, record = fresh_key(), session(user=user)
    wire.after = [loses_the_reply]
    with pytest.raises(StoreUnavailable):
        store.create(key, record)
    store.create(key, record)
    assert texts(loaded(store, key)) == texts(record)
    assert_users_are_listed(store)


@pytest.mark.parametrize(
    ("before", "after"),
    [(None, None), (None, "ann"), ("ann", "ann"), ("ann", "bob"), ("ann", None)],
)
def test_a_rotation_whose_reply_was_lost_may_be_repeated(
    store: DynamoDBStore, wire: Wire, before: str | None, after: str | None
) -> None:
    old, new = created(store, session(user=before)), fresh_key()
    seen = loaded(store, old)
    record = renewed(seen)._replace(facts=seen.facts._replace(user=after))
    wire.after = [loses_the_reply]
    with pytest.raises(StoreUnavailable):
        store.rotate(old, new, record, seen.rev, clock.now())
    store.rotate(old, new, record, seen.rev, clock.now())
    assert list(living(store)) == [new]
    assert_users_are_listed(store)

    store.update(new, Change(set=entries(a="1"), nonce="another write"))
    with pytest.raises(SessionGone):
        store.rotate(old, new, record, seen.rev, clock.now())


@pytest.mark.parametrize("user", [None, "ann"])
def test_a_deletion_whose_reply_was_lost_leaves_nothing_behind(
    store: DynamoDBStore, wire: Wire, user: str | None
) -> None:
    key = created(store, session(user=user))
    wire.after = [loses_the_reply] if user is None else [passes, loses_the_reply]
    with pytest.raises(StoreUnavailable):
        store.delete(key)
    assert store.delete(key) is ABSENT
    assert living(store) == {}
    assert store.list_user("ann") == []


def test_a_rotation_whose_reasons_say_only_half_is_looked_up(
    store: DynamoDBStore, wire: Wire
) -> None:
    """DynamoDB may cancel a transaction before it has looked at every item."""
    old, new = created(store), fresh_key()
    seen = loaded(store, old)
    record = renewed(seen)
    store.rotate(old, new, record, seen.rev, clock.now())
    (marker,) = [item for item in items(store) if "to" in item]
    wire.before = [_cancelled_by_the_second(marker)]
    store.rotate(old, new, record, seen.rev, clock.now())
    assert list(living(store)) == [new]


def _cancelled_by_the_second(item: dict[str, object]) -> Treatment:
    reasons = [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": item}]
    return fails_with("TransactionCanceledException", CancellationReasons=reasons)
