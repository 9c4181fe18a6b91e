"""What a move has copied: a file that outlives the process, so that the next run goes on from it.

No text of a session is kept in it, only keyed digests; but it names every stored key, which in
Astro's layout is the id itself. The file is readable by this user only.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

from ..errors import ConfigurationError
from ..store import Entry, Facts, Record

_APPLICATION_ID = 0x534C534A
_SCHEMA = """
    CREATE TABLE IF NOT EXISTS this (salt TEXT, pass INTEGER);
    CREATE TABLE IF NOT EXISTS moved (
        key TEXT PRIMARY KEY, rid TEXT, nonce TEXT, facts TEXT, idle INTEGER,
        deadline INTEGER, there INTEGER, versions TEXT, state INTEGER, seen INTEGER, checked INTEGER
    );
"""


class State(IntEnum):
    INTENDED = 0
    """It may be in the target, or not: the process may have ended between two writes."""
    COPIED = 1
    ENDED = 2
    """In one store or the other; it is never copied again."""


Version = Mapping[str, tuple[str, int | None]]
"""The entries of a record: by name a digest of text and deadline, and the deadline."""


class Row(NamedTuple):
    """What is known of one session.

    ``rid`` and ``facts`` (a digest) are of the record, ``idle`` and ``deadline`` those that it had
    in the source, ``nonce`` that of the write that first copied it; ``there`` is the deadline
    that the target was last given. ``versions`` are all that may stand in the target, the last
    one the source's.
    """

    key: str
    rid: str
    nonce: str
    facts: str
    idle: int
    deadline: int
    there: int
    versions: tuple[Version, ...]
    state: State

    def known(self, name: str, now: int) -> set[str | None]:
        """The digests under which a move may have written this entry; None for no entry."""
        return {alive(version, now).get(name) for version in self.versions}


class Journal:
    """Opens or begins the journal at ``path``, None for one that is forgotten.

    Raises ConfigurationError for a path where no file can be, and for a file of something else.
    """

    def __init__(self, path: Path | None) -> None:
        try:
            self._db = _opened(path)
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(f"the journal cannot be {path}: {error}") from error
        self._salt = self._begun()

    def close(self) -> None:
        self._db.close()

    def version(self, record: Record) -> Version:
        return {
            name: (self._digest(entry), entry.deadline) for name, entry in record.entries.items()
        }

    def facts(self, facts: Facts) -> str:
        return self._digest(Entry(repr(tuple(facts))))

    def begin_pass(self) -> int:
        """The number of the pass that begins; what is read until the next counts as seen by it."""
        with self._db:
            self._db.execute("UPDATE this SET pass = pass + 1")
        number: int = self._db.execute("SELECT pass FROM this").fetchone()[0]
        return number

    def rows(self, keys: Sequence[str]) -> dict[str, Row]:
        marks = ",".join("?" * len(keys))
        query = f"SELECT * FROM moved WHERE key IN ({marks})"  # noqa: S608  (question marks)
        found = self._db.execute(query, list(keys))
        return {row.key: row for row in map(_row, found)}

    def intend(self, rows: Iterable[Row], seen: Iterable[str], number: int) -> None:
        """Note what is about to be written, before it is; and what the source still has."""
        values = [(*row[:7], json.dumps(row.versions), int(row.state), number, 0) for row in rows]
        with self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO moved VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values
            )
            self._db.executemany(
                "UPDATE moved SET seen = ? WHERE key = ?", [(number, key) for key in seen]
            )

    def settle(self, states: Mapping[str, State]) -> None:
        """What was intended has been done: of the versions only the last one stands."""
        with self._db:
            self._db.executemany(
                "UPDATE moved SET state = ?, there = deadline,"
                " versions = json_array(json_extract(versions, '$[#-1]')) WHERE key = ?",
                [(int(state), key) for key, state in states.items()],
            )

    def unseen(self, number: int, size: int) -> Iterator[list[Row]]:
        """The sessions not known to have ended that the source did not have in this pass."""
        yield from self._pages("state != 2 AND seen != :number", number, size)

    def copied(self, size: int) -> Iterator[list[Row]]:
        """All that should be in the target."""
        yield from self._pages("state = 1", 0, size)

    def check(self, keys: Iterable[str], number: int) -> None:
        """These copies have been compared in the pass ``number``."""
        with self._db:
            self._db.executemany(
                "UPDATE moved SET checked = ? WHERE key = ?", [(number, key) for key in keys]
            )

    def unchecked(self, number: int, size: int) -> Iterator[list[Row]]:
        """The copies that were not."""
        yield from self._pages("state = 1 AND checked != :number", number, size)

    def expected(self, now: int) -> int:
        """How many sessions the source should still have."""
        query = "SELECT count(*) FROM moved WHERE state != 2 AND deadline > ?"
        return int(self._db.execute(query, (now,)).fetchone()[0])

    def _pages(self, condition: str, number: int, size: int) -> Iterator[list[Row]]:
        where = f"key > :last AND {condition}"
        query = f"SELECT * FROM moved WHERE {where} ORDER BY key LIMIT :size"  # noqa: S608  (ours)
        last = ""
        while page := [
            _row(one)
            for one in self._db.execute(query, {"last": last, "number": number, "size": size})
        ]:
            yield page
            last = page[-1].key

    def _digest(self, entry: Entry) -> str:
        text = f"{entry.deadline}\0{entry.text}".encode()
        return hashlib.blake2b(text, key=self._salt, digest_size=12).hexdigest()

    def _begun(self) -> bytes:
        if self._db.execute("SELECT count(*) FROM this").fetchone()[0] == 0:
            with self._db:
                self._db.execute("INSERT INTO this VALUES (?, 0)", (secrets.token_hex(),))
        return bytes.fromhex(self._db.execute("SELECT salt FROM this").fetchone()[0])


def _opened(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    database = sqlite3.connect(path or ":memory:")
    try:
        is_new = not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        application = database.execute("PRAGMA application_id").fetchone()[0]
        if is_new:
            database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        elif application != _APPLICATION_ID:
            raise ConfigurationError(f"the journal cannot be {path}: it holds something else")
        database.executescript(_SCHEMA)
    except BaseException:
        database.close()
        raise
    return database


def alive(version: Version, now: int) -> dict[str, str]:
    """The digests of the entries that have not ended."""
    return {n: digest for n, (digest, ends) in version.items() if ends is None or ends > now}


def _row(columns: tuple[object, ...]) -> Row:
    key, rid, nonce, facts, idle, deadline, there, versions, state, _, _ = columns
    return Row(
        str(key),
        str(rid),
        str(nonce),
        str(facts),
        int(str(idle)),
        int(str(deadline)),
        int(str(there)),
        tuple(
            {name: (digest, ends) for name, (digest, ends) in version.items()}
            for version in json.loads(str(versions))
        ),
        State(int(str(state))),
    )
