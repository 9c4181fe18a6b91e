"""The contract suite with the rights of a deployed function; test_aws_cart.py runs it.

TABLE is the table that Terraform made, ENDPOINT asks the function's policy about every request,
and behind CLOUD, a port, everything passes: what only an operator does goes there, and waits for a
busy machine as long as boto3 does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing

import pytest

from contract.test_dynamodb import DynamoDBCases
from serverless_sessions.store import Finding, Record
from serverless_sessions.testing.cases.base import created, session
from serverless_sessions_adapters._dynamodb_users import MEMBERS
from serverless_sessions_adapters.dynamodb import DynamoDBStore
from support.deployed import Cloud
from support.dynamodb import client_of, items


class FunctionStore(DynamoDBStore):
    """``operator`` is the same store, for what no function does."""

    operator: DynamoDBStore

    def scan(self) -> Iterator[tuple[str, Record]]:
        return self.operator.scan()

    def provision(self) -> None:
        self.operator.provision()

    def check(self) -> list[Finding]:
        return self.operator.check()


@pytest.fixture(scope="module")
def opened() -> Iterator[FunctionStore]:
    table = os.environ["TABLE"]
    patient = closing(Cloud(int(os.environ["CLOUD"])).client("dynamodb"))
    with client_of(os.environ["ENDPOINT"]) as client, patient as free:
        store = FunctionStore(client, table)
        store.operator = DynamoDBStore(free, table)
        yield store


class TestAsTheFunction(DynamoDBCases):
    """Races are run in full elsewhere; here each request they make has to be made once."""

    threads = 4
    increments = 2
    duels = 10

    @pytest.fixture
    def store(self, opened: FunctionStore) -> Iterator[FunctionStore]:
        yield opened
        for item in items(opened.operator):
            opened.operator.client.delete_item(TableName=opened.table, Key={"id": item["id"]})

    def test_a_user_of_very_many_sessions(self, store: FunctionStore) -> None:
        """Some of them are looked at before one more is listed."""
        for _ in range(MEMBERS + 2):
            created(store, session(user="ann"))
        assert len(store.list_user("ann")) == MEMBERS + 2
