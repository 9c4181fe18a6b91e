"""The decorator itself: its options, its store, its loop, and the current session."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from serverless_sessions import (
    AsyncSession,
    ConfigurationError,
    MemoryStore,
    Session,
    SessionConfig,
    clock,
    current_async_session,
    current_session,
)
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.testing.lambda_events import (
    FRONT_DOORS,
    HttpRequest,
    HttpResponse,
    LambdaContext,
    to_event,
    to_response,
)
from serverless_sessions.testing.watched import WatchedStore

OK: dict[str, Any] = {"statusCode": 200}
EVENT = to_event("http-api", HttpRequest())


def send(door: str, handler: Any, cookie: str = "", body: str = "") -> HttpResponse:
    headers = [("Content-Type", "application/json"), *([("Cookie", cookie)] if cookie else [])]
    event = to_event(door, HttpRequest("POST", headers=headers, body=body.encode()))
    return to_response(door, handler(event, LambdaContext()))


@pytest.fixture
def store() -> WatchedStore:
    return WatchedStore(MemoryStore())


@pytest.mark.parametrize("door", FRONT_DOORS)
def test_the_handler_of_the_readme(door: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_STORE", "memory://")
    program = """
import json
from serverless_sessions.handlers.aws_lambda import with_session

@with_session
def handler(event, context, session):
    cart = session.get("cart", [])
    cart.append(json.loads(event["body"])["sku"])
    session.set("cart", cart)
    return {"statusCode": 200, "body": f"{len(cart)} items"}
"""
    module: dict[str, Any] = {}
    exec(program, module)
    first = send(door, module["handler"], body='{"sku": "a"}')
    (cookie,) = first.values("set-cookie")
    second = send(door, module["handler"], cookie.partition(";")[0], '{"sku": "b"}')
    assert (first.body, second.body) == (b"1 items", b"2 items")
    assert second.values("set-cookie") == []


def test_decision_1_the_session_comes_by_keyword_wherever_the_parameter_stands() -> None:
    @with_session(store=MemoryStore())
    def keyword_only(event: Any, context: Any, *, session: Session) -> Any:
        return OK | {"body": type(session).__name__}

    @with_session(store=MemoryStore())
    async def after_others(event: Any, context: Any, n: int = 1, *, session: AsyncSession) -> Any:
        return OK | {"body": type(session).__name__}

    assert keyword_only(EVENT, None)["body"] == "Session"
    assert after_others(EVENT, None)["body"] == "AsyncSession"


def test_decision_1_a_handler_without_the_parameter_reaches_it_by_current_session() -> None:
    @with_session(store=MemoryStore())
    def handler(event: Any, context: Any) -> Any:
        current_session().set("k", 1)
        with pytest.raises(ConfigurationError, match="current_session"):
            current_async_session()
        return OK

    @with_session(store=MemoryStore())
    async def async_handler(event: Any, context: Any) -> Any:
        current_async_session().set("k", 1)
        with pytest.raises(ConfigurationError, match="current_async_session"):
            current_session()
        return OK

    for decorated in (handler, async_handler):
        assert len(send("rest", decorated).values("set-cookie")) == 1
        for outside in (current_session, current_async_session):
            with pytest.raises(ConfigurationError, match="under with_session"):
                outside()


def test_decision_1_the_current_session_is_the_parameter_and_follows_to_thread() -> None:
    seen = []

    @with_session(store=MemoryStore())
    def handler(event: Any, context: Any, session: Session) -> Any:
        async def elsewhere() -> Session:
            return await asyncio.to_thread(current_session)

        seen.append(session is current_session() is asyncio.run(elsewhere()))
        return OK

    @with_session(store=MemoryStore())
    async def async_handler(event: Any, context: Any, session: AsyncSession) -> Any:
        elsewhere = await asyncio.to_thread(current_async_session)
        inner_task = await asyncio.create_task(_current())
        seen.append(session is elsewhere is inner_task)
        return OK

    for decorated in (handler, async_handler):
        decorated(EVENT, None)
    assert seen == [True, True]


async def _current() -> AsyncSession:
    return current_async_session()


@pytest.mark.parametrize("event", [{"Records": []}, {"source": "aws.events"}, None])
def test_decision_2_an_event_that_is_not_http_names_the_front_doors(event: Any) -> None:
    @with_session(store=MemoryStore())
    def handler(event: Any, context: Any, session: Session) -> Any:
        pytest.fail("the handler was called")

    with pytest.raises(ConfigurationError, match=r"REST API.*HTTP API.*function URL.*ALB"):
        handler(event, None)


def test_decision_2_async_handlers_share_one_loop_and_several_threads_do_not_wait_in_line(
    store: WatchedStore,
) -> None:
    waiting: list[asyncio.Future[None]] = []

    @with_session(store=store)
    async def meet(event: Any, context: Any, session: AsyncSession) -> Any:
        """Answers when four requests are here at the same time."""
        loop = asyncio.get_running_loop()
        met = loop.create_future()
        waiting.append(met)
        if len(waiting) == 4:
            for each in waiting:
                each.set_result(None)
        async with asyncio.timeout(10):
            await met
        session.set("k", 1)
        return OK | {"body": str(id(loop))}

    @with_session(store=store)
    async def another(event: Any, context: Any) -> Any:
        return OK | {"body": str(id(asyncio.get_running_loop()))}

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: send("rest", meet), range(4)))
    loops = {answer.body for answer in (*answers, send("rest", another))}
    assert len(loops) == 1
    assert len({line for answer in answers for line in answer.values("set-cookie")}) == 4


def test_options_in_either_form_and_arguments_over_the_environment(
    monkeypatch: pytest.MonkeyPatch, store: WatchedStore
) -> None:
    monkeypatch.setenv("SESSION_STORE", "nowhere://")
    monkeypatch.setenv("SESSION_COOKIE_NAME", "from-env")

    def set_key(event: Any, context: Any, session: Session) -> Any:
        session.set("k", 1)
        return OK

    config = SessionConfig(cookie_name="from-config", store="memory://")
    named = [
        (with_session(store=store)(set_key), "from-env="),
        (with_session(store="memory://")(set_key), "from-env="),
        (with_session(config=config)(set_key), "from-config="),
        (with_session(store=store, config=config)(set_key), "from-config="),
    ]
    for handler, prefix in named:
        (cookie,) = send("alb", handler).values("set-cookie")
        assert cookie.startswith(prefix)
    assert store.calls == ["create", "create"]


def test_decision_13_the_environment_is_read_when_the_decorator_runs(
    monkeypatch: pytest.MonkeyPatch, store: WatchedStore
) -> None:
    monkeypatch.setenv("SESSION_COOKIE_NAME", "early")

    @with_session(store=store)
    def handler(event: Any, context: Any, session: Session) -> Any:
        session.set("k", 1)
        return OK

    monkeypatch.setenv("SESSION_COOKIE_NAME", "late")
    (cookie,) = send("rest", handler).values("set-cookie")
    assert cookie.startswith("early=")


def test_decision_13_a_wrong_value_stops_the_import_naming_variable_value_and_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SESSION_IDLE_TIMEOUT", "1 hour")
    with pytest.raises(ConfigurationError, match=r"SESSION_IDLE_TIMEOUT.*'1 hour'.*seconds"):
        with_session(lambda event, context: OK)


def test_decision_13_the_store_is_opened_at_once_on_lambda_and_else_when_it_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    monkeypatch.setenv("SESSION_STORE", "nowhere://")

    def touched(event: Any, context: Any, session: Session) -> Any:
        session.set("k", 1)
        return OK

    assert send("rest", with_session(lambda event, context: OK)).status == 200
    assert send("rest", with_session(touched)).status == 500
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "shop")
    with pytest.raises(ConfigurationError, match="nowhere"):
        with_session(touched)


def test_decision_13_use_swaps_the_store_for_good_or_for_a_while(store: WatchedStore) -> None:
    @with_session(store="memory://")
    def handler(event: Any, context: Any, session: Session) -> Any:
        session.set("k", session.get("k", 0) + 1)
        return OK | {"body": str(session["k"])}

    (cookie,) = send("rest", handler).values("set-cookie")
    former, pair = handler.sessions.store, cookie.partition(";")[0]
    with handler.sessions.use(store):
        assert handler.sessions.store is store
        assert send("rest", handler, pair).body == b"1"
    assert handler.sessions.store is former
    assert send("rest", handler, pair).body == b"2"
    handler.sessions.use(store)
    assert send("rest", handler, pair).body == b"1"
    assert handler.sessions.store is store


def test_decision_13_store_and_loop_are_opened_once_for_each_process_id() -> None:
    program = """
import os
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.testing.lambda_events import HttpRequest, to_event

@with_session(store="memory://")
async def handler(event, context, session):
    session.set("k", 1)
    return {"statusCode": 200}

event = to_event("rest", HttpRequest())
handler(event, None)
store = handler.sessions.store
assert store is handler.sessions.store
child = os.fork()
if child == 0:
    answered = handler(event, None)["statusCode"] == 200
    own = handler.sessions.store
    os._exit(0 if answered and own is not store and own is handler.sessions.store else 1)
assert os.waitpid(child, 0)[1] == 0
assert store is handler.sessions.store
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, timeout=60)


class Context:
    """A context whose time stands still."""

    def __init__(self, milliseconds: int) -> None:
        self.milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


def test_guarantee_6_the_time_that_lambda_gives_bounds_each_store_call(
    store: WatchedStore,
) -> None:
    bounds: list[float] = []
    store.before = lambda _: bounds.append(clock.time_left())

    def handler(event: Any, context: Any, session: Session) -> Any:
        session.set("k", 1)
        return OK

    async def async_handler(event: Any, context: Any, session: AsyncSession) -> Any:
        session.set("k", 1)
        return OK

    for decorated in (with_session(store=store)(handler), with_session(store=store)(async_handler)):
        bounds.clear()
        decorated(EVENT, Context(1000))
        assert [bound < 1 for bound in bounds] == [True]
        assert decorated(EVENT, Context(1))["statusCode"] == 503
        assert len(bounds) == 1


def test_several_threads_may_call_one_def_handler(store: WatchedStore) -> None:
    together = threading.Barrier(4)

    @with_session(store=store)
    def handler(event: Any, context: Any) -> Any:
        together.wait(timeout=30)
        current_session().set("k", 1)
        return OK

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: send("rest", handler), range(4)))
    assert len({line for answer in answers for line in answer.values("set-cookie")}) == 4
