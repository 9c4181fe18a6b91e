"""Handlers in Lambda's own runtime, under AWS's emulator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import pytest

from docs.test_snippets import ROOT, snippets
from platforms.serving import EXAMPLES
from serverless_sessions.testing.lambda_events import (
    FRONT_DOORS,
    HttpRequest,
    HttpResponse,
    to_event,
    to_response,
)
from servers.fault_proxy import FaultProxy, fault_proxy
from servers.faults import Fault
from servers.lambda_rie import FunctionFailed, LambdaFunction, LambdaRuntime
from servers.lockstep import speak_redis
from servers.moto_server import DynamoDBServer
from servers.process import HOST
from servers.redis_server import RedisServer

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
HERE = Path(__file__).parent


class Invoked(Protocol):
    def invoke(self, event: object) -> Any: ...


class Visitor:
    """Comes through one front door, and keeps the session's cookie."""

    def __init__(self, function: Invoked, door: str = "http-api") -> None:
        self._function = function
        self._door = door
        self._cookie: list[tuple[str, str]] = []

    def send(self, path: str, body: bytes = b"", kind: str = JSON) -> HttpResponse:
        headers = [("Content-Type", kind), *self._cookie]
        method = "POST" if body else "GET"
        request = HttpRequest(method, path, headers=headers, body=body)
        response = to_response(self._door, self._function.invoke(to_event(self._door, request)))
        for line in response.values("set-cookie"):
            self._cookie = [("Cookie", line.partition(";")[0])]
        return response


# The shop, its sessions in DynamoDB


@pytest.fixture(scope="module")
def shop(lambda_runtime: LambdaRuntime, moto_server: DynamoDBServer) -> Iterator[LambdaFunction]:
    from serverless_sessions import SessionStore, open_store

    environment = {
        "SESSION_STORE": f"dynamodb://runtime?region=eu-west-1&endpoint={moto_server.endpoint}",
        "AWS_ACCESS_KEY_ID": "anybody",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, environment[name])
        store = open_store(environment["SESSION_STORE"])
        assert isinstance(store, SessionStore)
        store.provision()
        store.close()
    with lambda_runtime.function(
        "cart.aws_lambda.handler", EXAMPLES, environment=environment
    ) as function:
        yield function


@pytest.mark.parametrize("door", FRONT_DOORS)
def test_the_cart_is_kept_in_dynamodb_at_every_front_door(shop: LambdaFunction, door: str) -> None:
    visitor = Visitor(shop, door)
    added = visitor.send("/cart/add", b"sku=mug", FORM)
    assert (added.status, added.values("location")) == (303, ["/"])
    assert [line.partition("=")[0] for line in added.values("set-cookie")] == ["__Host-session"]
    assert "Enamel mug: put into your cart." in visitor.send("/").body.decode()
    assert "Enamel mug: put into your cart." not in visitor.send("/").body.decode()


# The README's handlers


@pytest.fixture(scope="module")
def readme(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    for name, code in snippets(ROOT / "README.md").items():
        (folder / name).write_text(code, "utf-8")
    return folder


def test_the_handler_of_the_readme(lambda_runtime: LambdaRuntime, readme: Path) -> None:
    store = {"SESSION_STORE": f"sqlite:///{readme}/sessions.db"}
    with lambda_runtime.function("app.handler", readme, environment=store) as function:
        visitor = Visitor(function)
        bodies = [visitor.send("/", b'{"sku": "mug"}').body for _ in range(2)]
    assert bodies == [b"1 items", b"2 items"]


def test_the_async_handler_of_the_readme(lambda_runtime: LambdaRuntime, readme: Path) -> None:
    """On one loop, invocation after invocation."""
    store = {"SESSION_STORE": f"sqlite:///{readme}/async.db"}
    with lambda_runtime.function("app_async.handler", readme, environment=store) as function:
        visitor = Visitor(function)
        bodies = [visitor.send(path).body for path in ("/", "/", "/logout", "/")]
    assert bodies == [b"visit 1", b"visit 2", b"visit 3", b"visit 1"]


@pytest.mark.parametrize("handler", ["undecorated", "streaming"])
def test_the_runtime_itself_sends_neither_coroutines_nor_streams(
    lambda_runtime: LambdaRuntime, handler: str
) -> None:
    """Which is why with_session drives the first and refuses the second."""
    store = {"SESSION_STORE": "memory://"}
    with (
        lambda_runtime.function(f"runtime_app.{handler}", HERE, environment=store) as function,
        pytest.raises(FunctionFailed, match=r"Runtime\.MarshalError"),
    ):
        function.invoke({})


# What goes wrong


@pytest.fixture(scope="module")
def proxy(redis_server: RedisServer) -> Iterator[FaultProxy]:
    with fault_proxy(redis_server.port, speak_redis) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def function(lambda_runtime: LambdaRuntime, proxy: FaultProxy) -> Iterator[LambdaFunction]:
    """It has 2 seconds for an invocation, less than a call of the store may take."""
    store = {"SESSION_STORE": f"redis://{HOST}:{proxy.port}", "SESSION_STORE_TIMEOUT": "20"}
    with lambda_runtime.function(
        "runtime_app.handler", HERE, seconds=2, environment=store
    ) as function:
        yield function


def warm(function: LambdaFunction) -> None:
    """The emulator counts the start of the process as part of its first invocation."""
    for _ in range(10):
        with suppress(FunctionFailed):
            function.invoke(to_event("http-api", HttpRequest("GET", "/left")))
            return
    pytest.fail("the function does not start in its time")


@pytest.fixture
def visitor(function: LambdaFunction) -> Visitor:
    warm(function)
    visitor = Visitor(function)
    assert visitor.send("/count").body == b"1"
    return visitor


def test_decision_12_an_error_of_the_store_is_answered_with_503(
    visitor: Visitor, proxy: FaultProxy
) -> None:
    with proxy.refusing():
        refused = visitor.send("/count")
    assert (refused.status, refused.values("retry-after")) == (503, ["1"])
    assert visitor.send("/count").body == b"2"


def test_guarantee_6_a_store_that_hangs_is_answered_before_the_functions_time_is_up(
    visitor: Visitor, proxy: FaultProxy
) -> None:
    proxy.inject(Fault.HANG)
    assert visitor.send("/count").status == 503
    assert visitor.send("/count").body == b"2"


def test_decision_12_an_exception_of_the_handler_is_lambdas_and_saves_nothing(
    visitor: Visitor,
) -> None:
    with pytest.raises(FunctionFailed, match="as asked to") as failed:
        visitor.send("/raise")
    assert failed.value.kind == "LookupError"
    assert visitor.send("/count").body == b"2"


def test_a_stream_is_refused_with_the_way_out(visitor: Visitor) -> None:
    with pytest.raises(FunctionFailed, match="Lambda Web Adapter"):
        visitor.send("/stream")


@pytest.mark.parametrize(("how", "then"), [("unsaved", b"2"), ("saved", b"1001")])
def test_a_function_that_runs_out_of_time_leaves_the_session_as_last_saved(
    visitor: Visitor, function: LambdaFunction, how: str, then: bytes
) -> None:
    with pytest.raises(FunctionFailed, match=r"Task timed out after 2\.00 seconds"):
        visitor.send(f"/sleep/{how}")
    warm(function)
    assert visitor.send("/count").body == then


def test_decision_13_a_wrong_setting_fails_the_start_and_is_told(
    lambda_runtime: LambdaRuntime,
) -> None:
    wrong = {"SESSION_STORE": "memory://", "SESSION_IDLE_TIMEOUT": "soon"}
    with (
        lambda_runtime.function("runtime_app.handler", HERE, environment=wrong) as function,
        pytest.raises(FunctionFailed, match="SESSION_IDLE_TIMEOUT") as failed,
    ):
        function.invoke({})
    assert failed.value.kind == "ConfigurationError"


def test_decision_13_a_store_that_cannot_be_opened_fails_the_start(
    lambda_runtime: LambdaRuntime,
) -> None:
    with (
        lambda_runtime.function("runtime_app.handler", HERE) as function,
        pytest.raises(FunctionFailed, match="SESSION_STORE"),
    ):
        function.invoke({})
