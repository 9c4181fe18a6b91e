"""Azure Tables: how many requests each operation makes, what they weigh, and what bounds them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest

from serverless_sessions import clock
from serverless_sessions.errors import Conflict, SessionGone, StoreTimeout, StoreUnavailable
from serverless_sessions.store import ABSENT, DELETED, Change
from serverless_sessions.testing.cases.base import (
    created,
    entries,
    fresh_key,
    key_beside,
    loaded,
    renewed,
    rotated,
    session,
    texts,
)
from serverless_sessions_adapters.azure_tables import AzureTablesStore
from servers.azurite import Azurite
from servers.fault_proxy import FaultProxy
from servers.faults import Fault, Traffic, http_answer
from support.azure import behind_proxy


@pytest.fixture
def behind(azurite: Azurite) -> Iterator[tuple[AzureTablesStore, FaultProxy]]:
    with behind_proxy(azurite) as both:
        yield both


@pytest.fixture
def store(behind: tuple[AzureTablesStore, FaultProxy]) -> AzureTablesStore:
    return behind[0]


@pytest.fixture
def proxy(behind: tuple[AzureTablesStore, FaultProxy]) -> FaultProxy:
    return behind[1]


def cost(proxy: FaultProxy, act: Callable[[], object]) -> Traffic:
    before = proxy.traffic
    act()
    return proxy.traffic - before


USERS = pytest.mark.parametrize("user", [None, "ann"], ids=["anonymous", "bound"])


@USERS
def test_what_each_operation_costs(
    store: AzureTablesStore, proxy: FaultProxy, user: str | None
) -> None:
    key = fresh_key()
    new = key_beside(store, key)
    change = Change(set=entries(a="1"), idle=clock.now() + 99)

    def change_what_was_read() -> None:
        store.update(key, change._replace(seen=seen.rev, rid=seen.facts.rid, expect={"a": "1"}))

    def rotate() -> None:
        store.rotate(key, new, renewed(read), read.rev, clock.now())

    assert cost(proxy, lambda: store.create(key, session(user=user))).requests == 1
    assert cost(proxy, lambda: store.load(key)).requests == 1
    assert cost(proxy, lambda: store.update(key, change)).requests == 2
    seen = loaded(store, key)
    assert cost(proxy, change_what_was_read).requests == 1
    assert cost(proxy, change_what_was_read).requests == 3
    read = loaded(store, key)
    assert cost(proxy, rotate).requests == 1
    assert cost(proxy, lambda: store.delete(key)).requests == 1
    assert cost(proxy, lambda: store.delete(new)).requests == 2
    assert cost(proxy, lambda: store.delete(new)).requests == 1


def test_a_change_of_what_is_gone_costs_its_reading(
    store: AzureTablesStore, proxy: FaultProxy
) -> None:
    def change() -> None:
        with pytest.raises(SessionGone):
            store.update(fresh_key(), Change())

    assert cost(proxy, change).requests == 1


def test_a_listing_asks_each_partition(store: AzureTablesStore, proxy: FaultProxy) -> None:
    assert cost(proxy, lambda: store.list_user("bob")).requests == 16


def test_a_change_of_one_key_does_not_send_the_session(
    store: AzureTablesStore, proxy: FaultProxy, record_property: Callable[[str, object], None]
) -> None:
    large = {f"name {n}": "0123456789" * 1000 for n in range(20)}
    key = created(store, session({**large, "cart": "x" * 20}))
    change = Change(set=entries(cart="y" * 20), idle=clock.now() + 99, nonce="n")
    seen = loaded(store, key)
    informed = cost(proxy, lambda: store.update(key, change._replace(seen=seen.rev)))
    blind = cost(proxy, lambda: store.update(key, change._replace(nonce="o")))
    removal = cost(proxy, lambda: store.update(key, Change(remove=frozenset({"cart"}))))
    record_property("bytes sent for one key", (informed.sent, blind.sent, removal.sent))
    assert informed.sent + informed.received < 2_000
    assert blind.sent < 2_000
    assert removal.sent < 2_000
    assert cost(proxy, lambda: store.delete(key)).received < 2_000
    assert cost(proxy, lambda: created(store, session(large))).received < 2_000


def test_the_service_is_asked_not_to_send_back_what_it_was_given(
    store: AzureTablesStore, proxy: FaultProxy
) -> None:
    """Azurite sends nothing back within a transaction; Azure does unless it is asked not to."""
    unasked = proxy.inject(
        Fault.CUT_REQUEST, when=lambda request: b"Prefer: return-no-content" not in request
    )
    created(store, session(user="ann"))
    assert unasked.hits == 0


@pytest.mark.parametrize("status", [429, 500, 503, 307])
def test_what_failed_is_sent_once(store: AzureTablesStore, proxy: FaultProxy, status: int) -> None:
    """Retries are the core's, which knows how much time is left."""
    key = created(store)
    headers = {"Retry-After": "0", "Location": f"http://127.0.0.1:{proxy.port}/elsewhere"}
    for act in (
        lambda: store.load(key),
        lambda: store.create(fresh_key(), session()),
        lambda: store.delete(key),
        lambda: store.update(key, Change(set=entries(a="1"))),
        lambda: store.list_user("ann"),
    ):
        proxy.inject(http_answer(status, headers=headers))
        with pytest.raises(StoreUnavailable, match=f"'{store.table}': {status}") as failed:
            assert cost(proxy, act).requests == 1
        assert not isinstance(failed.value, StoreTimeout)
    assert texts(loaded(store, key)) == {"first": "1"}


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.HANG_AFTERWARDS])
def test_a_request_takes_no_longer_than_the_call_may(
    store: AzureTablesStore, proxy: FaultProxy, fault: Fault
) -> None:
    key = created(store)
    seen = loaded(store, key)
    for act in (
        lambda: store.load(key),
        lambda: store.create(fresh_key(), session()),
        lambda: store.update(key, Change(seen=seen.rev)),
        lambda: store.delete(key),
    ):
        proxy.inject(fault, times=1)
        with clock.call_limit(0.3), pytest.raises(StoreTimeout):
            act()


def test_no_request_begins_when_no_time_is_left(store: AzureTablesStore, proxy: FaultProxy) -> None:
    def load() -> None:
        with clock.call_limit(0), pytest.raises(StoreTimeout, match="no time is left"):
            store.load(fresh_key())

    assert cost(proxy, load).requests == 0


def test_who_keeps_losing_races_is_told_so_in_time(
    store: AzureTablesStore, proxy: FaultProxy
) -> None:
    key = created(store)
    proxy.inject(http_answer(412), times=None, when=lambda request: request[:5] == b"PATCH")
    with clock.call_limit(0.5), pytest.raises((Conflict, StoreTimeout)):
        store.update(key, Change())


def test_one_connection_serves_all_calls(store: AzureTablesStore, proxy: FaultProxy) -> None:
    for _ in range(3):
        assert store.delete(rotated(store, created(store))) is DELETED
    assert store.delete(fresh_key()) is ABSENT
    assert len(proxy._links) == 1


def test_nothing_is_logged_of_stored_keys(
    store: AzureTablesStore, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "azure"):
        key = created(store)
        store.update(key, Change(set=entries(a="1")))
        store.delete(key)
    assert key not in caplog.text
