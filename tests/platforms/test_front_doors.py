"""The same twelve conversations through every front door: the visitor sees the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conversations.doors import DOORS
from conversations.talks import TALKS
from conversations.visitor import Door, Visitor
from servers.fault_proxy import FaultProxy, fault_proxy
from servers.lockstep import speak_redis
from servers.redis_server import RedisServer


@pytest.fixture(scope="module")
def proxy(redis_server: RedisServer) -> Iterator[FaultProxy]:
    with fault_proxy(redis_server.port, speak_redis) as proxy:
        yield proxy


@pytest.fixture(scope="module", params=DOORS)
def door(request: pytest.FixtureRequest, proxy: FaultProxy) -> Iterator[Door]:
    variables = {"SESSION_STORE": f"redis://127.0.0.1:{proxy.port}"}
    with pytest.MonkeyPatch.context() as environment:
        for name, value in variables.items():
            environment.setenv(name, value)
        with DOORS[request.param](request, variables) as door:
            yield door


@pytest.mark.parametrize("name", TALKS)
def test_a_visitor_sees_the_same_through_every_front_door(
    door: Door, proxy: FaultProxy, name: str
) -> None:
    visitor = Visitor(door)
    TALKS[name].hold(visitor, proxy.refusing)
    assert visitor.seen == TALKS[name].seen
