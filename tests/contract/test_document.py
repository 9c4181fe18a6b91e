"""The store over documents, on the smallest backend that can be one."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from serverless_sessions.document import Documents, DocumentStore
from serverless_sessions.errors import Conflict
from serverless_sessions.store import ABSENT
from serverless_sessions.testing.cases.base import fresh_key
from serverless_sessions.testing.contract import StoreContract


class MemoryDocuments(Documents):
    def __init__(self) -> None:
        self.texts: dict[str, tuple[str, int]] = {}
        self._versions = itertools.count(1)
        self._lock = threading.Lock()

    def get(self, key: str) -> tuple[str, int] | None:
        return self.texts.get(key)

    def put(self, key: str, text: str, *, if_version: Any, expires: int | None) -> int:
        with self._lock:
            _, version = self.texts.get(key, ("", ABSENT))
            if version != if_version:
                raise Conflict("somebody was first")
            self.texts[key] = text, next(self._versions)
            return self.texts[key][1]

    def remove(self, key: str) -> None:
        self.texts.pop(key, None)

    def keys(self) -> Iterator[str]:
        return iter(list(self.texts))


HALF = [
    '[["Map"]]',
    '[["Map",1,2],"a",{"data":3},1]',
    '[["Map",1,2],"_sls.facts",{"data":3,"expires":-1},{"rid":4},"r"]',
]


class TestDocumentStore(StoreContract):
    @pytest.fixture
    def store(self) -> DocumentStore:
        return DocumentStore(MemoryDocuments(), adopts=False)

    def plant_damage(self, store: Any) -> list[str]:
        keys = [fresh_key() for _ in HALF]
        for key, text in zip(keys, HALF, strict=True):
            store.documents.put(key, text, if_version=ABSENT, expires=None)
        return keys
