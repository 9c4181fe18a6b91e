"""One store and one configuration, serving one invocation after another."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from serverless_sessions import (
    AsyncSessionStore,
    ConfigurationError,
    Conflict,
    MemoryStore,
    SessionConfig,
    SessionManager,
    backoff,
    registry,
    to_async,
)
from serverless_sessions.arrival import Request
from serverless_sessions.testing.browser import Browser, settled
from serverless_sessions.testing.watched import WatchedStore
from support.scenes import INTENTS


async def look(session: Any) -> Any:
    return await settled(session.get("b"))


def test_the_store_is_opened_once_by_whichever_thread_comes_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[str] = []
    together = threading.Barrier(4)

    def open_store(url: str) -> MemoryStore:
        opened.append(url)
        return MemoryStore()

    def use(_: int) -> Any:
        together.wait(timeout=30)
        return manager.store

    monkeypatch.setattr(registry, "open_store", open_store)
    manager = SessionManager("memory://")
    assert opened == []
    with ThreadPoolExecutor(4) as threads:
        stores = set(threads.map(use, range(4)))
    assert len(stores) == 1
    assert opened == ["memory://"]


def test_another_process_id_opens_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = SessionManager("memory://")
    parents = manager.store
    monkeypatch.setattr("os.getpid", lambda: -1)
    childs = manager.store
    assert childs is not parents
    assert childs is manager.store


def test_a_store_that_could_not_be_opened_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> MemoryStore:
        raise ConfigurationError("not now")

    manager = SessionManager("memory://")
    with monkeypatch.context() as patched:
        patched.setattr(registry, "open_store", fail)
        with pytest.raises(ConfigurationError, match="not now"):
            manager.open_now()
    manager.open_now()


def test_the_argument_wins_over_the_configuration_and_that_over_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "open_store", lambda url: url)
    monkeypatch.setattr(registry, "default_url", lambda: "default://")
    monkeypatch.setenv("SESSION_STORE", "from-env://")
    config = SessionConfig(store="config://")
    given = MemoryStore()
    assert SessionManager(given, config).store is given
    assert str(SessionManager("argument://", config).store) == "argument://"
    assert str(SessionManager(config=config).store) == "config://"
    assert str(SessionManager().store) == "from-env://"
    assert str(SessionManager(config=SessionConfig()).store) == "default://"


def test_use_is_undone_in_order_and_after_an_error() -> None:
    first, second, third = MemoryStore(), MemoryStore(), MemoryStore()
    manager = SessionManager(first)
    with manager.use(second):
        with suppress(LookupError), manager.use(third):
            assert manager.store is third
            raise LookupError
        assert manager.store is second
    assert manager.store is first
    manager.use("memory://")
    assert isinstance(manager.store, MemoryStore)
    assert manager.store is not first


def test_use_brings_the_open_store_back_and_not_another_of_its_url() -> None:
    manager = SessionManager("memory://")
    client = Browser(manager)
    client.request(INTENTS["set"])
    with manager.use(MemoryStore()):
        assert client.request(look) is None
    assert client.request(look) == 2


def test_a_request_under_way_keeps_no_store_that_was_swapped() -> None:
    before, after = WatchedStore(MemoryStore()), WatchedStore(MemoryStore())
    manager = SessionManager(before)
    invocation = manager.begin(Request.with_cookies())
    manager.use(after)
    invocation.session.set("k", 1)
    invocation.finish(failed=False)
    assert (before.calls, after.calls) == ([], ["create"])


def test_an_async_store_serves_async_handlers_only() -> None:
    inner = WatchedStore(MemoryStore())
    store = to_async(inner)
    assert isinstance(store, AsyncSessionStore)
    manager = SessionManager(store)
    client = Browser(manager, "async")
    client.request(INTENTS["set"])
    assert client.request(look) == 2
    assert inner.calls == ["create", "load"]
    with pytest.raises(ConfigurationError, match=r"ThreadedStore.*async def"):
        Browser(manager, "sync", client.id).request(look)
    asyncio.run(store.close())


def test_a_lost_race_ends_in_time_where_the_platform_sets_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The time counts for one operation: the request itself may take as long as it likes."""
    races = 0

    def lose(operation: str) -> None:
        nonlocal races
        if operation == "update":
            races += 1
            raise Conflict("somebody else was first")

    store = WatchedStore(MemoryStore())
    session = SessionManager(store).begin(Request.with_cookies()).session
    session.set("n", 1)
    session.save()
    store.before = lose
    monkeypatch.setattr(backoff, "LONGEST", 0.05)
    for _ in range(2):
        with pytest.raises(Conflict):
            session.modify("n", lambda n: n + 1)
    assert races > 2


def test_two_invocations_know_nothing_of_each_other() -> None:
    manager = SessionManager(MemoryStore())
    one, other = manager.begin(Request.with_cookies()), manager.begin(Request.with_cookies())
    one.session.set("b", 2)
    assert other.session.get("b") is None
    one.finish(failed=False)
    other.finish(failed=False)
    assert one.outcome().set_cookie is not None
    assert other.outcome().set_cookie is None


def test_what_the_cookie_is_called_is_the_configurations_business() -> None:
    manager = SessionManager(MemoryStore(), SessionConfig(cookie_name="sid"))
    client = Browser(manager)
    client.request(INTENTS["set"])
    for name, value in (("sid", 2), ("__Host-session", None)):
        assert manager.begin(Request.with_cookies(f"{name}={client.id}")).session.get("b") == value
