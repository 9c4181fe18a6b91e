"""Requests to DynamoDB are let through as a policy grants them, and counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from serverless_sessions.errors import AccessDenied
from serverless_sessions.testing.cases.base import created, fresh_key, loaded, rotated, session
from serverless_sessions_adapters.dynamodb import DynamoDBStore
from servers.iam_proxy import Call, Policy, iam_proxy
from servers.moto_server import DynamoDBServer
from servers.process import HOST
from support.dynamodb import client_of, empty_table

PREFIX = "arn:aws:dynamodb:eu-west-1:123456789012:table/"


def policy_for(arn: str, *actions: str, **more: Any) -> Policy:
    statement = {
        "Effect": "Allow",
        "Action": [f"dynamodb:{action}" for action in actions],
        "Resource": arn,
        **more,
    }
    return Policy(json.dumps({"Statement": [statement]}))


@pytest.fixture
def table(moto_server: DynamoDBServer) -> Iterator[str]:
    with client_of(moto_server.endpoint) as client, empty_table(client) as store:
        yield store.table


def test_each_part_of_a_transaction_takes_its_permission(
    moto_server: DynamoDBServer, table: str
) -> None:
    policy = policy_for(PREFIX + table, "PutItem", "GetItem", "Query")
    with (
        iam_proxy(moto_server.port, policy, PREFIX) as port,
        client_of(f"http://{HOST}:{port}") as client,
    ):
        store = DynamoDBStore(client, table)
        key = created(store)
        assert loaded(store, key)
        with pytest.raises(AccessDenied):
            created(store, session(user="ann"))
        assert rotated(store, key)
        with pytest.raises(AccessDenied):
            list(store.scan())
        with pytest.raises(AccessDenied):
            DynamoDBStore(client, f"{table}-2").load(fresh_key())
    assert {call.action for call in policy.unused} == {"dynamodb:Query"}
    assert policy.denied == {
        Call("dynamodb:UpdateItem", PREFIX + table),
        Call("dynamodb:Scan", PREFIX + table),
        Call("dynamodb:GetItem", f"{PREFIX}{table}-2"),
    }


def test_a_statement_with_a_condition_grants_nothing_here() -> None:
    policy = policy_for(PREFIX + "a", "GetItem", Condition={"Bool": {"aws:x": "true"}})
    assert not policy.allows(Call("dynamodb:GetItem", PREFIX + "a"))


def test_wildcards_grant_what_they_match() -> None:
    policy = policy_for(PREFIX + "a*", "*Item")
    assert policy.allows(Call("dynamodb:GetItem", PREFIX + "ab"))
    assert not policy.allows(Call("dynamodb:Scan", PREFIX + "ab"))
    assert policy.unused == set()
