"""The contract suite and the state machine over FirestoreStore, on Google's emulator."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from contract.fault_cases import FaultCases
from serverless_sessions import AsyncSessionStore, clock, to_async
from serverless_sessions.store import SessionStore
from serverless_sessions.testing.async_contract import AsyncStoreContract, BlockingStore
from serverless_sessions.testing.cases.base import fresh_key
from serverless_sessions.testing.contract import StoreContract
from serverless_sessions.testing.machine import store_machine
from serverless_sessions_adapters.firestore import FirestoreStore
from servers.fault_proxy import FaultProxy, fault_proxy
from servers.faults import GrpcStatus
from servers.firestore_emulator import FirestoreEmulator
from servers.grpc_frames import speak_grpc
from servers.process import HOST

HALVES: tuple[dict[str, Any], ...] = (
    {},
    {"v": {"kname": "text"}},
    {"exp": 2**40},
    {"exp": 2**40, "v": {"kname": "text"}},
    {"exp": 2**40, "abs": 2**40, "v": {"kname": "text"}, "rid": "r", "nonce": "n"},
    {"exp": 2**40, "created": 1, "v": {}, "rid": "r"},
    {"abs": 2**40, "created": 1, "v": {}, "rid": "r"},
    {"created": 1, "v": {}, "rid": "r"},
    {"exp": float(2**40), "abs": 2**40, "created": 1, "v": {}, "rid": "r"},
    {"exp": "soon", "abs": 2**40, "created": 1, "v": {}, "rid": "r"},
    {"exp": 2**40, "abs": True, "created": 1, "v": {}, "rid": "r"},
    {"exp": 2**40, "abs": 2**40, "created": None, "v": {}, "rid": "r"},
    {"exp": 2**40, "abs": 2**40, "created": 1.5, "v": {}, "rid": "r"},
    {"to": fresh_key()},
    {"to": fresh_key(), "grace": 2**40},
    {"to": 1, "grace": 2**40, "ends": 2**40},
)


@pytest.fixture(autouse=True)
def _emulator(firestore_emulator: FirestoreEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_emulator.host)


def empty_store() -> FirestoreStore:
    return FirestoreStore(f"sessions-{uuid.uuid4().hex}", project="contract")


class TestFirestoreStore(StoreContract):
    increments = 20

    @pytest.fixture
    def store(self) -> Iterator[SessionStore]:
        with closing(empty_store()) as store:
            yield store

    def plant_damage(self, store: SessionStore) -> list[str]:
        """Documents of which some fields are missing, or of a type that no store of ours writes."""
        assert isinstance(store, FirestoreStore)
        return planted(store)


class TestAwaitedFirestoreStore(AsyncStoreContract):
    @pytest.fixture
    def async_store(self) -> AsyncSessionStore:
        self.blocking = empty_store()
        return to_async(self.blocking)

    def plant_damage(self, store: SessionStore) -> list[str]:
        assert isinstance(store, BlockingStore)
        with closing(self.blocking):
            return planted(self.blocking)


def planted(store: FirestoreStore) -> list[str]:
    assert clock.now() < 2**40
    collection = store.client.client.collection(store.location.collection)
    keys = [fresh_key() for _ in HALVES]
    for key, half in zip(keys, HALVES, strict=True):
        collection.document(key).set(half)
    return keys


class TestFirestoreFaults(FaultCases):
    broken = (GrpcStatus(8), GrpcStatus(10), GrpcStatus(13), GrpcStatus(14))
    """Resource exhausted, aborted, internal, unavailable."""

    @pytest.fixture
    def proxy(
        self, firestore_emulator: FirestoreEmulator, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[FaultProxy]:
        with fault_proxy(firestore_emulator.port, speak_grpc) as proxy:
            monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"{HOST}:{proxy.port}")
            yield proxy

    def opened(self, proxy: FaultProxy) -> SessionStore:
        return empty_store()


@contextmanager
def _opened() -> Iterator[SessionStore]:
    with closing(empty_store()) as store:
        yield store


TestFirestoreBesideMemory = store_machine(_opened).TestCase
