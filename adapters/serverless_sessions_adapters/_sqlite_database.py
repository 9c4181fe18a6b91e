"""One SQLite file: its connection, its schema, and its errors in terms of ours."""

from __future__ import annotations

import errno
import os
import sqlite3
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from serverless_sessions import clock
from serverless_sessions.errors import (
    AccessDenied,
    ConfigurationError,
    SessionError,
    SessionTooLarge,
    StoreTimeout,
    StoreUnavailable,
)

APPLICATION_ID = 0x534C5353
SCHEMA_VERSION = 1

_SCHEMA = (
    """CREATE TABLE sessions (
        key TEXT PRIMARY KEY, rev INTEGER, nonce TEXT,
        rid TEXT, created INTEGER, idle INTEGER, absolute INTEGER,
        user TEXT, authenticated_at INTEGER,
        moved_to TEXT, grace_until INTEGER,
        ends INTEGER NOT NULL
    )""",
    "CREATE INDEX sessions_by_user ON sessions (user) WHERE user IS NOT NULL",
    "CREATE INDEX sessions_by_end ON sessions (ends)",
    """CREATE TABLE entries (
        key TEXT NOT NULL REFERENCES sessions (key) ON DELETE CASCADE,
        name TEXT NOT NULL, text TEXT NOT NULL, deadline INTEGER,
        PRIMARY KEY (key, name)
    )""",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)

_Owner = tuple[int, int, int]
"""The process that opened a connection, and the device and inode of the file it opened."""


class Database:
    """One connection to the file at ``path``, which is created when missing.

    Threads take turns with it in a queue of ours: SQLite makes connections wait for each other by
    polling, which starves some. Between processes reads and writes do not wait for each other.

    SQLite forbids to carry a connection into a forked child: even closing it there can harm the
    file, and its locks would seem held for ever. So none is open during a fork. A connection is
    also used only while ``path`` still is the file that it opened: writes to a deleted file
    would be acknowledged and lost.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None
        self._owner: _Owner | None = None
        self._turn = threading.Lock()
        _everywhere.add(self)

    @contextmanager
    def transaction(
        self, action: str, mode: Literal["DEFERRED", "IMMEDIATE"]
    ) -> Iterator[sqlite3.Connection]:
        """One transaction, committed at the end of the block and rolled back by any exception."""
        with (
            clock.call_limit(clock.time_left()),
            translated(self.path, action),
            self._waited_for(action),
        ):
            connection = self._connected()
            try:
                _bound_waiting(connection)
                connection.execute(f"BEGIN {mode}")
                yield connection
                connection.execute("COMMIT")
            except SessionError:
                connection.execute("ROLLBACK")
                raise
            except BaseException:
                self._disconnect()
                raise

    def close(self) -> None:
        with self._turn:
            self._disconnect()

    def pause(self) -> None:
        """Wait for the running transaction and let no other begin before ``resume``."""
        self._turn.acquire()
        self._disconnect()

    def resume(self) -> None:
        self._turn.release()

    @contextmanager
    def _waited_for(self, action: str) -> Iterator[None]:
        if not self._turn.acquire(timeout=clock.time_left()):
            raise StoreTimeout(f"{action} in {self.path}: other threads kept the database busy")
        try:
            yield
        finally:
            self._turn.release()

    def _connected(self) -> sqlite3.Connection:
        owner = self._present_owner()
        if self._connection is None or self._owner != owner:
            self._disconnect()
            self._connection, self._owner = _open(self.path), owner
        return self._connection

    def _present_owner(self) -> _Owner:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            _create_file(self.path)
            found = self.path.stat()
        return os.getpid(), found.st_dev, found.st_ino

    def _disconnect(self) -> None:
        connection, owner = self._connection, self._owner
        self._connection = self._owner = None
        if connection is None or owner is None:
            return
        if owner[0] == os.getpid():
            connection.close()
        else:
            _inherited.append(connection)


_everywhere: weakref.WeakSet[Database] = weakref.WeakSet()
_inherited: list[sqlite3.Connection] = []
"""Connections of a parent that forked without Python's knowledge: never used, never closed."""
_forking = threading.Lock()
_paused: list[Database] = []


def _before_fork() -> None:
    _forking.acquire()
    for database in list(_everywhere):
        database.pause()
        _paused.append(database)


def _after_fork() -> None:
    while _paused:
        _paused.pop().resume()
    _forking.release()


if sys.platform != "win32":
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork
    )


@contextmanager
def translated(path: Path, action: str) -> Iterator[None]:
    """Turn what SQLite and the file system raise into an error that names action and file."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translation(error, f"{action} in {path}") from error
    except PermissionError as error:
        raise AccessDenied(f"{action} in {path}: {error.strerror}") from error
    except OSError as error:
        raise StoreUnavailable(f"{action} in {path}: {error.strerror}") from error


def _translation(error: sqlite3.Error, what: str) -> SessionError:
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    match getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreTimeout(f"{what}: another process kept the database locked")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return AccessDenied(f"{what}: the database may not be written ({name})")
        case sqlite3.SQLITE_NOTADB:
            return ConfigurationError(f"{what}: the file is not an SQLite database")
        case sqlite3.SQLITE_CORRUPT:
            return StoreUnavailable(f"{what}: the database is damaged ({name})")
        case sqlite3.SQLITE_TOOBIG:
            return SessionTooLarge(f"{what}: SQLite itself refuses a value of this size")
        case _:
            return StoreUnavailable(f"{what}: {name}")


def _create_file(path: Path) -> None:
    """SQLite gives its -wal and -shm files the mode of the database file.

    A file that is there is never opened here: closing it would take away the locks that this
    process has on it, and others would take SQLite's log of its writes for one left behind.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _open(path: Path) -> sqlite3.Connection:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    effective = os.access in os.supports_effective_ids
    if not os.access(path, os.R_OK | os.W_OK, effective_ids=effective):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=rw",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        _bound_waiting(connection)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        # A log-out that was acknowledged must survive a power cut, too.
        connection.execute("PRAGMA synchronous = FULL")
        _lay_out(connection, path)
        _use_wal(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _bound_waiting(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA busy_timeout = {int(clock.time_left() * 1000)}")


def _is_ours(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the schema is there; raises ConfigurationError for one that is not ours."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if (application, version) == (APPLICATION_ID, SCHEMA_VERSION):
        return True
    if application == APPLICATION_ID:
        raise ConfigurationError(
            f"{path} has schema version {version}, this release uses {SCHEMA_VERSION}; "
            "name another file or remove this one"
        )
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise ConfigurationError(f"{path} is a database of another program; name another file")
    return False


def _lay_out(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN")
    ours = _is_ours(connection, path)
    connection.execute("COMMIT")
    if ours:
        return
    connection.execute("BEGIN IMMEDIATE")
    if not _is_ours(connection, path):
        for statement in _SCHEMA:
            connection.execute(statement)
    connection.execute("COMMIT")


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log, in which reads and writes do not wait for each other.

    SQLite does not apply its busy timeout to the switch; it does to a transaction, which thus
    serves to wait for the other process that is opening the same new file.
    """
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or not clock.time_left():
                raise
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("COMMIT")
        else:
            return
