"""Sessions in an SQLite file: the embedded store of local work and of single machines."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from serverless_sessions import clock
from serverless_sessions.errors import (
    ConfigurationError,
    Conflict,
    Moved,
    SessionError,
    SessionGone,
)
from serverless_sessions.store import (
    ABSENT,
    DELETED,
    EXPIRED,
    MARKER_SECONDS,
    Absence,
    Change,
    Deletion,
    Entry,
    Facts,
    Finding,
    Found,
    Guarantees,
    Record,
    SessionStore,
    refuse_oversize,
    size_of,
)
from serverless_sessions.urls import StoreURL

from ._sqlite_database import Database, translated

DEFAULT_PATH = Path(".sessions/sessions.db")
MAX_BYTES = 1_000_000
PURGED_PER_CREATE = 2
"""Two out for one in: the expired never pile up, and no request pays for more than two."""

# What stands under a key: a complete live record, or a marker within its hour. An incomplete
# row has NULL where a comparison then fails.
_STANDING = """
    SELECT * FROM sessions WHERE key = :key AND (
        (moved_to IS NULL AND rid IS NOT NULL AND created IS NOT NULL
            AND idle > :now AND absolute > :now)
        OR (moved_to IS NOT NULL AND grace_until IS NOT NULL AND ends > :now))
"""


class SqliteStore(SessionStore):
    """Keeps sessions in the SQLite file at ``path``, for any number of threads and processes.

    The file and its folder are created at first use, readable by this user only. Each ``create``
    also removes up to two expired records. ``max_bytes`` bounds a whole record.
    """

    kind = "sqlite"

    def __init__(self, path: str | Path = DEFAULT_PATH, *, max_bytes: int = MAX_BYTES) -> None:
        self.path = Path(path)
        self.guarantees = Guarantees(
            lists_users=True, scans=True, purges=True, max_bytes=max_bytes, tells_expired=True
        )
        self._max_bytes = max_bytes
        self._database = Database(self.path.absolute())

    def __repr__(self) -> str:
        return f"SqliteStore({str(self.path)!r})"

    def load(self, key: str) -> Found:
        with self._database.transaction("loading a session", "DEFERRED") as db:
            row = _standing(db, key)
            if row is None:
                return EXPIRED if _has_expired(db, key) else None
            if row["moved_to"] is None:
                return _record(row, _live_entries(db, key))
            return Moved(row["moved_to"]) if row["grace_until"] > clock.now() else None

    def create(self, key: str, record: Record) -> None:
        with self._database.transaction("creating a session", "IMMEDIATE") as db:
            standing = _standing(db, key)
            if _is_repeat(record, standing):
                return
            if standing is not None:
                raise Conflict("another session stands under this key")
            self._insert(db, key, record)
            _purge(db, PURGED_PER_CREATE)

    def update(self, key: str, change: Change) -> None:
        with self._database.transaction("updating a session", "IMMEDIATE") as db:
            row = _live(db, key)
            if change.rid is not None and change.rid != row["rid"]:
                raise SessionGone("another session stands under this key")
            if not change.is_met_by(_live_entries(db, key, change.expect), clock.now()):
                raise Conflict("an entry is not as the change expects it")
            _change_entries(db, key, change)
            db.execute(
                "UPDATE sessions SET rev = rev + 1, nonce = :nonce,"
                " idle = coalesce(:idle, idle), ends = min(coalesce(:idle, idle), absolute)"
                " WHERE key = :key",
                {"key": key, "nonce": change.nonce, "idle": change.idle},
            )
            refuse_oversize(_stored_size(db, key), self._max_bytes)

    def rotate(self, old: str, new: str, record: Record, rev: object, grace_until: int) -> None:
        with self._database.transaction("rotating a session", "IMMEDIATE") as db:
            standing = _standing(db, new)
            if _is_repeat(record, standing):
                return
            if _live(db, old)["rev"] != rev:
                raise Conflict("the session changed since it was read")
            if standing is not None:
                raise Conflict("another session stands under the new key")
            self._insert(db, new, record)
            db.execute("DELETE FROM sessions WHERE key = ?", (old,))
            db.execute(
                "INSERT INTO sessions (key, moved_to, grace_until, ends) VALUES (?, ?, ?, ?)",
                (old, new, grace_until, clock.now() + MARKER_SECONDS),
            )

    def delete(self, key: str) -> Deletion | Absence | Moved:
        with self._database.transaction("deleting a session", "IMMEDIATE") as db:
            standing = _standing(db, key)
            if standing is not None and standing["moved_to"] is not None:
                return Moved(standing["moved_to"])
            db.execute("DELETE FROM sessions WHERE key = ?", (key,))
            return ABSENT if standing is None else DELETED

    def list_user(self, user: str) -> list[str]:
        with self._database.transaction("listing a user's sessions", "DEFERRED") as db:
            rows = db.execute(
                "SELECT key FROM sessions WHERE user = ? AND ends > ?", (user, clock.now())
            )
            return [row["key"] for row in rows]

    def scan(self) -> Iterator[tuple[str, Record]]:
        last = ""
        while keys := self._keys_after(last):
            for key in keys:
                record = self.load(key)
                if isinstance(record, Record):
                    yield key, record
            last = keys[-1]

    def purge(self, limit: int = 1000) -> int:
        with self._database.transaction("removing expired sessions", "IMMEDIATE") as db:
            return _purge(db, limit)

    def provision(self) -> None:
        with self._database.transaction("creating the database", "DEFERRED"):
            pass

    def deprovision(self) -> None:
        path = self._database.path
        if not path.exists():
            return
        with self._database.transaction("removing the database", "IMMEDIATE") as db:
            # Another process that has the file open must fail rather than write to a deleted one.
            db.execute("DROP TABLE entries")
            db.execute("DROP TABLE sessions")
        self.close()
        with translated(path, "removing the database"):
            for suffix in ("-wal", "-shm", ""):
                path.with_name(path.name + suffix).unlink(missing_ok=True)

    def check(self) -> list[Finding]:
        path = self._database.path
        if not path.exists():
            return [Finding(True, f"{path} is not there yet; the first session creates it")]
        try:
            with self._database.transaction("writing to the database", "IMMEDIATE"):
                pass
            with self._database.transaction("checking the database", "DEFERRED") as db:
                state = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        except SessionError as error:
            return [Finding(False, str(error), "name another file in SESSION_STORE")]
        mode = path.stat().st_mode & 0o777
        what = "can be written and is sound" if state == "ok" else f"is damaged: {state}"
        return [
            Finding(
                state == "ok", f"{path} {what}", "restore it from a copy, or name another file"
            ),
            Finding(not mode & 0o077, f"{path} has mode {mode:o}", f"chmod 600 {path}"),
        ]

    def close(self) -> None:
        self._database.close()

    def _keys_after(self, last: str) -> list[str]:
        with self._database.transaction("going through all sessions", "DEFERRED") as db:
            rows = db.execute(
                "SELECT key FROM sessions WHERE key > ? ORDER BY key LIMIT 100", (last,)
            )
            return [row["key"] for row in rows]

    def _insert(self, db: sqlite3.Connection, key: str, record: Record) -> None:
        refuse_oversize(size_of(record.entries), self._max_bytes)
        facts = record.facts
        db.execute("DELETE FROM sessions WHERE key = ?", (key,))
        db.execute(
            "INSERT INTO sessions (key, rev, nonce, rid, created, idle, absolute, user,"
            " authenticated_at, ends) VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                key,
                record.nonce,
                facts.rid,
                facts.created,
                record.idle,
                facts.absolute,
                facts.user,
                facts.authenticated_at,
                record.deadline,
            ),
        )
        _put_entries(db, key, record.entries)


def _standing(db: sqlite3.Connection, key: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(_STANDING, {"key": key, "now": clock.now()}).fetchone()
    return row


def _has_expired(db: sqlite3.Connection, key: str) -> bool:
    """Whether a whole record is here past its deadline: without one, ``min`` gives NULL."""
    return bool(
        db.execute(
            "SELECT 1 FROM sessions WHERE key = :key AND moved_to IS NULL AND rid IS NOT NULL"
            " AND created IS NOT NULL AND min(idle, absolute) <= :now",
            {"key": key, "now": clock.now()},
        ).fetchone()
    )


def _live(db: sqlite3.Connection, key: str) -> sqlite3.Row:
    row = _standing(db, key)
    if row is not None and row["moved_to"] is None:
        return row
    if row is not None and row["grace_until"] > clock.now():
        raise Moved(row["moved_to"])
    raise SessionGone("the session has ended")


def _is_repeat(record: Record, standing: sqlite3.Row | None) -> bool:
    """Whether ``standing`` is what this very write has stored before its reply was lost."""
    return standing is not None and standing["nonce"] == record.nonce != ""


def _record(row: sqlite3.Row, entries: Mapping[str, Entry]) -> Record:
    facts = Facts(row["rid"], row["created"], row["absolute"], row["user"], row["authenticated_at"])
    return Record(entries, facts, row["idle"], row["rev"], row["nonce"])


def _live_entries(
    db: sqlite3.Connection, key: str, names: Iterable[str] | None = None
) -> dict[str, Entry]:
    """The entries of a session that have not ended, all or those of ``names``."""
    query = "SELECT name, text, deadline FROM entries WHERE key = ?"
    if names is None:
        rows = db.execute(query, (key,)).fetchall()
    else:
        found = (db.execute(f"{query} AND name = ?", (key, name)).fetchone() for name in names)
        rows = [row for row in found if row is not None]
    now = clock.now()
    entries = {row["name"]: Entry(row["text"], row["deadline"]) for row in rows}
    return {name: entry for name, entry in entries.items() if entry.alive(now)}


def _change_entries(db: sqlite3.Connection, key: str, change: Change) -> None:
    if change.clear:
        db.execute("DELETE FROM entries WHERE key = ?", (key,))
    else:
        db.execute("DELETE FROM entries WHERE key = ? AND deadline <= ?", (key, clock.now()))
        db.executemany(
            "DELETE FROM entries WHERE key = ? AND name = ?",
            [(key, name) for name in change.remove],
        )
    _put_entries(db, key, change.set)


def _put_entries(db: sqlite3.Connection, key: str, entries: Mapping[str, Entry]) -> None:
    db.executemany(
        "INSERT INTO entries (key, name, text, deadline) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (key, name) DO UPDATE SET text = excluded.text, deadline = excluded.deadline",
        [(key, name, entry.text, entry.deadline) for name, entry in entries.items()],
    )


def _stored_size(db: sqlite3.Connection, key: str) -> int:
    """``size_of`` what is stored; a cast to BLOB counts the bytes of UTF-8 past any NUL."""
    row = db.execute(
        "SELECT coalesce(sum(length(CAST(name AS BLOB)) + length(CAST(text AS BLOB))), 0)"
        " FROM entries WHERE key = ?",
        (key,),
    ).fetchone()
    return int(row[0])


def _purge(db: sqlite3.Connection, limit: int) -> int:
    return db.execute(
        "DELETE FROM sessions WHERE key IN"
        " (SELECT key FROM sessions WHERE ends <= ? ORDER BY ends LIMIT ?)",
        (clock.now(), limit),
    ).rowcount


def open_url(url: StoreURL) -> SqliteStore:
    """``sqlite:///relative.db``, ``sqlite:////absolute.db`` or bare ``sqlite``.

    Takes the parameter ``max_bytes``.
    """
    url.allow_parts("path")
    path = url.path.removeprefix("/")
    if path.endswith("/") or ":memory:" in path:
        raise ConfigurationError(f"{url}: a file name is needed; for no file, use memory://")
    with url.parameters() as take:
        max_bytes = take.integer("max_bytes", MAX_BYTES, least=1)
    return SqliteStore(path or DEFAULT_PATH, max_bytes=max_bytes)
