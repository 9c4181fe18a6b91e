"""A rotation on every field store: cut off between any two of its store calls, and under fire."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest

from serverless_sessions import Session, SessionConfig, SessionManager, SessionStore, ids
from serverless_sessions.errors import StoreUnavailable
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.store import Record
from serverless_sessions.testing.browser import Act, Browser
from serverless_sessions.testing.clock import FrozenClock
from serverless_sessions.testing.lambda_events import HttpRequest, to_event
from serverless_sessions.testing.watched import WatchedStore
from support.desk import logging_in

GRACE = 30
REQUESTS = 32

pytestmark = pytest.mark.long


class Killed(BaseException):
    """The process ends here."""


async def visit(session: Session) -> None:
    session.set("a", 1)


async def regenerate(session: Session) -> None:
    session.set("b", 2)
    session.regenerate()


async def contents(session: Session) -> dict[str, Any]:
    return dict(session)


async def the_id(session: Session) -> str | None:
    assert session.info().handle is not None
    return session.id


ACTS: dict[str, Act] = {"regenerate": regenerate, "bind": logging_in("ann", b=2)}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("failure", [Killed, StoreUnavailable])
def test_guarantee_5_a_rotation_cut_off_at_any_store_call_leaves_the_old_id_or_the_new(
    each_store: SessionStore, act: str, side: str, failure: type[BaseException]
) -> None:
    """The old id and what it opened, until the write took effect; then the new one with what was
    changed, to which the old one leads while the grace lasts. Never both for good, and never
    neither."""
    with FrozenClock() as clock:
        for cut_off_at in count():
            store = WatchedStore(each_store)
            manager = SessionManager(store, SessionConfig(rotation_grace=GRACE))
            browser = Browser(manager)
            browser.request(visit)
            old, record = browser.id, each_store.load(ids.stored_key(browser.id))
            assert isinstance(record, Record)
            store.calls.clear()
            calls = count()

            def cut_off(operation: str, calls: count[int] = calls, at: int = cut_off_at) -> None:
                if next(calls) >= at:
                    raise failure

            setattr(store, side, cut_off)
            try:
                browser.request(ACTS[act])
            except failure:
                pass
            else:
                break
            moved = "rotate" in store.calls[: cut_off_at + (side == "after")]
            store.before = store.after = lambda _: None
            assert browser.set_cookie is None

            opened = Browser(manager, session_id=old)
            if not moved:
                assert opened.request(contents) == {"a": 1}
                clock.advance(GRACE)
                assert opened.request(contents) == {"a": 1}
                continue
            in_grace = {"a": 1, "b": 2} if act == "regenerate" else {}
            assert opened.request(contents) == in_grace
            clock.advance(GRACE)
            assert opened.request(contents) == {}
            answer = each_store.delete(ids.stored_key(old))
            lives = each_store.load(getattr(answer, "to", ""))
            assert isinstance(lives, Record)
            assert lives.facts.rid == record.facts.rid
            assert {name: entry.text for name, entry in lives.entries.items()} == {
                "a": "[1]",
                "b": "[2]",
            }
    assert cut_off_at >= 2


@pytest.mark.parametrize("grace", [0, 30])
def test_a_session_that_is_rotated_under_parallel_requests(
    each_store: SessionStore, grace: int
) -> None:
    """Every fourth request rotates, and every one reads before and after it writes."""
    seen: list[dict[str, Any]] = []

    @with_session(store=each_store, config=SessionConfig(rotation_grace=grace, store_timeout=30))
    def handler(event: Any, context: Any, session: Session) -> Any:
        n = int(event["rawPath"].removeprefix("/"))
        if n == REQUESTS:
            session.update({"cart": ["mug"], "user": "somebody"})
            return {"statusCode": 200}
        found = {key: session.get(key) for key in ("cart", "user")}
        seen.append(found)
        if found["cart"] is not None:
            session.set(f"request {n}", n)
        if n % 4 == 0:
            session.regenerate()
        return {"statusCode": 200}

    def send(n: int, cookies: list[str]) -> Any:
        headers = [("Cookie", cookie) for cookie in cookies]
        return handler(to_event("http-api", HttpRequest(path=f"/{n}", headers=headers)), None)

    (first,) = send(REQUESTS, [])["cookies"]
    cookie = first.partition(";")[0]
    answers: list[Any] = []

    def answer(n: int) -> None:
        answers.append(send(n, [cookie]))

    with ThreadPoolExecutor(REQUESTS) as pool:
        for done in [pool.submit(answer, n) for n in range(REQUESTS)]:
            done.result()

    assert [each["statusCode"] for each in answers] == [200] * REQUESTS
    whole, nothing = {"cart": ["mug"], "user": "somebody"}, {"cart": None, "user": None}
    assert len(seen) == REQUESTS
    assert all(found == whole or (not grace and found == nothing) for found in seen)
    issued = [line for each in answers for line in each.get("cookies", [])]
    (new,) = {line.partition("=")[2].partition(";")[0] for line in issued}
    old = ids.stored_key(cookie.partition("=")[2])
    standing = each_store.load(old)
    assert not isinstance(standing, Record)
    assert (standing is None) == (grace == 0)
    record = each_store.load(ids.stored_key(new))
    assert isinstance(record, Record)
    kept = {name for name in record.entries if name.startswith("request")}
    if grace:
        assert kept == {f"request {n}" for n in range(REQUESTS)}
