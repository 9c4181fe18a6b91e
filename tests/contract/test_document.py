"""The contract suite over the smallest backend of texts, blocking, awaited and unconditional."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from serverless_sessions import AsyncSessionStore
from serverless_sessions.document import DocumentStore
from serverless_sessions.store import ABSENT, SessionStore
from serverless_sessions.testing.async_contract import AsyncStoreContract, BlockingStore
from serverless_sessions.testing.cases.base import fresh_key
from serverless_sessions.testing.contract import StoreContract
from serverless_sessions.testing.machine import store_machine
from support.documents import DEAD, HALF, AwaitedDocuments, MemoryDocuments


def planted(documents: MemoryDocuments, texts: list[str]) -> list[str]:
    keys = [fresh_key() for _ in texts]
    for key, text in zip(keys, texts, strict=True):
        documents.put(key, text, if_version=ABSENT, expires=None)
    return keys


class TestDocumentStore(StoreContract):
    @pytest.fixture
    def store(self) -> SessionStore:
        return DocumentStore(MemoryDocuments(), adopts=False)

    def plant_damage(self, store: Any) -> list[str]:
        return planted(store.documents, HALF)


class TestUnconditionalDocumentStore(StoreContract):
    @pytest.fixture
    def store(self) -> SessionStore:
        return DocumentStore(MemoryDocuments(conditional=False))

    def plant_damage(self, store: Any) -> list[str]:
        return planted(store.documents, DEAD)


class TestAwaitedDocumentStore(AsyncStoreContract):
    @pytest.fixture
    def async_store(self) -> AsyncSessionStore:
        self.documents = MemoryDocuments()
        store = DocumentStore(self.documents, lambda: AwaitedDocuments(self.documents))
        awaited = store.native_async()
        assert awaited is not None
        return awaited

    def plant_damage(self, store: SessionStore) -> list[str]:
        assert isinstance(store, BlockingStore)
        return planted(self.documents, DEAD)


@pytest.mark.parametrize("adopts", [True, False])
@pytest.mark.parametrize("conditional", [True, False])
def test_documents_beside_memory(adopts: bool, conditional: bool) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    def opened() -> Any:
        return closing(DocumentStore(MemoryDocuments(conditional=conditional), adopts=adopts))

    run_state_machine_as_test(store_machine(opened, examples=25))
