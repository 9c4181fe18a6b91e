"""On every server, the read that finds a session expired is the only request, and says so."""

from __future__ import annotations

import pytest

from serverless_sessions import Event, SessionConfig, SessionManager
from serverless_sessions.testing.browser import Browser
from serverless_sessions.testing.clock import FrozenClock
from servers.fault_proxy import fault_proxy
from support.places import KINDS
from support.scenes import INTENTS


@pytest.mark.parametrize("name", KINDS)
def test_that_a_session_has_expired_costs_no_further_request(
    name: str, request: pytest.FixtureRequest
) -> None:
    kind = KINDS[name]
    server = request.getfixturevalue(kind.server)
    told: list[Event] = []
    with (
        FrozenClock() as clock,
        fault_proxy(server.port, kind.speak) as proxy,
        kind.place(server, proxy.port).opened() as store,
    ):
        config = SessionConfig(idle_timeout=1000, on_event=told.append)
        browser = Browser(SessionManager(store, config))
        browser.request(INTENTS["set"])
        browser.request(INTENTS["get"])  # what a connection and a script cost once
        clock.advance(1000)
        told.clear()
        before = proxy.traffic
        browser.request(INTENTS["get"])
        spent = proxy.traffic - before
    assert [(event.name, event.operation, event.store) for event in told] == [
        ("store_call", "load", name),
        ("expired", None, None),
    ]
    assert spent.requests == 1
