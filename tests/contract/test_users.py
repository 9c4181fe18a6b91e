"""Many requests of one user at once, on every field store: what is listed is what is live,
and what is revoked stays ended."""

from __future__ import annotations

import queue
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from serverless_sessions import (
    Session,
    SessionConfig,
    SessionManager,
    SessionNotFound,
    SessionStore,
    ids,
)
from serverless_sessions.testing.browser import Browser
from support.desk import logging_in, regenerate, user_of

SEEDS = 20
TIMES = 50
THREADS = 4
DUELS = 5


pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]


def patient(**settings: Any) -> SessionConfig:
    """For many threads on few cores."""
    return SessionConfig(store_timeout=30, **settings)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_after_log_ins_and_revocations_at_random_the_live_sessions_are_listed(
    each_store: SessionStore, seed: int
) -> None:
    """One in five revocations is of a session that was revoked already."""
    manager = SessionManager(each_store, patient())
    dice, user = random.Random(seed), f"user {ids.draw_handle()}"
    browsers: dict[str, Browser] = {}
    waiting: queue.PriorityQueue[tuple[float, str]] = queue.PriorityQueue()
    revoked: list[str] = []

    def log_in() -> None:
        async def act(session: Session) -> str:
            session.bind(user)
            session.save()
            return str(session.info().handle)

        browser = Browser(manager)
        handle = browser.request(act)
        browsers[handle] = browser
        waiting.put((dice.random(), handle))

    def revoke() -> None:
        if revoked and dice.random() < 0.2:
            with pytest.raises(SessionNotFound):
                manager.revoke(user, dice.choice(revoked))
            return
        _, handle = waiting.get(timeout=60)
        manager.revoke(user, handle)
        revoked.append(handle)

    with ThreadPoolExecutor(THREADS) as pool:
        done = [pool.submit(call) for call in _in_random_order(dice, log_in, revoke)]
    for each in done:
        each.result()

    live = {handle for handle, browser in browsers.items() if browser.request(user_of) == user}
    listed = [session.handle for session in manager.sessions_of(user)]
    assert len(browsers) == TIMES
    assert sorted(listed) == sorted(live)
    assert live == browsers.keys() - set(revoked)
    assert manager.revoke_all(user) == len(live)


def _in_random_order(dice: random.Random, *calls: Callable[[], None]) -> list[Callable[[], None]]:
    """Each TIMES times, and the first never behind the second."""
    order = [call for call in calls for _ in range(TIMES)]
    dice.shuffle(order)
    first, ahead, late = calls[0], 0, list[Callable[[], None]]()
    ordered = []
    for call in order:
        if call is not first and not ahead:
            late.append(call)
            continue
        ahead += 1 if call is first else -1
        ordered.append(call)
    return ordered + late


@pytest.mark.parametrize("grace", [0, 30])
def test_whoever_is_rotated_while_all_are_revoked_ends(
    each_store: SessionStore, grace: int
) -> None:
    manager = SessionManager(each_store, patient(rotation_grace=grace))
    for _ in range(DUELS):
        user = f"user {ids.draw_handle()}"
        browsers = [Browser(manager) for _ in range(3)]
        for browser in browsers:
            browser.request(logging_in(user))
        works: list[Callable[[], Any]] = [partial(manager.revoke_all, user)]
        works += [partial(browser.request, regenerate) for browser in browsers]
        _in_threads(works)
        assert [browser.request(user_of) for browser in browsers] == [None] * 3
        assert manager.sessions_of(user) == []


@pytest.mark.parametrize("mode", ["end_oldest", "refuse"])
def test_log_ins_at_once_settle_at_the_limit(each_store: SessionStore, mode: Any) -> None:
    config = patient(max_per_user=3, on_max_per_user=mode)
    manager = SessionManager(each_store, config)
    user = f"user {ids.draw_handle()}"
    browsers = [Browser(manager) for _ in range(8)]

    with ThreadPoolExecutor(len(browsers)) as pool:
        outcomes = [pool.submit(browser.request, logging_in(user)) for browser in browsers]
    refused = [type(each.exception()).__name__ for each in outcomes if each.exception()]
    assert set(refused) <= {"TooManySessions"}
    assert [browser.request(user_of) for browser in browsers].count(user) == 3
    assert len(manager.sessions_of(user)) == 3


def _in_threads(works: list[Callable[[], Any]]) -> None:
    """Run them; raises what one of them has raised."""
    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(work) for work in works]:
            done.result()
