"""One request and its answer with a session round it, behind every AWS front door."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from fractions import Fraction
from typing import Any

import pytest

from serverless_sessions import (
    AccessDenied,
    AsyncSession,
    ConfigurationError,
    Conflict,
    CorruptRecord,
    InvalidArgument,
    MemoryStore,
    MissingDependency,
    Session,
    SessionClosed,
    SessionConfig,
    SessionNotFound,
    SessionTooLarge,
    StoreTimeout,
    StoreUnavailable,
)
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.testing.browser import Driver, settled
from serverless_sessions.testing.lambda_events import (
    FRONT_DOORS,
    HttpRequest,
    HttpResponse,
    LambdaContext,
    failure,
    to_event,
    to_response,
)
from serverless_sessions.testing.watched import WatchedStore
from serverless_sessions.values import Codec
from support.failures import down

NAME = "__Host-session"
OK: dict[str, Any] = {"statusCode": 200, "body": "ok"}
Act = Callable[[Any], Awaitable[Any]]


class Site:
    """A decorated handler behind one front door, and the browser that visits it."""

    def __init__(self, door: str, driver: Driver) -> None:
        self.door = door
        self.driver = driver
        self.store = WatchedStore(MemoryStore())
        self.config = SessionConfig()
        self.cookie = ""

    def invoke(self, act: Act) -> Any:
        """What the handler that ``act`` stands for returns to Lambda."""

        @with_session(store=self.store, config=self.config)
        def handler(event: Any, context: Any, session: Session) -> Any:
            return asyncio.run(_awaited(act, session))

        @with_session(store=self.store, config=self.config)
        async def async_handler(event: Any, context: Any, session: AsyncSession) -> Any:
            return await act(session)

        headers = [("Cookie", self.cookie)] if self.cookie else []
        event = to_event(self.door, HttpRequest("POST", headers=headers))
        chosen = handler if self.driver == "sync" else async_handler
        return chosen(event, LambdaContext())

    def send(self, act: Act) -> HttpResponse:
        response = to_response(self.door, self.invoke(act))
        for line in response.values("set-cookie"):
            if line.startswith(f"{NAME}="):
                self.cookie = "" if "Max-Age=0" in line else line.partition(";")[0]
        return response

    def stored(self) -> dict[str, str]:
        """The keys and texts of the one session that is stored."""
        records = [record for _, record in self.store.inner.scan()]
        return {n: e.text for record in records for n, e in record.entries.items()}


async def _awaited(act: Act, session: Any) -> Any:
    return await act(session)


async def visit(session: Any) -> Any:
    session.set("visits", 1)
    return OK


async def look(session: Any) -> Any:
    return {"statusCode": 200, "body": str(await settled(session.get("visits")))}


async def log_out(session: Any) -> Any:
    session.destroy()
    return OK


@pytest.fixture(params=["sync", "async"])
def driver(request: pytest.FixtureRequest) -> Driver:
    chosen: Driver = request.param
    return chosen


@pytest.fixture(params=FRONT_DOORS)
def site(request: pytest.FixtureRequest, driver: Driver) -> Site:
    return Site(request.param, driver)


@pytest.fixture
def one(driver: Driver) -> Site:
    """For what the front door has no part in."""
    return Site("http-api", driver)


def test_a_new_visitor_gets_one_cookie_and_is_recognised_by_it(site: Site) -> None:
    response = site.send(visit)
    (cookie,) = response.values("set-cookie")
    assert cookie == f"{site.cookie}; Path=/; Secure; HttpOnly; SameSite=Lax"
    again = site.send(look)
    assert (again.body, again.values("set-cookie")) == (b"1", [])


def test_guarantee_8_the_session_is_saved_before_the_answer_is_there(site: Site) -> None:
    assert site.store.calls == []
    site.invoke(visit)
    assert site.store.calls == ["create"]
    assert site.stored() == {"visits": "[1]"}


def test_a_log_in_changes_the_id_and_the_old_one_is_dead(site: Site) -> None:
    async def log_in(session: Any) -> Any:
        session.bind("alice")
        return OK

    site.send(visit)
    before = site.cookie
    assert len(site.send(log_in).values("set-cookie")) == 1
    assert site.cookie != before
    assert site.send(look).body == b"1"
    site.cookie = before
    assert site.send(look).body == b"None"


def test_fact_11_log_out_clears_with_every_scoping_attribute(site: Site) -> None:
    site.config = SessionConfig(
        cookie_name=NAME.replace("Host", "Secure"),
        cookie_domain="example.com",
        cookie_path="/shop",
        cookie_samesite="None",
        cookie_partitioned=True,
    )
    (issued,) = site.send(visit).values("set-cookie")
    pair, scope = issued.split("; ", 1)
    site.cookie = pair
    assert scope == "Path=/shop; Domain=example.com; Secure; HttpOnly; SameSite=None; Partitioned"
    response = site.send(log_out)
    assert response.values("set-cookie") == [
        f"__Secure-session=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; {scope}"
    ]
    assert site.stored() == {}


def test_decision_10_a_cookie_is_never_stored_by_a_cache_and_a_read_tells_visitors_apart(
    site: Site,
) -> None:
    async def cached(session: Any) -> Any:
        await visit(session)
        several = {"cache-control": "public, max-age=60", "CDN-Cache-Control": "max-age=9"}
        if site.door == "alb-multi":
            return OK | {"multiValueHeaders": {name: [v] for name, v in several.items()}}
        return OK | {"headers": several}

    issued, read = site.send(cached), site.send(look)
    assert issued.values("cache-control") == ["no-store"]
    assert issued.values("cdn-cache-control") == []
    assert issued.values("vary") == read.values("vary") == ["Cookie"]
    assert read.values("cache-control") == ["private"]


@pytest.mark.parametrize("result", [OK, {"statusCode": 404}, {"statusCode": "302"}])
def test_an_untouched_session_costs_no_call_and_the_result_is_the_very_same(
    site: Site, result: Any
) -> None:
    async def ignore(_: Any) -> Any:
        return result

    site.send(visit)
    site.store.calls.clear()
    assert site.invoke(ignore) is result
    assert site.store.calls == []


FAILED: list[tuple[str, Any]] = [
    *((door, {"statusCode": 503}) for door in FRONT_DOORS),
    *((door, {"statusCode": "500"}) for door in FRONT_DOORS),
    *((door, {"statusCode": 200, "headers": "none"}) for door in FRONT_DOORS[:-1]),
    ("alb-multi", {"statusCode": 200, "multiValueHeaders": {"x": "no list"}}),
    *((door, {"statusCode": 0}) for door in FRONT_DOORS),
    *((door, "a plain string") for door in ("rest", "alb", "alb-multi")),
    *((door, {"body": "no status"}) for door in ("alb", "alb-multi")),
    ("rest", {"statusCode": 200, "cookies": [], "status": "unknown key"}),
]


@pytest.mark.parametrize(("door", "result"), FAILED)
def test_decision_7_what_the_platform_sends_as_5xx_saves_nothing(
    driver: Driver, door: str, result: Any
) -> None:
    site = Site(door, driver)

    async def fail(session: Any) -> Any:
        await visit(session)
        return result

    response = site.send(fail)
    assert response.status >= 500
    assert response.values("set-cookie") == []
    assert site.stored() == {}


SUCCEEDED: list[tuple[str, Any]] = [
    *((door, {"statusCode": "200"}) for door in FRONT_DOORS),
    *((door, {"statusCode": 499}) for door in FRONT_DOORS),
    *((door, "a plain string") for door in ("http-api", "function-url")),
    *((door, {"no": "status"}) for door in ("http-api", "function-url")),
    ("rest", {"body": "no status"}),
]


@pytest.mark.parametrize(("door", "result"), SUCCEEDED)
def test_decision_7_what_the_platform_sends_as_less_saves_all(
    driver: Driver, door: str, result: Any
) -> None:
    site = Site(door, driver)

    async def succeed(session: Any) -> Any:
        await visit(session)
        return result

    response = site.send(succeed)
    assert response.status < 500
    assert len(response.values("set-cookie")) == 1
    assert site.stored() == {"visits": "[1]"}


def test_destroy_is_carried_out_though_the_result_cannot_be_sent(site: Site) -> None:
    async def fail(session: Any) -> Any:
        session.destroy()
        return {"statusCode": 0}

    site.send(visit)
    assert site.send(fail) == failure(site.door)
    assert site.stored() == {}


@pytest.mark.parametrize("kind", [ValueError, KeyError, TimeoutError, asyncio.CancelledError])
def test_decision_12_a_handlers_own_exception_propagates_unchanged_and_log_outs_hold(
    one: Site, kind: type[BaseException]
) -> None:
    error, cause = kind("the handler's own"), OSError("its cause")

    async def fail(session: Any) -> Any:
        session.set("b", 2)
        session.destroy()
        session.set("c", 3)
        raise error from cause

    one.send(visit)
    with pytest.raises(kind) as raised:
        one.invoke(fail)
    assert raised.value is error
    assert error.__cause__ is cause
    assert one.stored() == {}


def test_the_handlers_exception_wins_over_a_store_that_fails_to_log_out(
    one: Site, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(session: Any) -> Any:
        session.destroy()
        raise LookupError("the handler's own")

    one.send(visit)
    one.store.before = down
    with pytest.raises(LookupError, match="own"):
        one.invoke(fail)
    (logged,) = caplog.records
    assert (logged.name, logged.levelno) == ("serverless_sessions", logging.ERROR)


def test_the_session_is_closed_when_the_answer_is_there(one: Site) -> None:
    kept = []

    async def keep(session: Any) -> Any:
        kept.append(session)
        return OK

    one.invoke(keep)
    with pytest.raises(SessionClosed):
        kept[0].set("late", 1)


ERRORS = [
    (StoreUnavailable, 503),
    (StoreTimeout, 503),
    (Conflict, 503),
    (SessionTooLarge, 500),
    (AccessDenied, 500),
    (CorruptRecord, 500),
    (ConfigurationError, 500),
    (MissingDependency, 500),
]
PHRASES = {500: b"Internal Server Error", 503: b"Service Unavailable"}


@pytest.mark.parametrize(("kind", "status"), ERRORS)
def test_decision_12_an_error_of_the_store_becomes_a_constant_answer_and_is_logged(
    site: Site, kind: type[Exception], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: str) -> None:
        raise kind("table-7 key-8")

    site.send(visit)
    cookie = site.cookie
    site.store.before = refuse
    response = site.send(look)
    assert (response.status, response.body) == (status, PHRASES[status])
    assert response.values("cache-control") == ["no-store"]
    assert response.values("retry-after") == (["1"] if status == 503 else [])
    assert response.values("content-type") == ["text/plain; charset=utf-8"]
    assert response.values("set-cookie") == []
    (logged,) = caplog.records
    assert (logged.name, logged.levelno) == ("serverless_sessions", logging.ERROR)
    assert "table-7" in logged.getMessage()
    assert cookie.partition("=")[2] not in caplog.text


def test_the_log_shows_where_a_client_failed_and_none_of_its_words(
    one: Site, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "2retnuh"[::-1]  # the log shows lines of code

    def vendors_call() -> None:
        raise RuntimeError(f"no document sessions/{secret}")

    def fail(_: str) -> None:
        try:
            vendors_call()
        except RuntimeError as error:
            raise StoreTimeout("loading in table-7 took too long") from error

    one.send(visit)
    one.store.before = fail
    assert one.send(look).status == 503
    assert "loading in table-7 took too long" in caplog.text
    assert "RuntimeError" in caplog.text
    assert "in vendors_call" in caplog.text
    assert "hunter2" not in caplog.text


def test_the_log_shows_no_stored_value_on_which_a_decode_function_failed(
    one: Site, caplog: pytest.LogCaptureFixture
) -> None:
    decoder = Codec()
    decoder.register(Fraction, "Fraction", str, lambda text: Fraction(int(text)))
    secret = "2retnuh"[::-1]  # the log shows lines of code

    def decode(_: str) -> None:
        decoder.loads(f'[["Fraction",1],"{secret}"]')

    one.send(visit)
    one.store.before = decode
    assert one.send(look).status == 500
    assert "ValueError" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_write_that_fails_is_never_answered_with_the_handlers_200(site: Site) -> None:
    site.store.before = down
    response = site.send(visit)
    assert response.status == 503
    assert response.values("set-cookie") == []


@pytest.mark.parametrize("kind", [StoreUnavailable, SessionTooLarge])
def test_on_store_error_raise_hands_the_error_itself_to_lambda(
    one: Site, kind: type[Exception]
) -> None:
    error = kind("the store's own")

    def refuse(_: str) -> None:
        raise error

    one.config = SessionConfig(on_store_error="raise")
    one.store.before = refuse
    with pytest.raises(kind) as raised:
        one.invoke(visit)
    assert raised.value is error


@pytest.mark.parametrize("kind", [InvalidArgument, SessionNotFound])
def test_an_error_that_is_the_handlers_own_mistake_propagates(
    one: Site, kind: type[Exception]
) -> None:
    error = kind("a mistake")

    async def fail(_: Any) -> Any:
        raise error

    with pytest.raises(kind) as raised:
        one.invoke(fail)
    assert raised.value is error


def test_a_cookie_for_what_took_effect_goes_out_with_an_error_answer(site: Site) -> None:
    async def fail_after_save(session: Any) -> Any:
        await visit(session)
        await settled(session.save())
        site.store.before = down
        await settled(session.modify("visits", lambda n: n + 1))

    response = site.send(fail_after_save)
    assert response.status == 503
    assert len(response.values("set-cookie")) == 1
    site.store.before = lambda _: None
    assert site.send(look).body == b"1"
