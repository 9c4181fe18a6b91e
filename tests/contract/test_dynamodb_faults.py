"""Whole requests to a handler while the wire to DynamoDB cuts, hangs, loses and refuses."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from serverless_sessions import SessionConfig
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.testing import SessionMaker, StoredSession, lambda_event
from serverless_sessions_adapters.dynamodb import DynamoDBStore
from servers.fault_proxy import FaultProxy, fault_proxy
from servers.faults import Fault, Treatment, http_answer
from servers.lockstep import speak_http
from servers.moto_server import DynamoDBServer
from support.dynamodb import client_of, empty_table

CONFIG = SessionConfig(store_timeout=1)
THROTTLED = http_answer(
    400,
    {"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException", "message": "slow down"},
)
LASTING: dict[str, Treatment] = {
    "cut": Fault.CUT_REQUEST,
    "hanging": Fault.HANG,
    "hanging afterwards": Fault.HANG_AFTERWARDS,
    "answering 500": http_answer(500, b"<html>Internal Server Error</html>"),
    "throttling": THROTTLED,
}
PASSING: dict[str, Treatment] = {
    "lost": Fault.LOSE_REPLY,
    "cut": Fault.CUT_REQUEST,
    "answering 500": http_answer(500, b"<html>Internal Server Error</html>"),
    "throttling": THROTTLED,
}


@pytest.fixture(scope="module")
def proxy(moto_server: DynamoDBServer) -> Iterator[FaultProxy]:
    with fault_proxy(moto_server.port, speak_http) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def client(proxy: FaultProxy) -> Iterator[Any]:
    with client_of(f"http://127.0.0.1:{proxy.port}") as client:
        yield client


@pytest.fixture
def store(client: Any, proxy: FaultProxy) -> Iterator[DynamoDBStore]:
    with empty_table(client) as store:
        yield store
        proxy.heal()


@pytest.fixture
def ann(store: DynamoDBStore) -> StoredSession:
    return SessionMaker(store)(user="ann", data={"n": 1, "kept": "yes"}, config=CONFIG)


def look(session: Any) -> None:
    session.get("n")


def change(session: Any) -> None:
    session.set("n", 2)


def add(session: Any) -> None:
    session.modify("n", lambda n: n + 1)


def log_out(session: Any) -> None:
    session.destroy()


def regenerate(session: Any) -> None:
    session.regenerate()


def log_in(session: Any) -> None:
    session.bind("ann")


ACTS = {act.__name__: act for act in (look, change, add, log_out, regenerate, log_in)}
Act = Callable[[Any], None]


def request(store: DynamoDBStore, act: Act, cookie: str = "") -> dict[str, Any]:
    @with_session(store=store, config=CONFIG)
    def handler(event: dict[str, Any], context: object, session: Any) -> dict[str, Any]:
        act(session)
        return {"statusCode": 200, "body": "done"}

    answer: dict[str, Any] = handler(lambda_event(cookies=[cookie] if cookie else []), None)
    return answer


@pytest.mark.parametrize("treatment", LASTING.values(), ids=LASTING)
@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_a_dynamodb_that_is_out_of_order_is_a_503_in_time_and_harms_nothing(
    store: DynamoDBStore, proxy: FaultProxy, ann: StoredSession, act: Act, treatment: Treatment
) -> None:
    proxy.inject(treatment, times=None)
    began = time.monotonic()
    answer = request(store, act, ann.cookie)
    took = time.monotonic() - began
    proxy.heal()

    assert answer["statusCode"] == 503
    assert took < 2 * CONFIG.store_timeout
    if treatment is not Fault.HANG_AFTERWARDS:
        assert ann.data() == {"n": 1, "kept": "yes"}
        assert ann.user() == "ann"


def test_a_dynamodb_that_is_gone_is_a_503_and_comes_back(
    store: DynamoDBStore, proxy: FaultProxy, ann: StoredSession
) -> None:
    with proxy.refusing():
        for act in ACTS.values():
            assert request(store, act, ann.cookie)["statusCode"] == 503
    assert request(store, add, ann.cookie)["statusCode"] == 200
    assert ann.data() == {"n": 2, "kept": "yes"}


def nth(number: int) -> Callable[[bytes], bool]:
    seen = iter(range(10**6))
    return lambda _: next(seen) == number


@pytest.mark.parametrize("treatment", PASSING.values(), ids=PASSING)
@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_one_request_that_fails_is_made_good(
    store: DynamoDBStore, proxy: FaultProxy, act: Act, treatment: Treatment
) -> None:
    """Whichever it is of those that the act takes; a read is not tried again."""
    number = 0
    while True:
        ann = SessionMaker(store)(user="ann", data={"n": 1, "kept": "yes"}, config=CONFIG)
        injected = proxy.inject(treatment, when=nth(number))
        answer = request(store, act, ann.cookie)
        proxy.heal()
        if not injected.hits:
            break
        if answer["statusCode"] == 503:
            assert ann.data() == {"n": 1, "kept": "yes"}
        else:
            assert_done(store, act, ann, answer)
        for key in store.list_user("ann"):
            store.delete(key)
        number += 1
    assert number >= 1


def assert_done(store: DynamoDBStore, act: Act, ann: StoredSession, answer: dict[str, Any]) -> None:
    cookies = answer.get("cookies", [])
    match act.__name__:
        case "look":
            assert ann.data()["n"] == 1
        case "change" | "add":
            assert ann.data() == {"n": 2, "kept": "yes"}
        case "log_out":
            assert not ann.alive
            assert store.list_user("ann") == []
        case "regenerate" | "log_in":
            renewed = SessionMaker(store).opened_by(cookies[0], CONFIG)
            assert renewed.data() == {"n": 1, "kept": "yes"}
            assert renewed.user() == "ann"
            assert not ann.alive
            assert len(store.list_user("ann")) == 1


@pytest.mark.parametrize("user", [None, "ann"])
def test_a_first_visit_whose_reply_was_lost_makes_one_session(
    store: DynamoDBStore, proxy: FaultProxy, user: str | None
) -> None:
    proxy.inject(Fault.LOSE_REPLY)
    answer = request(store, change if user is None else log_in)
    assert answer["statusCode"] == 200
    visitor = SessionMaker(store).opened_by(answer["cookies"][0], CONFIG)
    assert visitor.alive
    assert visitor.user() == user
    assert len(list(store.scan())) == 1
    assert len(store.list_user("ann")) == (user is not None)
