"""The contract suite and the state machine over AzureTablesStore, on Azurite."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from servers.azurite import Azurite, azurite
from support.azure import empty_table

from serverless_sessions.store import SessionStore
from serverless_sessions.testing.contract import StoreContract
from serverless_sessions_adapters.azure_tables import AzureTablesStore


@pytest.fixture(scope="module")
def server() -> Iterator[Azurite]:
    with azurite() as started:
        yield started


@pytest.fixture
def table(server: Azurite) -> Iterator[AzureTablesStore]:
    with empty_table(server) as store:
        yield store


class TestAzureTablesStore(StoreContract):
    @pytest.fixture
    def store(self, table: AzureTablesStore) -> SessionStore:
        return table
