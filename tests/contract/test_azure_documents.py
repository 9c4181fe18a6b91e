"""The contract suite over Azure Tables with Astro's layout, on Azurite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from serverless_sessions import AsyncSessionStore
from serverless_sessions.store import SessionStore
from serverless_sessions.testing.async_contract import AsyncStoreContract, BlockingStore
from serverless_sessions.testing.cases.base import fresh_key
from serverless_sessions.testing.contract import StoreContract
from serverless_sessions_adapters._azure_documents import AzureTextStore
from servers.azurite import Azurite
from support.azure import account, fresh_table
from support.documents import DEAD

pytestmark = pytest.mark.long


@pytest.fixture
def table(azurite: Azurite) -> Iterator[AzureTextStore]:
    with closing(AzureTextStore(account(azurite), fresh_table())) as store:
        store.provision()
        yield store


def planted(store: AzureTextStore) -> list[str]:
    keys = [fresh_key() for _ in DEAD]
    for key, text in zip(keys, DEAD, strict=True):
        entity = {"PartitionKey": "unstorage", "RowKey": key, "unstorageValue": text}
        store.client.client.upsert_entity(entity)
    return keys


class TestAzureTexts(StoreContract):
    threads, increments, duels = 4, 4, 20

    @pytest.fixture
    def store(self, table: AzureTextStore) -> SessionStore:
        return table

    def plant_damage(self, store: SessionStore) -> list[str]:
        assert isinstance(store, AzureTextStore)
        return planted(store)


class TestAzureTextsAwaited(AsyncStoreContract):
    threads, increments, duels = 4, 4, 20

    @pytest.fixture
    def async_store(self, table: AzureTextStore) -> AsyncSessionStore:
        self.blocking = table
        awaited = table.native_async()
        assert awaited is not None
        return awaited

    def plant_damage(self, store: SessionStore) -> list[str]:
        assert isinstance(store, BlockingStore)
        return planted(self.blocking)
