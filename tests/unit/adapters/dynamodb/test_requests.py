"""What each operation costs: its requests, and the bytes of a change."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from serverless_sessions import clock
from serverless_sessions.errors import Conflict, Moved, SessionError, SessionGone
from serverless_sessions.store import ABSENT, DELETED, Change, Entry
from serverless_sessions.testing.cases.base import (
    created,
    entries,
    fresh_key,
    loaded,
    renewed,
    rotated,
    session,
)
from serverless_sessions_adapters.dynamodb import DynamoDBStore
from support.dynamodb import Wire

GET, PUT, UPDATE, DELETE = "GetItem", "PutItem", "UpdateItem", "DeleteItem"
TRANSACT = "TransactWriteItems"
MANY = Change(set={f"name {n}": Entry("x") for n in range(101)})


def rotate(store: DynamoDBStore, key: str, user: str | None = None) -> None:
    record = renewed(loaded(store, key))
    changed = record._replace(facts=record.facts._replace(user=user))
    store.rotate(key, fresh_key(), changed, loaded(store, key).rev, clock.now() + 10)


COSTS: dict[str, tuple[Callable[[DynamoDBStore, str], object], list[str]]] = {
    "load": (lambda store, key: store.load(key), [GET]),
    "load nothing": (lambda store, _: store.load(fresh_key()), [GET]),
    "create": (lambda store, _: created(store), [PUT]),
    "create for a user": (lambda store, _: created(store, session(user="ann")), [TRANSACT]),
    "set": (lambda store, key: store.update(key, Change(set=entries(a="1"))), [UPDATE]),
    "set 100": (
        lambda store, key: store.update(key, MANY._replace(set=dict([*MANY.set.items()][:100]))),
        [UPDATE],
    ),
    "set 101": (lambda store, key: store.update(key, MANY), [GET, PUT]),
    "remove": (lambda store, key: store.update(key, Change(remove=frozenset("a"))), [UPDATE]),
    "clear and set 101": (
        lambda store, key: store.update(key, MANY._replace(clear=True)),
        [UPDATE],
    ),
    "clear": (lambda store, key: store.update(key, Change(clear=True)), [UPDATE]),
    "touch": (lambda store, key: store.update(key, Change(idle=2**40)), [UPDATE]),
    "modify": (
        lambda store, key: store.update(
            key, Change(set=entries(a="1"), expect={"a": ABSENT, "first": "1"})
        ),
        [UPDATE],
    ),
    "rotate": (rotate, [GET, GET, TRANSACT]),
    "bind": (lambda store, key: rotate(store, key, "ann"), [GET, GET, TRANSACT]),
    "delete": (lambda store, key: store.delete(key), [DELETE]),
    "delete nothing": (lambda store, _: store.delete(fresh_key()), [DELETE]),
    "list a user": (lambda store, _: store.list_user("ann"), [GET]),
}


@pytest.mark.parametrize("operation", COSTS)
def test_requests_of(store: DynamoDBStore, wire: Wire, operation: str) -> None:
    key = created(store)
    wire.calls.clear()
    act, expected = COSTS[operation]
    act(store, key)
    assert wire.operations == expected


def test_every_read_is_strongly_consistent(store: DynamoDBStore, wire: Wire) -> None:
    """A replica that lags would bring a session back that has just been destroyed."""
    key = created(store, session(user="ann"))
    store.load(key)
    store.update(key, MANY)
    store.list_user("ann")
    list(store.scan())
    reads = [call for call in wire.calls if call.operation in (GET, "Scan")]
    assert len(reads) == 4
    assert all(call.arguments["ConsistentRead"] is True for call in reads)


def test_ending_a_users_session_takes_two_requests(store: DynamoDBStore, wire: Wire) -> None:
    key = created(store, session(user="ann"))
    wire.calls.clear()
    assert store.delete(key) is DELETED
    assert wire.operations == [DELETE, TRANSACT]


def test_what_stood_in_the_way_is_told_without_another_request(
    store: DynamoDBStore, wire: Wire
) -> None:
    """On the real DynamoDB, whose endpoint moto answers to in process."""
    moved, changed, live = created(store), created(store), created(store)
    rotated(store, moved, grace=10)
    stale = loaded(store, changed).rev
    store.update(changed, Change(nonce="other"))
    fresh = loaded(store, changed).rev
    one = Change(set=entries(a="1"))
    refusals: dict[Callable[[], object], type[SessionError]] = {
        lambda: store.update(fresh_key(), one): SessionGone,
        lambda: store.update(moved, one): Moved,
        lambda: store.update(live, one._replace(rid="another")): SessionGone,
        lambda: store.update(live, one._replace(expect={"first": "2"})): Conflict,
        lambda: store.create(live, session()): Conflict,
        lambda: store.rotate(fresh_key(), fresh_key(), session(), stale, 0): SessionGone,
        lambda: store.rotate(moved, fresh_key(), session(), stale, 0): Moved,
        lambda: store.rotate(changed, fresh_key(), session(), stale, 0): Conflict,
        lambda: store.rotate(changed, live, session(), fresh, 0): Conflict,
    }
    for refused, error in refusals.items():
        wire.calls.clear()
        with pytest.raises(error):
            refused()
        assert len(wire.operations) == 1


def test_a_workalike_that_does_not_tell_is_asked(store: DynamoDBStore, wire: Wire) -> None:
    """As dynalite is, and whatever answers at an endpoint that is not Amazon's."""
    store.operations._tells = False
    with pytest.raises(SessionGone):
        store.update(fresh_key(), Change(set=entries(a="1")))
    assert wire.operations == [UPDATE, GET]


def test_one_changed_key_of_a_large_session_sends_no_more_than_itself(
    store: DynamoDBStore, wire: Wire
) -> None:
    large = {f"name {n}": "x" * 2_000 for n in range(100)}
    key = created(store, session(large))
    seen = loaded(store, key)
    change = Change(
        set=entries(flavour="x" * 20),
        idle=clock.now() + 500,
        rid=seen.facts.rid,
        seen=seen.rev,
        nonce="n" * 12,
    )
    wire.calls.clear()
    store.update(key, change)
    (call,) = wire.calls
    assert call.size < 1_200


def test_the_longest_change_of_one_request_fits_an_expression(
    store: DynamoDBStore, wire: Wire
) -> None:
    """4 KB and 300 operators each (Quotas in Amazon DynamoDB: expression parameters)."""
    key = created(store, session({f"old {n}": "1" for n in range(50)}))
    change = Change(
        set={f"new {n}": Entry("1", deadline=clock.now() + 10) for n in range(50)},
        remove=frozenset(f"old {n}" for n in range(50)),
        idle=clock.now() + 10,
        expect={f"old {n}": "1" for n in range(20)},
        rid=loaded(store, key).facts.rid,
    )
    wire.calls.clear()
    store.update(key, change)
    (call,) = wire.calls
    changing, condition = (
        call.arguments[name] for name in ("UpdateExpression", "ConditionExpression")
    )
    assert max(len(changing), len(condition)) < 4_096
    words = condition.replace("(", " ( ").split()
    operators = [word for word in words if word in ("AND", "OR", "=", ">", "<=", "NOT", "(")]
    assert len(operators) < 300
