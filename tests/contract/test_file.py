"""The contract suite and the state machine over FileStore."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from serverless_sessions.store import SessionStore
from serverless_sessions.testing.cases.base import fresh_key
from serverless_sessions.testing.contract import StoreContract
from serverless_sessions.testing.machine import store_machine
from serverless_sessions_adapters.file import FileStore

DEAD = [
    "",
    '[["Map",1,2],"_sls.facts",{"data":3,"expires":-1},{"rid":4},"r"]',
    '[["Map",1,2],"_sls.moved",{"data":3,"expires":-1},{"to":4},5]',
]


class TestFileStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path, record_property: Callable[[str, object], None]) -> SessionStore:
        record_property("store_server", "files")
        return FileStore(tmp_path / "sessions")

    def plant_damage(self, store: SessionStore) -> list[str]:
        assert isinstance(store, FileStore)
        store.provision()
        keys = [fresh_key() for _ in DEAD]
        for key, text in zip(keys, DEAD, strict=True):
            (store.folder / key).write_text(text)
            os.utime(store.folder / key, (0, 0))  # what is empty was not emptied just now
        return keys


@contextmanager
def _empty_store() -> Iterator[SessionStore]:
    with tempfile.TemporaryDirectory() as folder:
        yield FileStore(folder)


TestFileBesideMemory = store_machine(_empty_store).TestCase
