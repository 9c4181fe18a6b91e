"""Encrypted sessions on real stores: the contract's cases once more, and what a thief reads."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from serverless_sessions import (
    MemoryStore,
    SessionConfig,
    SessionManager,
    csrf,
    keyring,
    open_store,
)
from serverless_sessions.store import SessionStore
from serverless_sessions.testing.browser import Browser, settled
from serverless_sessions.testing.cases.sessions import SessionCases
from serverless_sessions_adapters.dynamodb import DynamoDBStore
from serverless_sessions_adapters.file import FileStore
from serverless_sessions_adapters.redis import RedisStore
from serverless_sessions_adapters.sqlite import SqliteStore
from servers.redis_server import RedisServer
from support.dynamodb import in_process

RINGS = (keyring.draw(), keyring.draw())

Dump = Callable[[], bytes]
"""All that is stored, names included, as whoever takes the store away finds it."""


def secret_of(token: str) -> str:
    pad, hidden = csrf._halves(urlsafe_b64decode(token))
    return csrf._xor(pad, hidden).hex()


class EncryptedCases(SessionCases):
    increments = 4
    encryption_keys = RINGS[:1]

    @pytest.fixture
    def dump(self, store: SessionStore) -> Dump:
        raise NotImplementedError

    def test_no_dump_of_the_store_shows_a_value_an_id_or_a_user(
        self, store: SessionStore, dump: Dump
    ) -> None:
        told: set[str] = set()

        def word(kind: str) -> str:
            told.add(drawn := f"{kind}-{secrets.token_hex(8)}")
            return drawn

        def look(browser: Browser | None = None, *, clear: bool = False) -> None:
            stored = dump()
            told.update([browser.id] if browser is not None else [])
            shown = [one for one in told if one.encode() in stored]
            assert bool(shown) is clear, f"{len(shown)} of {len(told)} are to be read in the store"

        async def log_in(session: Any) -> None:
            session.set("cart", [word("value")])
            session.set("large", word("value") * 50, compress=True)
            session.set("code", {word("value"): 1}, ttl=60)
            session.flash("note", word("flash"))
            session.bind(word("user"))
            session.set("after", word("value"))

        async def change(session: Any) -> None:
            (await settled(session.get("cart"))).append(word("value"))
            await settled(session.modify("code", lambda code: {**code, word("value"): 2}))
            told.add(secret_of(await settled(session.csrf_token())))

        async def regenerate(session: Any) -> None:
            session.regenerate()

        for ring in (RINGS[:1], RINGS[::-1]):
            config = SessionConfig(encryption_keys=ring, rotation_grace=30)
            browser = Browser(SessionManager(store, config))
            for act in (log_in, change, regenerate, log_in):
                browser.request(act)
                look(browser)
        assert len(told) > 20

        plain = Browser(SessionManager(store, SessionConfig()))
        plain.request(log_in)
        look(clear=True)


class TestOnMemory(EncryptedCases):
    @pytest.fixture
    def store(self) -> SessionStore:
        return MemoryStore()

    @pytest.fixture
    def dump(self, store: MemoryStore) -> Dump:
        return lambda: repr(store._kept).encode()


class TestOnSqlite(EncryptedCases):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[SessionStore]:
        with closing(SqliteStore(tmp_path / "sessions.db")) as store:
            yield store

    @pytest.fixture
    def dump(self, store: SqliteStore, tmp_path: Path) -> Dump:
        return lambda: b"".join(file.read_bytes() for file in sorted(tmp_path.iterdir()))


class TestOnFiles(EncryptedCases):
    """Sessions in Astro's format, to which a sealed text is just a text."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> SessionStore:
        return FileStore(tmp_path)

    @pytest.fixture
    def dump(self, store: FileStore, tmp_path: Path) -> Dump:
        def files() -> bytes:
            kept = [file for file in sorted(tmp_path.rglob("*")) if file.is_file()]
            return b"".join(file.name.encode() + file.read_bytes() for file in kept)

        return files


class TestOnDynamoDBInProcess(EncryptedCases):
    @pytest.fixture
    def store(self) -> Iterator[DynamoDBStore]:
        with in_process() as store:
            yield store

    @pytest.fixture
    def dump(self, store: DynamoDBStore) -> Dump:
        return lambda: repr(store.client.scan(TableName=store.table)["Items"]).encode()


class TestOnRedis(EncryptedCases):
    @pytest.fixture
    def prefix(self) -> str:
        """Of keys that are nobody else's: other tests leave theirs, of all types."""
        return f"test-{secrets.token_hex(4)}"

    @pytest.fixture
    def store(self, redis_server: RedisServer, prefix: str) -> Iterator[SessionStore]:
        store = open_store(f"{redis_server.url}?prefix={prefix}")
        assert isinstance(store, RedisStore)
        with closing(store):
            yield store

    @pytest.fixture
    def dump(self, store: RedisStore, prefix: str) -> Dump:
        """Read out, as Redis compresses what its own DUMP gives."""
        client = store.client

        def content(key: Any) -> Any:
            kind = client.type(key)
            if kind in ("hash", b"hash"):
                return client.hgetall(key)
            assert kind in ("zset", b"zset")
            return client.zrange(key, 0, -1)

        return lambda: repr(
            [(key, content(key)) for key in client.scan_iter(f"{prefix}:*")]
        ).encode()
