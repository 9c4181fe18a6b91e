"""What every case starts from: a store, frozen time, fresh keys and records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest

from ... import clock, ids
from ...store import EXPIRED, Entry, Facts, Record, SessionStore
from ..clock import FrozenClock

FAR = 10_000
PATIENCE = 600.0
"""Seconds for the calls of one case: on a busy machine one may take longer than it usually may."""


class Cases:
    """The fixtures and hooks of the contract; ``store`` is the one that a subclass must give."""

    threads: ClassVar[int] = 16
    increments: ClassVar[int] = 8
    duels: ClassVar[int] = 200
    refused_bytes: ClassVar[int | None] = None
    """A size the backend itself refuses, for a store that declares no ``max_bytes``."""

    @pytest.fixture
    def store(self) -> Iterator[SessionStore]:
        raise NotImplementedError("a subclass of StoreContract defines the fixture 'store'")

    @pytest.fixture(autouse=True)
    def time(self) -> Iterator[FrozenClock]:
        with FrozenClock() as frozen, clock.call_limit(PATIENCE):
            yield frozen

    def plant_damage(self, store: SessionStore) -> list[str]:
        """Put incomplete records into the backend by other means; returns their stored keys."""
        return []


def fresh_key() -> str:
    return ids.stored_key(ids.draw())


def key_beside(store: SessionStore, key: str) -> str:
    """A fresh key to which ``store`` can rotate ``key``."""
    while not store.colocated(key, fresh := fresh_key()):
        pass
    return fresh


def session(
    entries: dict[str, str] | None = None,
    *,
    idle: int = FAR,
    absolute: int = FAR,
    user: str | None = None,
) -> Record:
    """A new record; ``idle`` and ``absolute`` count in seconds from now."""
    now = clock.now()
    texts = {"first": "1"} if entries is None else entries
    return Record(
        entries={name: Entry(text) for name, text in texts.items()},
        facts=Facts(rid=ids.draw_handle(), created=now, absolute=now + absolute, user=user),
        idle=now + idle,
        nonce=ids.draw_nonce(),
    )


def texts(record: Record) -> dict[str, str]:
    return {name: entry.text for name, entry in record.entries.items()}


def entries(**by_name: str) -> dict[str, Entry]:
    return {name: Entry(text) for name, text in by_name.items()}


def created(store: SessionStore, record: Record | None = None) -> str:
    key = fresh_key()
    store.create(key, session() if record is None else record)
    return key


def loaded(store: SessionStore, key: str) -> Record:
    record = store.load(key)
    assert isinstance(record, Record), f"expected a live record, not {record!r}"
    return record


def rotated(store: SessionStore, old: str, *, grace: int = 0) -> str:
    """Rotate as ``regenerate`` does; returns the new key."""
    new = key_beside(store, old)
    record = loaded(store, old)
    store.rotate(old, new, renewed(record), record.rev, clock.now() + grace)
    return new


def renewed(record: Record) -> Record:
    """``record`` as the write of a rotation."""
    return Record(record.entries, record.facts, record.idle, nonce=ids.draw_nonce())


def assert_nothing_lives(store: SessionStore, key: str) -> None:
    """Neither a session nor a part of one is found under ``key`` by any means."""
    assert store.load(key) in (None, EXPIRED)
    if store.guarantees.scans:
        assert key not in dict(store.scan())
