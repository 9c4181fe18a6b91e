"""Sixteen tabs that all count in one session: every store ends at the sum."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from serverless_sessions import SessionConfig, SessionManager, SessionStore
from serverless_sessions.testing.browser import Browser, settled

TABS = 16
TIMES = {"firestore": 20}
"""A document of Firestore takes about one write a second in production."""


@pytest.mark.long
@pytest.mark.timeout(400)
def test_every_increment_counts(store_name: str, each_store: SessionStore) -> None:
    times = TIMES.get(store_name, 200)

    async def first(session: Any) -> None:
        session.set("n", 0)

    async def count(session: Any) -> None:
        for _ in range(times):
            await settled(session.modify("n", lambda n: n + 1))

    async def read(session: Any) -> Any:
        return await settled(session.get("n"))

    browser = Browser(SessionManager(each_store, SessionConfig(store_timeout=60)))
    browser.request(first)
    tabs = [browser.twin() for _ in range(TABS)]
    began = time.monotonic()
    with ThreadPoolExecutor(TABS) as pool:
        list(pool.map(lambda tab: tab.request(count), tabs))
    print(f"{store_name}: {TABS * times} increments in {time.monotonic() - began:.1f} s")
    assert browser.request(read) == TABS * times
