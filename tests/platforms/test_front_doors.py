"""The same twelve conversations through every front door: the visitor sees the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from conversations.doors import DOORS, ROUND_FRAMEWORKS, Open
from conversations.talks import TALKS
from conversations.visitor import Door, Visitor
from servers.fault_proxy import FaultProxy, fault_proxy
from servers.lockstep import speak_redis
from servers.redis_server import RedisServer


@pytest.fixture(scope="module")
def proxy(redis_server: RedisServer) -> Iterator[FaultProxy]:
    with fault_proxy(redis_server.port, speak_redis) as proxy:
        yield proxy


@contextmanager
def opened(request: pytest.FixtureRequest, door: Open, proxy: FaultProxy) -> Iterator[Door]:
    variables = {"SESSION_STORE": f"redis://127.0.0.1:{proxy.port}"}
    with pytest.MonkeyPatch.context() as environment:
        for name, value in variables.items():
            environment.setenv(name, value)
        with door(request, variables) as opened:
            yield opened


@pytest.fixture(scope="module", params=DOORS)
def door(request: pytest.FixtureRequest, proxy: FaultProxy) -> Iterator[Door]:
    with opened(request, DOORS[request.param], proxy) as door:
        yield door


@pytest.fixture(scope="module", params=ROUND_FRAMEWORKS)
def framework(request: pytest.FixtureRequest, proxy: FaultProxy) -> Iterator[Door]:
    with opened(request, ROUND_FRAMEWORKS[request.param], proxy) as door:
        yield door


@pytest.mark.parametrize("name", TALKS)
def test_a_visitor_sees_the_same_through_every_front_door(
    door: Door, proxy: FaultProxy, name: str
) -> None:
    visitor = Visitor(door)
    TALKS[name].hold(visitor, proxy.refusing)
    assert visitor.seen == TALKS[name].seen


@pytest.mark.parametrize("name", [name for name in TALKS if name != "store down"])
def test_and_through_the_middleware_of_wsgi_round_a_framework(
    framework: Door, proxy: FaultProxy, name: str
) -> None:
    visitor = Visitor(framework)
    TALKS[name].hold(visitor, proxy.refusing)
    assert visitor.seen == TALKS[name].seen


def test_a_framework_answers_for_the_store_in_its_views_and_we_where_it_is_saved(
    framework: Door, proxy: FaultProxy
) -> None:
    visitor = Visitor(framework)
    visitor.post("/set/a/1")
    with proxy.refusing():
        visitor.get("/look")
        visitor.post("/set/a/2")
    assert visitor.seen[1:] == [
        "GET /look -> 500 vary cookie",
        "POST /set/a/2 -> 503 retry after 1 no-store",
    ]
