"""A store in an empty table on moto in this process, and the wire to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from serverless_sessions_adapters.dynamodb import DynamoDBStore
from support.dynamodb import Wire, in_process, watched


@pytest.fixture
def store() -> Iterator[DynamoDBStore]:
    with in_process() as store:
        yield store


@pytest.fixture
def wire(store: DynamoDBStore) -> Iterator[Wire]:
    with watched(store) as wire:
        yield wire
