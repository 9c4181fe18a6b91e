"""Whatever requests come, nothing secret is in an event, in a log line of ours or in telemetry."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serverless_sessions import (
    AccessDenied,
    Event,
    MemoryStore,
    SessionConfig,
    StoreTimeout,
    StoreUnavailable,
    ids,
)
from serverless_sessions.errors import Conflict
from serverless_sessions.events import together
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.store import Change, Entry
from serverless_sessions.telemetry import LOGGER, log_events
from serverless_sessions.testing.browser import Driver, settled
from serverless_sessions.testing.clock import FrozenClock
from serverless_sessions.testing.lambda_events import HttpRequest, to_event
from serverless_sessions.testing.watched import WatchedStore
from support.otel import Telemetry

SECRET = "".join(("s3", "cr3t"))
"""In every value, user and cookie of a test, and in what a store's client says when it fails."""
NAME = "n4me"
"""In every session key. Our errors name it to the operator, no event does."""
URL = f"redis://shop:{SECRET}@host/0"

COOKIES = ("own", "none", "unknown", "malformed", "former")
STEPS = (
    *("get", "set", "delete", "modify", "flash", "flashes", "clear", "save", "corrupt"),
    *("bind", "unbind", "regenerate", "destroy", "load"),
)
FAULTS = ("foreign", "caused", "timeout", "denied", "conflict")


class Sent(NamedTuple):
    """A request: its cookie, what its handler does, and how the store and the handler end it."""

    cookie: str = "own"
    steps: tuple[str, ...] = ()
    fault: str = ""
    at_call: int = 0
    after: bool = False
    raises: bool = False
    waits: int = 0


REQUESTS = st.builds(
    Sent,
    cookie=st.sampled_from(("own", *COOKIES)),
    steps=st.lists(st.sampled_from(STEPS), max_size=4).map(tuple),
    fault=st.sampled_from(("", "", *FAULTS)),
    at_call=st.integers(0, 2),
    after=st.booleans(),
    raises=st.booleans(),
    waits=st.sampled_from((0, 0, 120, 1000)),
)


class HandlerBroke(Exception):
    pass


class Conversation:
    """A browser, its handler, and all that was told and logged of both."""

    def __init__(self, driver: Driver, telemetry: Telemetry, clock: FrozenClock) -> None:
        self.driver, self.telemetry, self.clock = driver, telemetry, clock
        self.told: list[Event] = []
        self.store = WatchedStore(MemoryStore())
        self.jar = [ids.draw()]
        self.secrets: set[str] = set()
        self.sent = Sent()
        config = SessionConfig(
            idle_timeout=1000,
            touch_every=100,
            rotation_grace=30,
            on_event=together(self.told.append, log_events(), telemetry.listener),
        )
        decorate = with_session(store=self.store, config=config)
        self.handler = decorate(self.awaited if driver == "async" else self.called)

    def called(self, event: Any, context: Any, *, session: Any) -> dict[str, Any]:
        acting = self.act(session)
        with pytest.raises(StopIteration):
            acting.send(None)
        return {"statusCode": 200}

    async def awaited(self, event: Any, context: Any, *, session: Any) -> dict[str, Any]:
        await self.act(session)
        return {"statusCode": 200}

    async def act(self, session: Any) -> None:
        for n, step in enumerate(self.sent.steps):
            await self.do(session, step, f"{NAME}{n % 2}")
        if self.sent.raises:
            raise HandlerBroke

    async def do(self, session: Any, step: str, name: str) -> None:
        value = {NAME: [SECRET, 7]}
        match step:
            case "get":
                await settled(session.get(name))
            case "modify":
                await settled(session.modify(name, lambda _: SECRET))
            case "set" | "flash":
                getattr(session, step)(name, value)
            case "delete":
                session.delete(name)
            case "bind":
                session.bind(f"{SECRET}@example.com")
            case "unbind":
                session.bind(None)
            case "load":
                await settled(session.load(self.jar[0]))
            case "corrupt":
                self.corrupt(name)
            case _:
                await settled(getattr(session, step)())

    def corrupt(self, name: str) -> None:
        for key, _ in self.store.inner.scan():
            self.store.inner.update(key, Change(set={name: Entry(f"[[[{SECRET}")}))

    def send(self, sent: Sent) -> None:
        self.sent = sent
        self.clock.advance(sent.waits)
        left = [sent.at_call]

        def fault(_: str) -> None:
            left[0] -= 1
            if sent.fault and left[0] == -1:
                self.fail(sent.fault)

        self.store.before = self.store.after = lambda _: None
        setattr(self.store, "after" if sent.after else "before", fault)
        cookie = {
            "own": self.jar[-1],
            "none": "",
            "unknown": ids.draw(),
            "malformed": f"../{SECRET}\t;",
            "former": self.jar[0],
        }[sent.cookie]
        self.secrets |= {cookie, ids.stored_key(cookie)} if len(cookie) == 43 else set()
        headers = [("Cookie", f"__Host-session={cookie}")] if cookie else []
        try:
            answer = self.handler(to_event("http-api", HttpRequest(headers=headers)), None)
        except Exception:  # noqa: BLE001  (what is the handler's own propagates)
            answer = {}
        for line in answer.get("cookies", ()):
            issued = line.partition(";")[0].partition("=")[2]
            if issued:
                self.jar.append(issued)
        self.secrets |= {*self.jar, *map(ids.stored_key, self.jar), *dict(self.store.inner.scan())}

    def fail(self, fault: str) -> None:
        words = f"{URL} {self.jar[-1]} {ids.stored_key(self.jar[-1])} {NAME} {SECRET}"
        match fault:
            case "foreign":
                raise RuntimeError(words)
            case "caused":
                raise StoreUnavailable("the store is down") from RuntimeError(words)
            case "timeout":
                raise StoreTimeout("no answer")
            case "denied":
                raise AccessDenied("the table may not be read") from RuntimeError(words)
            case "conflict":
                raise Conflict("somebody else was faster")


class Kept(logging.Handler):
    """All that a formatter could write of each record, by the name of its logger."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        shown = logging.Formatter().format(record)
        self.lines.append((record.name, f"{shown} {vars(record)!r}"))


@contextmanager
def kept_logs() -> Iterator[list[tuple[str, str]]]:
    logger, kept = logging.getLogger("serverless_sessions"), Kept()
    level = logger.level
    logger.addHandler(kept)
    logger.setLevel(logging.DEBUG)
    try:
        yield kept.lines
    finally:
        logger.setLevel(level)
        logger.removeHandler(kept)


def hold(driver: Driver, requests: list[Sent]) -> set[str]:
    """Hold the conversation, and look for its secrets. Returns what events and logs there were."""
    telemetry = Telemetry()
    with FrozenClock() as clock, kept_logs() as logs:
        conversation = Conversation(driver, telemetry, clock)
        for sent in requests:
            conversation.send(sent)
    events = [repr(conversation.told), telemetry.everything()]
    events += [line for name, line in logs if name == LOGGER]
    lines = [line for name, line in logs if name != LOGGER]
    for secret in (SECRET, *conversation.secrets):
        assert not [text for text in (*events, *lines) if secret in text], secret
    assert not [text for text in events if NAME in text]
    assert len([1 for name, _ in logs if name == LOGGER]) == len(conversation.told)
    return {event.name for event in conversation.told} | {name for name, _ in logs}


EVERYTHING = [
    Sent("malformed", ("set", "bind", "flash")),
    Sent("own", ("get", "modify", "flashes")),
    Sent("own", ("get", "regenerate"), "conflict"),
    Sent("own", ("get", "regenerate"), "conflict", at_call=1),
    Sent("own", ("get",), "timeout", at_call=1, waits=120),
    Sent("own", ("corrupt", "get")),
    Sent("own", ("get",), "caused"),
    Sent("own", ("destroy",), "foreign", raises=True),
    Sent("own", ("destroy",), "denied"),
    Sent("own", ("set",)),
    Sent("own", ("get", "set"), waits=1000),
    Sent("unknown", ("get", "set")),
    Sent("own", ("destroy",)),
]


@pytest.mark.parametrize("driver", ["sync", "async"])
def test_fact_32_nothing_secret_is_told_of_a_long_conversation(
    driver: Driver,
) -> None:
    told = hold(driver, EVERYTHING)
    assert told >= {
        *("created", "loaded", "missed", "expired", "refused_id", "touch_failed", "rotated"),
        *("destroyed", "conflict", "store_call", "store_error"),
        *("serverless_sessions", LOGGER),
    }


@pytest.mark.parametrize("driver", ["sync", "async"])
def test_fact_32_nothing_secret_is_told_of_any_conversation(
    driver: Driver,
) -> None:
    @settings(max_examples=60, database=None)
    @given(st.lists(REQUESTS, min_size=1, max_size=6))
    def any_conversation(requests: list[Sent]) -> None:
        hold(driver, [Sent("none", ("set",)), *requests])

    any_conversation()
