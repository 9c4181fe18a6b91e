"""The contract suite and the state machine over SqliteStore."""

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from serverless_sessions import clock
from serverless_sessions.store import SessionStore
from serverless_sessions.testing.cases.base import fresh_key
from serverless_sessions.testing.contract import StoreContract
from serverless_sessions.testing.machine import store_machine
from serverless_sessions_adapters.sqlite import SqliteStore


class TestSqliteStore(StoreContract):
    @pytest.fixture
    def store(
        self, tmp_path: Path, record_property: Callable[[str, object], None]
    ) -> Iterator[SessionStore]:
        record_property("store_server", f"SQLite {sqlite3.sqlite_version}")
        with closing(SqliteStore(tmp_path / "sessions.db")) as store:
            yield store

    def plant_damage(self, store: SessionStore) -> list[str]:
        """Rows with the deadline and some of the rest, entries included."""
        assert isinstance(store, SqliteStore)
        store.provision()
        ends = clock.now() + 1000
        halves: list[dict[str, object]] = [
            {},
            {"idle": ends, "absolute": ends},
            {"rid": "r", "created": 1, "rev": 1},
            {"rid": "r", "created": 1, "idle": ends, "rev": 1},
            {"rid": "r", "idle": ends, "absolute": ends, "rev": 1},
            {"created": 1, "idle": ends, "absolute": ends, "rev": 1},
            {"moved_to": fresh_key()},
        ]
        with closing(sqlite3.connect(store.path)) as database, database:
            keys = [fresh_key() for _ in halves]
            for key, half in zip(keys, halves, strict=True):
                row = {"key": key, "ends": ends, **half}
                marks = ", ".join("?" * len(row))
                database.execute(
                    f"INSERT INTO sessions ({', '.join(row)}) VALUES ({marks})",
                    list(row.values()),
                )
                database.execute("INSERT INTO entries VALUES (?, 'name', 'text', NULL)", (key,))
        return keys


@contextmanager
def _empty_store() -> Iterator[SessionStore]:
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(SqliteStore(Path(folder, "sessions.db"))) as store,
    ):
        yield store


TestSqliteBesideMemory = store_machine(_empty_store).TestCase
