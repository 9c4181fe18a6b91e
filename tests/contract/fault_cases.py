"""What a visitor meets when the store's server fails, seen through a Lambda handler.

A fault proxy stands between the store and its real server; it cuts, hangs, or answers in the
server's place.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from functools import partial
from typing import Any, ClassVar

import pytest

from serverless_sessions import SessionConfig, SessionStore
from serverless_sessions.handlers import _loop
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.testing.browser import Act, settled
from serverless_sessions.testing.requests import lambda_event
from serverless_sessions.testing.watched import finished
from servers.fault_proxy import FaultProxy
from servers.faults import Fault, Treatment

STORE_TIMEOUT = 0.5
SECONDS_MORE = 2.0
"""Less than any client waits by itself, and more than a busy machine makes of it."""
PATIENCE = 10.0
"""Seconds for a store call whose time is not what a test is about."""
RECOVERY_SECONDS = 10.0


async def _read(session: Any) -> dict[str, Any]:
    return {key: await settled(session.get(key)) for key in await settled(session.keys())}


async def _first(session: Any) -> None:
    session.set("a", 1)


async def _set(session: Any) -> None:
    session.set("b", 2)


async def _add(session: Any) -> None:
    await settled(session.modify("n", lambda n: n + 1, 0))


async def _regenerate(session: Any) -> None:
    session.regenerate()


async def _log_in(session: Any) -> None:
    session.bind("ann")


async def _log_out(session: Any) -> None:
    session.destroy()


ACTS: dict[str, Act] = {
    "/read": _read,
    "/first": _first,
    "/set": _set,
    "/add": _add,
    "/regenerate": _regenerate,
    "/log-in": _log_in,
    "/log-out": _log_out,
}
AFTERWARDS = {
    "/read": {"a": 1},
    "/first": {"a": 1},
    "/set": {"a": 1, "b": 2},
    "/add": {"a": 1, "n": 1},
    "/regenerate": {"a": 1},
    "/log-in": {"a": 1},
    "/log-out": {},
}


class Site:
    """A handler on the store, and a browser at it with a session of ``{"a": 1}``."""

    def __init__(self, store: SessionStore, driver: str) -> None:
        config = SessionConfig(store_timeout=PATIENCE, rotation_grace=60)

        @with_session(store=store, config=config)
        def handler(event: Any, context: Any, session: Any) -> Any:
            return {
                "statusCode": 200,
                "body": json.dumps(finished(ACTS[event["rawPath"]](session))),
            }

        @with_session(store=store, config=config)
        async def async_handler(event: Any, context: Any, session: Any) -> Any:
            return _answer(await ACTS[event["rawPath"]](session))

        self._handler = handler if driver == "sync" else async_handler
        self._cookie: list[str] = []

    def set_store_timeout(self, seconds: float) -> None:
        sessions = self._handler.sessions
        sessions.config = sessions.config.changed(store_timeout=seconds)

    def get(self, path: str) -> int:
        """The status of the answer, whose cookie is kept."""
        self.answer = self._handler(lambda_event("http-api", path, cookies=self._cookie), None)
        self._cookie = self.answer.get("cookies", self._cookie)
        return int(self.answer["statusCode"])

    def session(self) -> Any:
        """What is in the session, as soon as the store answers again."""
        gives_up = time.monotonic() + RECOVERY_SECONDS
        while self.get("/read") != 200 and time.monotonic() < gives_up:
            pass
        return json.loads(self.answer["body"])


def _is_at(passed: Iterator[int], number: int, request: bytes) -> bool:
    return next(passed) == number


def _answer(found: Any) -> dict[str, Any]:
    return {"statusCode": 200, "body": json.dumps(found)}


@pytest.mark.long
class FaultCases:
    """A subclass gives the fixture ``proxy``, opens a store through it, and names the answers by
    which its server says that it is broken or too busy, and the acts that its store refuses."""

    broken: ClassVar[tuple[Treatment, ...]]
    refuses: ClassVar[frozenset[str]] = frozenset()

    @pytest.fixture
    def proxy(self) -> Iterator[FaultProxy]:
        raise NotImplementedError

    def opened(self, proxy: FaultProxy) -> SessionStore:
        raise NotImplementedError

    @pytest.fixture(params=["sync", "async"])
    def site(self, proxy: FaultProxy, request: pytest.FixtureRequest) -> Iterator[Site]:
        if request.node.callspec.params.get("path") in self.refuses:
            pytest.skip("this store refuses what the act needs")
        store = self.opened(proxy)
        site = Site(store, request.param)
        assert site.get("/first") == 200
        yield site
        proxy.heal()
        store.close()
        if request.param == "async" and (awaited := store.native_async()) is not None:
            _loop.run(awaited.close())

    @pytest.mark.parametrize("path", ACTS)
    def test_a_server_that_is_gone_is_a_503_and_loses_nothing(
        self, proxy: FaultProxy, site: Site, path: str
    ) -> None:
        site.set_store_timeout(STORE_TIMEOUT)
        with proxy.refusing():
            began = time.monotonic()
            assert site.get(path) == 503
            assert time.monotonic() - began < STORE_TIMEOUT + SECONDS_MORE
        assert site.session() == {"a": 1}

    @pytest.mark.parametrize("path", ACTS)
    def test_a_server_that_hangs_is_a_503_in_time_and_loses_nothing(
        self, proxy: FaultProxy, site: Site, path: str
    ) -> None:
        site.set_store_timeout(STORE_TIMEOUT)
        proxy.inject(Fault.HANG, times=None)
        began = time.monotonic()
        assert site.get(path) == 503
        assert time.monotonic() - began < STORE_TIMEOUT + SECONDS_MORE
        proxy.heal()
        assert site.session() == {"a": 1}

    def test_a_server_that_answers_an_error_is_a_503_and_loses_nothing(
        self, proxy: FaultProxy, site: Site
    ) -> None:
        site.set_store_timeout(STORE_TIMEOUT)
        acts = [path for path in ACTS if path not in self.refuses]
        for treatment, path in itertools.product(self.broken, acts):
            proxy.inject(treatment, times=None)
            assert site.get(path) == 503, f"{treatment} {path}"
            proxy.heal()
            assert site.session() == {"a": 1}

    @pytest.mark.parametrize("fault", [Fault.CUT_REQUEST, Fault.LOSE_REPLY])
    @pytest.mark.parametrize("path", ACTS)
    def test_a_connection_cut_once_is_not_noticed(
        self, proxy: FaultProxy, site: Site, path: str, fault: Fault
    ) -> None:
        """Each request of the operation is cut in its turn; what was carried out stays so once."""
        for number in range(20):
            assert site.session() == {"a": 1}
            cut = proxy.inject(fault, when=partial(_is_at, itertools.count(), number))
            assert site.get(path) == 200, f"{fault} at request {number}"
            proxy.heal()
            assert site.session() == AFTERWARDS[path]
            if not cut.hits:
                assert number > 0
                return
            site.get("/log-out")
            assert site.get("/first") == 200
        pytest.fail(f"{path} makes no end of requests")
