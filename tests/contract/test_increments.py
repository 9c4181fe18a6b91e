"""Sixteen tabs that all count in one session: every store ends at the sum."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from serverless_sessions import MemoryStore, SessionManager, SessionStore
from serverless_sessions.testing.browser import Browser, settled
from serverless_sessions_adapters.sqlite import SqliteStore
from support.dynamodb import in_process
from support.places import KINDS

TABS = 16
TIMES = {"firestore": 20}
"""A document of Firestore takes about one write a second in production."""


@pytest.fixture(params=["memory", "sqlite", *KINDS])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[SessionStore]:
    if name == "memory":
        yield MemoryStore()
    elif name == "sqlite":
        with closing(SqliteStore(tmp_path / "sessions.db")) as sqlite:
            yield sqlite
    elif name == "dynamodb":
        with in_process() as dynamodb:  # behind HTTP its lock makes it take minutes
            yield dynamodb
    else:
        kind = KINDS[name]
        server = request.getfixturevalue(kind.server)
        with kind.place(server, server.port).opened() as opened:
            yield opened


@pytest.mark.long
@pytest.mark.timeout(400)
def test_every_increment_counts(name: str, store: SessionStore) -> None:
    times = TIMES.get(name, 200)

    async def first(session: Any) -> None:
        session.set("n", 0)

    async def count(session: Any) -> None:
        for _ in range(times):
            await settled(session.modify("n", lambda n: n + 1))

    async def read(session: Any) -> Any:
        return await settled(session.get("n"))

    browser = Browser(SessionManager(store))
    browser.request(first)
    tabs = [browser.twin() for _ in range(TABS)]
    began = time.monotonic()
    with ThreadPoolExecutor(TABS) as pool:
        list(pool.map(lambda tab: tab.request(count), tabs))
    print(f"{name}: {TABS * times} increments in {time.monotonic() - began:.1f} s")
    assert browser.request(read) == TABS * times
