"""Making, removing and checking the table."""

from __future__ import annotations

from typing import Any

import pytest

from serverless_sessions.errors import ConfigurationError, StoreTimeout, StoreUnavailable
from serverless_sessions.store import Finding
from serverless_sessions.testing.cases.base import created, fresh_key, loaded, texts
from serverless_sessions_adapters import _dynamodb_table
from serverless_sessions_adapters.dynamodb import DynamoDBStore
from support.dynamodb import (
    Call,
    Wire,
    fails_with,
    items,
    loses_the_reply,
    raises,
)

WRITES = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"}


def bad(findings: list[Finding]) -> list[str]:
    return [f"{finding.what}: {finding.remedy}" for finding in findings if not finding.ok]


def create_table(store: DynamoDBStore, name: str, key: str = "id", kind: str = "S") -> None:
    store.client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind}],
    )


def test_a_new_table_is_billed_by_request_and_forgets_the_ended(store: DynamoDBStore) -> None:
    described = store.client.describe_table(TableName=store.table)["Table"]
    assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    ttl = store.client.describe_time_to_live(TableName=store.table)["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}


def test_what_is_there_already_is_not_made_again(store: DynamoDBStore, wire: Wire) -> None:
    key = created(store)
    store.provision()
    assert "UpdateTimeToLive" not in wire.operations
    assert texts(loaded(store, key)) == {"first": "1"}


def test_a_table_made_by_hand_gets_its_ttl(store: DynamoDBStore) -> None:
    create_table(store, "by-hand")
    by_hand = DynamoDBStore(store.client, "by-hand")
    assert len(bad(by_hand.check())) == 1
    by_hand.provision()
    assert bad(by_hand.check()) == []


def test_a_removed_table_is_gone_and_may_be_removed_again(store: DynamoDBStore) -> None:
    store.deprovision()
    with pytest.raises(ConfigurationError, match="no such table"):
        store.load(fresh_key())
    store.deprovision()
    store.provision()
    assert store.load(fresh_key()) is None


def test_making_and_removing_wait_until_it_is_done(
    store: DynamoDBStore, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_dynamodb_table, "LOOK_EVERY", 0.001)
    statuses = ["CREATING", "CREATING", "ACTIVE"]

    def slowly(parsed: dict[str, Any], **_: object) -> None:
        parsed["Table"]["TableStatus"] = statuses.pop(0)

    store.client.meta.events.register("after-call.dynamodb.DescribeTable", slowly)
    try:
        store.provision()
    finally:
        store.client.meta.events.unregister("after-call.dynamodb.DescribeTable", slowly)
    assert wire.operations.count("DescribeTable") == 3
    assert statuses == []


def test_a_table_that_never_gets_ready_is_not_waited_for_for_ever(
    store: DynamoDBStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_dynamodb_table, "CHANGING_SECONDS", 0.05)
    monkeypatch.setattr(_dynamodb_table, "LOOK_EVERY", 0.01)

    def never(parsed: dict[str, Any], **_: object) -> None:
        parsed["Table"]["TableStatus"] = "CREATING"

    store.client.meta.events.register("after-call.dynamodb.DescribeTable", never)
    try:
        with pytest.raises(StoreTimeout):
            store.provision()
    finally:
        store.client.meta.events.unregister("after-call.dynamodb.DescribeTable", never)


def test_a_check_changes_nothing_and_tells_what_it_looked_at(
    store: DynamoDBStore, wire: Wire
) -> None:
    created(store)
    before = items(store)
    findings = store.check()
    assert bad(findings) == []
    assert [finding.what for finding in findings] == [
        f"the table {store.table!r} is there, and its only key is the string 'id'",
        "DynamoDB removes sessions that have ended",
        *(
            f"dynamodb:{action} is allowed"
            for action in ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem")
        ),
        "the clocks of this machine and of the store's server agree",
    ]
    assert items(store) == before
    assert set(wire.operations) >= WRITES


@pytest.mark.parametrize(
    "operation",
    ["DescribeTable", "DescribeTimeToLive", "GetItem", "PutItem", "UpdateItem", "DeleteItem"],
)
def test_a_missing_permission_is_the_one_thing_found(
    store: DynamoDBStore, wire: Wire, operation: str
) -> None:
    def deny(call: Call) -> None:
        if call.operation == operation:
            fails_with("AccessDeniedException")(call)

    wire.before = [deny] * 20
    (finding,) = bad(store.check())
    assert f"dynamodb:{operation}" in finding


def test_a_missing_table_is_found(store: DynamoDBStore) -> None:
    (finding,) = bad(DynamoDBStore(store.client, "missing").check())
    assert "no such table" in finding
    assert "provision()" in finding


@pytest.mark.parametrize(("key", "kind"), [("pk", "S"), ("id", "N")])
def test_a_table_with_another_key_is_found(store: DynamoDBStore, key: str, kind: str) -> None:
    create_table(store, "another", key, kind)
    (finding,) = bad(DynamoDBStore(store.client, "another").check())
    wrong = f"{key!r} (HASH, {kind}), and its only key must be the string 'id'"
    assert wrong in finding
    with pytest.raises(ConfigurationError) as refused:
        DynamoDBStore(store.client, "another").provision()
    assert wrong in str(refused.value)


def test_a_dynamodb_that_does_not_answer_is_found(store: DynamoDBStore, wire: Wire) -> None:
    wire.before = [loses_the_reply] * 20
    findings = store.check()
    assert len(bad(findings)) == len(findings)


def test_what_the_service_refuses_is_raised(store: DynamoDBStore, wire: Wire) -> None:
    wire.before = [raises(RuntimeError("a bug")), fails_with("InternalServerError")]
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            store.provision()
