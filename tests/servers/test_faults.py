"""Each fault of the proxy, on each server but Firestore, as the server's SDK reports it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import botocore.exceptions
import httpx
import pytest
import redis
from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError
from upstash_redis.errors import UpstashError

from servers.fault_proxy import FaultProxy, Speak, fault_proxy
from servers.faults import Answer, Fault, http_answer, redis_error
from servers.lockstep import speak_http, speak_redis
from servers.one_item import (
    PATIENCE,
    Item,
    Opener,
    open_azurite,
    open_dynamodb,
    open_redis,
    open_upstash,
)
from support.waiting import wait_until

SHORT = 1.0
THROTTLED = {"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException", "message": "slow"}
BUSY = {"odata.error": {"code": "ServerBusy", "message": {"lang": "en", "value": "slow"}}}


@dataclass
class Sdk:
    """How a server is reached, and its SDK's errors for what can happen."""

    open: Callable[[Any, ExitStack], Opener]
    speak: Speak
    refused: type[Exception]
    lost: type[Exception]
    late: type[Exception]
    error: Answer
    told: type[Exception]


BOTO = Sdk(
    open_dynamodb,
    speak_http,
    refused=botocore.exceptions.EndpointConnectionError,
    lost=botocore.exceptions.ConnectionClosedError,
    late=botocore.exceptions.ReadTimeoutError,
    error=http_answer(400, THROTTLED),
    told=botocore.exceptions.ClientError,
)
AZURE = Sdk(
    open_azurite,
    speak_http,
    refused=ServiceRequestError,
    lost=ServiceResponseError,
    late=ServiceResponseError,
    error=http_answer(503, BUSY),
    told=HttpResponseError,
)
UPSTASH = Sdk(
    open_upstash,
    speak_http,
    refused=httpx.ConnectError,
    lost=httpx.RemoteProtocolError,
    late=httpx.ReadTimeout,
    error=http_answer(500, {"error": "ERR slow"}),
    told=UpstashError,
)
REDIS = Sdk(
    open_redis,
    speak_redis,
    refused=redis.ConnectionError,
    lost=redis.ConnectionError,
    late=redis.TimeoutError,
    error=redis_error("ERR slow"),
    told=redis.ResponseError,
)


@dataclass
class Case:
    """One item by three clients: directly, through the proxy, and there with SHORT patience."""

    sdk: Sdk
    proxy: FaultProxy
    direct: Item
    proxied: Item
    hasty: Item


@pytest.fixture(
    params=[
        ("moto_server", BOTO),
        ("dynalite", BOTO),
        ("azurite", AZURE),
        ("upstash", UPSTASH),
        ("redis_server", REDIS),
    ],
    ids=lambda param: param[0],
)
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    fixture, sdk = request.param
    server = request.getfixturevalue(fixture)
    with ExitStack() as closing:
        proxy = closing.enter_context(fault_proxy(server.port, sdk.speak))
        opened = sdk.open(server, closing)
        proxied = opened(proxy.port, PATIENCE)
        assert proxied.read() is None
        yield Case(sdk, proxy, opened(server.port, PATIENCE), proxied, opened(proxy.port, SHORT))


def test_it_keeps_an_item(case: Case) -> None:
    for item, other in ((case.direct, case.proxied), (case.proxied, case.direct)):
        for text in ("é", "x" * 30_000):
            item.write(text)
            assert other.read() == item.read() == text


def test_a_cut_request_was_not_carried_out(case: Case) -> None:
    case.proxy.inject(Fault.CUT_REQUEST)
    with pytest.raises(case.sdk.lost):
        case.proxied.write("first")
    assert case.direct.read() is None
    case.proxied.write("second")
    assert case.direct.read() == "second"


def test_a_lost_reply_was_to_a_change_that_stands(case: Case) -> None:
    case.proxy.inject(Fault.LOSE_REPLY)
    with pytest.raises(case.sdk.lost):
        case.proxied.write("first")
    assert case.direct.read() == "first"
    case.proxied.write("second")
    assert case.direct.read() == "second"


@pytest.mark.parametrize(
    ("fault", "stands"), [(Fault.HANG, None), (Fault.HANG_AFTERWARDS, "first")]
)
def test_a_request_hangs(case: Case, fault: Fault, stands: str | None) -> None:
    hanging = case.proxy.inject(fault, when=lambda request: b"first" in request)
    with pytest.raises(case.sdk.late):
        case.hasty.write("first")
    assert hanging.hits == 1
    wait_until(lambda: case.direct.read() == stands)
    case.proxied.write("second")
    assert case.direct.read() == "second"


def test_an_error_is_answered_in_the_servers_place(case: Case) -> None:
    case.proxy.inject(case.sdk.error)
    with pytest.raises(case.sdk.told, match="slow"):
        case.proxied.write("first")
    assert case.direct.read() is None
    case.proxied.write("second")
    assert case.direct.read() == "second"


def test_another_write_comes_in_between(case: Case) -> None:
    case.proxy.inject(lambda: case.direct.write("in between"))
    assert case.proxied.read() == "in between"


def test_it_refuses(case: Case) -> None:
    with case.proxy.refusing(), pytest.raises(case.sdk.refused):
        case.proxied.write("first")
    assert case.direct.read() is None


def test_it_counts_what_an_operation_sends(case: Case) -> None:
    case.proxied.write("")
    before = case.proxy.traffic
    case.proxied.write("x" * 10_000)
    requests, sent, received = case.proxy.traffic - before
    assert requests == 1
    assert 10_000 < sent < 12_000
    assert 0 < received < 2_000
