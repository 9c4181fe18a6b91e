"""SqliteStore and its file: modes, urls, errors, foreign and damaged files, removal."""

import os
import shutil
import sqlite3
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from serverless_sessions import clock
from serverless_sessions.errors import (
    AccessDenied,
    ConfigurationError,
    SessionError,
    SessionTooLarge,
    StoreTimeout,
    StoreUnavailable,
)
from serverless_sessions.store import Change, Entry
from serverless_sessions.testing import FrozenClock
from serverless_sessions.testing.cases.base import (
    created,
    entries,
    fresh_key,
    loaded,
    session,
    texts,
)
from serverless_sessions.urls import StoreURL
from serverless_sessions_adapters._sqlite_database import APPLICATION_ID, SCHEMA_VERSION, translated
from serverless_sessions_adapters.sqlite import PURGED_PER_CREATE, SqliteStore, open_url


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(tmp_path / "new" / "sessions.db")) as store:
        yield store


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_user_may_read_folder_and_files(store: SqliteStore) -> None:
    before = os.umask(0)
    try:
        created(store)
    finally:
        os.umask(before)
    assert mode(store.path.parent) == 0o700
    files = sorted(store.path.parent.iterdir())
    assert [path.name for path in files] == ["sessions.db", "sessions.db-shm", "sessions.db-wal"]
    assert {mode(path) for path in files} == {0o600}


def test_nothing_is_created_before_the_first_use(store: SqliteStore) -> None:
    assert [finding.ok for finding in store.check()] == [True]
    assert not store.path.parent.exists()
    store.provision()
    assert store.path.exists()


def test_a_relative_path_stays_where_the_store_was_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(open_url(StoreURL.parse("sqlite"))) as store:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        monkeypatch.chdir(elsewhere)
        created(store)
    assert (tmp_path / ".sessions" / "sessions.db").exists()


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite", ".sessions/sessions.db"),
        ("sqlite://", ".sessions/sessions.db"),
        ("sqlite:///a.db", "a.db"),
        ("sqlite:///a%20b/%23.db", "a b/#.db"),
        ("sqlite:////tmp/a.db", "/tmp/a.db"),
    ],
)
def test_urls(url: str, path: str) -> None:
    assert open_url(StoreURL.parse(url)).path == Path(path)


@pytest.mark.parametrize(
    "url", ["sqlite://a.db", "sqlite:///a/", "sqlite:///:memory:", "sqlite:///a?mode=ro"]
)
def test_wrong_urls(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_url(StoreURL.parse(url))


def test_a_file_with_marks_of_urls_in_its_name(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "a?b#c%20d é.db")) as store:
        created(store)
        store.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a?b#c%20d é.db"]


def test_an_empty_file_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    path.touch()
    with closing(SqliteStore(path)) as store:
        assert texts(loaded(store, created(store))) == {"first": "1"}


def test_entries_that_ended_take_no_room(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "s.db", max_bytes=100)) as store, FrozenClock() as frozen:
        key = created(store, session({}))
        store.update(key, Change(set={"a": Entry("\0" * 90, clock.now() + 10)}))
        with pytest.raises(SessionTooLarge):
            store.update(key, Change(set=entries(b="\0" * 90)))
        frozen.advance(10)
        store.update(key, Change(set=entries(b="鍵" * 33)))
        with pytest.raises(SessionTooLarge):
            store.update(key, Change(set=entries(b="鍵" * 33 + "a")))
        assert texts(loaded(store, key)) == {"b": "鍵" * 33}


def test_only_changed_rows_are_written(store: SqliteStore) -> None:
    key = created(store, session({f"name {n}": "x" * 1000 for n in range(50)}))
    with closing(sqlite3.connect(store.path)) as database:
        before = dict(database.execute("SELECT name, rowid FROM entries"))
        database.execute(
            "CREATE TRIGGER touched AFTER UPDATE ON entries WHEN new.name <> 'name 7'"
            " BEGIN SELECT RAISE(ABORT, 'another row was written'); END"
        )
        store.update(key, Change(set={"name 7": Entry("y")}))
        assert dict(database.execute("SELECT name, rowid FROM entries")) == before


def test_creating_removes_a_few_of_the_expired(store: SqliteStore) -> None:
    def rows() -> int:
        with closing(sqlite3.connect(store.path)) as database:
            count: int = database.execute(
                "SELECT count(*) FROM sessions JOIN entries USING (key)"
            ).fetchone()[0]
            return count

    with FrozenClock() as frozen:
        for _ in range(5):
            created(store, session(idle=10))
        frozen.advance(10)
        created(store)
        assert rows() == 6 - PURGED_PER_CREATE
        for _ in range(4):
            created(store)
        assert rows() == 5


def test_a_locked_database_is_a_timeout_within_the_time_left(store: SqliteStore) -> None:
    key = created(store)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        with clock.call_limit(0.2), pytest.raises(StoreTimeout, match="updating") as refused:
            store.update(key, Change(set=entries(a="1")))
        assert 0.1 < time.monotonic() - started < 1.5
        assert isinstance(refused.value.__cause__, sqlite3.OperationalError)
        assert str(store.path) in str(refused.value)
        assert key not in str(refused.value)
        assert texts(loaded(store, key)) == {"first": "1"}
        other.execute("ROLLBACK")
    store.update(key, Change(set=entries(a="1")))
    assert texts(loaded(store, key)) == {"first": "1", "a": "1"}


def test_the_switch_to_the_write_ahead_log_waits_for_another_process(store: SqliteStore) -> None:
    key = created(store)
    store.close()
    with closing(
        sqlite3.connect(store.path, isolation_level=None, check_same_thread=False)
    ) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.2, other.execute, ["ROLLBACK"])
        release.start()
        assert texts(loaded(store, key)) == {"first": "1"}
        release.join()
    with closing(sqlite3.connect(store.path)) as fresh:
        assert fresh.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_write_is_on_the_disk_when_it_is_acknowledged(store: SqliteStore) -> None:
    with store._database.transaction("looking", "DEFERRED") as database:
        full = 2
        assert database.execute("PRAGMA synchronous").fetchone()[0] == full


def every_call(store: SqliteStore) -> Iterator[SessionError]:
    """The error of each operation; fails where one raises none or another kind."""
    key = fresh_key()
    for call in (
        lambda: store.load(key),
        lambda: store.create(key, session({"name": "hunter2"})),
        lambda: store.update(key, Change(set=entries(name="hunter2"))),
        lambda: store.rotate(key, fresh_key(), session({"name": "hunter2"}), 1, 0),
        lambda: store.delete(key),
        lambda: store.list_user("hunter2"),
        lambda: list(store.scan()),
        lambda: store.purge(),
        lambda: store.provision(),
    ):
        with pytest.raises(SessionError) as refused:
            call()
        assert str(store.path) in str(refused.value)
        assert "hunter2" not in str(refused.value)
        assert key not in str(refused.value)
        yield refused.value


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "garbage.db"
    path.write_bytes(b"this is no database\n" * 500)
    with closing(SqliteStore(path)) as store:
        for error in every_call(store):
            assert isinstance(error, ConfigurationError)
            assert isinstance(error.__cause__, sqlite3.DatabaseError)
        assert [finding.ok for finding in store.check()] == [False]
    assert path.read_bytes() == b"this is no database\n" * 500


@pytest.mark.parametrize(
    ("statements", "why"),
    [
        (["CREATE TABLE sessions (id)"], "another program"),
        (
            [
                f"PRAGMA application_id = {APPLICATION_ID}",
                f"PRAGMA user_version = {SCHEMA_VERSION + 1}",
            ],
            f"schema version {SCHEMA_VERSION + 1}",
        ),
    ],
)
def test_a_database_that_is_not_ours_is_left_alone(
    tmp_path: Path, statements: list[str], why: str
) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.execute(statement)
    content = path.read_bytes()
    with closing(SqliteStore(path)) as store:
        for error in every_call(store):
            assert isinstance(error, ConfigurationError)
            assert why in str(error)
        with pytest.raises(ConfigurationError):
            store.deprovision()
    assert path.read_bytes() == content


def test_a_damaged_database(store: SqliteStore) -> None:
    keys = [created(store, session({"a": "x" * 5000})) for _ in range(50)]
    store.close()
    with store.path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    with pytest.raises(StoreUnavailable, match="damaged") as refused:
        store.load(keys[0])
    assert isinstance(refused.value.__cause__, sqlite3.DatabaseError)
    assert not all(finding.ok for finding in store.check())


@pytest.mark.parametrize("kind", ["a folder", "below a file"])
def test_a_path_that_cannot_be_a_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "taken"
    if kind == "a folder":
        path.mkdir()
    else:
        path.touch()
        path /= "sessions.db"
    with closing(SqliteStore(path)) as store:
        for error in every_call(store):
            assert isinstance(error, StoreUnavailable)
            assert isinstance(error.__cause__, OSError)


@contextmanager
def unprivileged() -> Iterator[Path]:
    """A folder of a user who is not root, and that user's rights while inside."""
    folder = Path(tempfile.mkdtemp())
    user = os.geteuid() or 65534
    os.chown(folder, user, -1)
    before = os.geteuid()
    os.seteuid(user)
    try:
        yield folder
    finally:
        os.seteuid(before)
        folder.chmod(0o700)
        shutil.rmtree(folder)


def test_a_folder_that_may_not_be_written() -> None:
    with unprivileged() as folder, closing(SqliteStore(folder / "sessions.db")) as store:
        folder.chmod(0o500)
        for error in every_call(store):
            assert isinstance(error, AccessDenied)
            assert isinstance(error.__cause__, PermissionError)


def test_a_file_that_may_not_be_written() -> None:
    with unprivileged() as folder, closing(SqliteStore(folder / "sessions.db")) as store:
        created(store)
        store.close()
        store.path.chmod(0o400)
        for error in every_call(store):
            assert isinstance(error, AccessDenied)
        store.path.chmod(0o600)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (sqlite3.SQLITE_BUSY_SNAPSHOT, StoreTimeout),
        (sqlite3.SQLITE_LOCKED, StoreTimeout),
        (sqlite3.SQLITE_READONLY_DBMOVED, AccessDenied),
        (sqlite3.SQLITE_FULL, StoreUnavailable),
        (sqlite3.SQLITE_IOERR, StoreUnavailable),
        (sqlite3.SQLITE_CORRUPT_VTAB, StoreUnavailable),
        (sqlite3.SQLITE_TOOBIG, SessionTooLarge),
        (None, StoreUnavailable),
    ],
)
def test_every_error_of_sqlite_becomes_ours(code: int | None, expected: type[Exception]) -> None:
    error = sqlite3.OperationalError("hunter2")
    if code is not None:
        error.sqlite_errorcode, error.sqlite_errorname = code, "SQLITE_NAME"
    with (
        pytest.raises(SessionError, match=r"loading in s\.db") as refused,
        translated(Path("s.db"), "loading"),
    ):
        raise error
    assert type(refused.value) is expected
    assert refused.value.__cause__ is error
    assert "hunter2" not in str(refused.value)


def test_a_deleted_file_gets_no_more_writes(store: SqliteStore) -> None:
    key = created(store)
    shutil.rmtree(store.path.parent)
    assert store.load(key) is None
    second = created(store)
    with closing(SqliteStore(store.path)) as other:
        assert texts(loaded(other, second)) == {"first": "1"}


def test_deprovision_leaves_nothing_and_a_new_start(store: SqliteStore) -> None:
    store.deprovision()
    key = created(store)
    with closing(SqliteStore(store.path)) as other:
        assert texts(loaded(other, key)) == {"first": "1"}
        store.deprovision()
        assert list(store.path.parent.iterdir()) == []
        assert other.load(key) is None
    assert store.load(key) is None


def test_check_sees_a_file_that_others_may_read(store: SqliteStore) -> None:
    created(store)
    store.path.chmod(0o644)
    (finding,) = [finding for finding in store.check() if not finding.ok]
    assert "644" in finding.what
    assert finding.remedy == f"chmod 600 {store.path}"


def test_its_repr_names_the_file() -> None:
    assert repr(SqliteStore("a/b.db")) == "SqliteStore('a/b.db')"
