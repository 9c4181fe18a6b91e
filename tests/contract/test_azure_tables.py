"""The contract suite and the state machine over AzureTablesStore, on Azurite."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from azure.data.tables import EdmType
from hypothesis.stateful import run_state_machine_as_test

from contract.fault_cases import FaultCases
from serverless_sessions import AsyncSessionStore
from serverless_sessions.store import SessionStore
from serverless_sessions.testing.async_contract import AsyncStoreContract, BlockingStore
from serverless_sessions.testing.cases.base import fresh_key
from serverless_sessions.testing.contract import StoreContract
from serverless_sessions.testing.machine import store_machine
from serverless_sessions_adapters.azure_tables import AzureTablesStore
from servers.azurite import Azurite
from servers.fault_proxy import FaultProxy, fault_proxy
from servers.faults import http_answer
from servers.lockstep import speak_http
from support.azure import account, empty_table, fresh_table

pytestmark = pytest.mark.long

LATE = (2**40, EdmType.INT64)
NAMED = {"rid": "r", "nonce": "n", "created": (1, EdmType.INT64)}
HALVES: tuple[dict[str, Any], ...] = (
    {},
    {"idle": LATE, "absolute": LATE, "ends": LATE},
    {**NAMED, "ends": LATE},
    {**NAMED, "idle": LATE, "ends": LATE},
    {**NAMED, "absolute": LATE},
    {"rid": "r", "nonce": "n", "idle": LATE, "absolute": LATE},
    {"created": (1, EdmType.INT64), "nonce": "n", "idle": LATE, "absolute": LATE},
    {**NAMED, "idle": "tomorrow", "absolute": LATE},
    {**NAMED, "idle": float(2**40), "absolute": LATE},
    {**NAMED, "rid": 1, "idle": LATE, "absolute": LATE},
    {"to": fresh_key()},
    {"to": fresh_key(), "grace_until": LATE},
    {"to": fresh_key(), "grace_until": "tomorrow", "ends": LATE},
)


@pytest.fixture
def table(azurite: Azurite) -> Iterator[AzureTablesStore]:
    with empty_table(azurite) as store:
        yield store


def planted(store: AzureTablesStore) -> list[str]:
    """Entities in which something is missing, or of a type that we never write."""
    keys = [fresh_key() for _ in HALVES]
    for key, half in zip(keys, HALVES, strict=True):
        entity = {"PartitionKey": key[0], "RowKey": key, "k0": ":4:4:nametext", **half}
        store.client.client.create_entity(entity)
    return keys


class TestAzureTablesStore(StoreContract):
    @pytest.fixture
    def store(self, table: AzureTablesStore) -> SessionStore:
        return table

    def plant_damage(self, store: SessionStore) -> list[str]:
        assert isinstance(store, AzureTablesStore)
        return planted(store)


class TestAwaitedAzureTablesStore(AsyncStoreContract):
    @pytest.fixture
    def async_store(self, table: AzureTablesStore) -> AsyncSessionStore:
        self.blocking = table
        awaited = table.native_async()
        assert awaited is not None
        return awaited

    def plant_damage(self, store: SessionStore) -> list[str]:
        assert isinstance(store, BlockingStore)
        return planted(self.blocking)


class TestAzureTablesFaults(FaultCases):
    broken = (
        http_answer(500, {"odata.error": {"code": "InternalError"}}),
        http_answer(503, {"odata.error": {"code": "ServerBusy"}}),
        http_answer(502, b"<html>Bad Gateway</html>"),
        http_answer(200, b""),
    )

    @pytest.fixture
    def proxy(self, azurite: Azurite) -> Iterator[FaultProxy]:
        self.azurite = azurite
        with fault_proxy(azurite.port, speak_http) as proxy:
            yield proxy

    def opened(self, proxy: FaultProxy) -> SessionStore:
        store = AzureTablesStore(account(self.azurite, proxy.port), fresh_table())
        store.provision()
        return store


def test_azure_tables_beside_memory(azurite: Azurite) -> None:
    run_state_machine_as_test(store_machine(lambda: empty_table(azurite), examples=20))
