"""Stores in DynamoDB for tests, each in an empty table of its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from serverless_sessions import open_store
from serverless_sessions_adapters.dynamodb import DynamoDBStore

REGION = "eu-west-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "anybody", "AWS_SECRET_ACCESS_KEY": "secret"}


@contextmanager
def client_of(endpoint: str = "") -> Iterator[Any]:
    """The client that a store opens by its url, with somebody's credentials."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        store = open_store(f"dynamodb://any?region={REGION}{endpoint and f'&endpoint={endpoint}'}")
        assert isinstance(store, DynamoDBStore)
        yield store.client
        store.close()


@contextmanager
def empty_table(client: Any) -> Iterator[DynamoDBStore]:
    name = f"sessions-{uuid.uuid4()}"
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )
    yield DynamoDBStore(client, name)
    client.delete_table(TableName=name)
