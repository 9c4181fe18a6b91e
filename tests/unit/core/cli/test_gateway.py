from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from serverless_sessions import AsyncSession, MemoryStore
from serverless_sessions.cli.gateway import MAX_RESULT, Gateway, Report
from serverless_sessions.cli.wire import MAX_BODY
from serverless_sessions.events import Event, emit
from serverless_sessions.handlers.aws_lambda import with_session

Result = dict[str, Any]


@dataclass
class Client:
    """Calls a gateway as the server does."""

    handler: Callable[[Result, Any], Any]
    front_door: str = "http-api"
    timeout: float = 30
    reports: list[Report] = field(default_factory=list)
    status: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)

    def send(
        self,
        method: str = "GET",
        target: str = "/",
        headers: list[tuple[str, str]] | None = None,
        body: bytes = b"",
        environ: dict[str, object] | None = None,
    ) -> bytes:
        gateway = Gateway(self.handler, self.front_door, self.timeout, self.reports.append)
        given: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "serverless_sessions.target": target,
            "serverless_sessions.headers": headers or [],
        }
        return b"".join(gateway({**given, **(environ or {})}, self._start))

    def _start(
        self, status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> Callable[[bytes], object]:
        self.status, self.headers = status, headers
        return lambda _: None

    def values(self, name: str) -> list[str]:
        return [value for given, value in self.headers if given.lower() == name]


def test_a_request_becomes_an_event_and_a_result_a_response() -> None:
    seen: list[Result] = []

    def handler(event: Result, context: Any) -> Result:
        seen.append(event)
        assert 29_000 < context.get_remaining_time_in_millis() <= 30_000
        return {"statusCode": 201, "headers": {"X-A": "é"}, "cookies": ["a=1", "b=2"], "body": "hé"}

    client = Client(handler)
    headers = [("Host", "x:1"), ("Content-Type", "text/plain"), ("Cookie", "a=b; c=d")]
    body = client.send("POST", "/one?two=3", headers, "hällo".encode())
    assert (client.status, body.decode()) == ("201 Created", "hé")
    assert client.values("set-cookie") == ["a=1", "b=2"]
    assert client.values("x-a")[0].encode("latin-1").decode() == "é"
    assert client.values("content-length") == ["3"]
    (event,) = seen
    assert (event["rawPath"], event["rawQueryString"], event["body"]) == ("/one", "two=3", "hällo")
    assert event["requestContext"]["http"]["method"] == "POST"
    assert event["cookies"] == ["a=b", "c=d"]


def test_a_report_tells_method_path_status_and_events_but_no_query() -> None:
    def handler(event: Result, context: Any) -> Result:
        emit(Event("store_call", operation="load", seconds=0.002))
        emit(Event("loaded", handle="h"))
        return {"statusCode": 404}

    client = Client(handler)
    client.send("DELETE", "/a/b?token=secret#part")
    (report,) = client.reports
    assert (report.method, report.path, report.status) == ("DELETE", "/a/b", 404)
    assert [event.name for event in report.events] == ["store_call", "loaded"]
    assert report.seconds > 0
    assert (report.error, report.remark) == (None, None)


@pytest.mark.parametrize(
    ("front_door", "status", "body"),
    [
        ("http-api", "500 Internal Server Error", b'{"message":"Internal Server Error"}'),
        ("rest", "502 Bad Gateway", b'{"message": "Internal server error"}'),
    ],
)
@pytest.mark.parametrize("error", [ValueError("secret"), SystemExit(3), asyncio.CancelledError()])
def test_an_exception_is_reported_and_not_sent(
    front_door: str, status: str, body: bytes, error: BaseException
) -> None:
    def handler(event: Result, context: Any) -> Result:
        raise error

    client = Client(handler, front_door)
    assert client.send() == body
    assert client.status == status
    assert client.reports[0].error is error


@pytest.mark.parametrize(
    "result",
    [
        {"statusCode": "abc"},
        {"statusCode": 100},
        {"statusCode": 200, "body": object()},
        {"statusCode": 200, "headers": {"X-A": "one\r\nX-B: two"}},
        {"statusCode": 200, "cookies": ["a=1\nX-B: two"]},
        {"statusCode": 200, "headers": {"X\r\nY": "one"}},
    ],
)
def test_a_result_that_cannot_be_sent_is_a_failure_with_a_remark(result: Result) -> None:
    client = Client(lambda event, context: result)
    assert client.send() == b'{"message":"Internal Server Error"}'
    assert client.status.startswith("500")
    assert "cannot read what the handler returned" in (client.reports[0].remark or "")


def test_a_coroutine_is_a_failure_that_is_explained() -> None:
    async def answer() -> Result:
        return {"statusCode": 200}

    client = Client(lambda event, context: answer())
    client.send()
    assert client.status.startswith("500")
    assert "async" in (client.reports[0].remark or "")


def test_results_are_bounded_as_on_lambda() -> None:
    client = Client(lambda event, context: {"statusCode": 200, "body": "x" * MAX_RESULT})
    client.send()
    assert client.status.startswith("500")
    assert "more than Lambda's" in (client.reports[0].remark or "")


def test_bodies_are_bounded_as_at_the_gateway() -> None:
    called: list[int] = []

    def handler(event: Result, context: Any) -> Result:
        called.append(len(base64.b64decode(event["body"])))
        return {"statusCode": 200}

    client = Client(handler)
    client.send("POST", body=b"x" * MAX_BODY)
    assert client.status == "200 OK"
    client.send("POST", environ={"CONTENT_LENGTH": str(MAX_BODY + 1)})
    assert client.status == "413 Request Entity Too Large"
    chunked: dict[str, object] = {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}
    client.send("POST", body=b"x" * 10, environ=chunked)
    assert client.status == "200 OK"
    client.send("POST", body=b"x" * (MAX_BODY + 1), environ=chunked)
    assert client.status == "413 Request Entity Too Large"
    assert called == [MAX_BODY, 10]
    assert [report.status for report in client.reports] == [200, 413, 200, 413]


@pytest.mark.parametrize("length", ["-1", "x", "1.5", "\u0661"])
def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    client = Client(lambda event, context: pytest.fail("called"))
    client.send("POST", environ={"CONTENT_LENGTH": length})
    assert client.status == "400 Bad Request"


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_answers_without_a_body_have_none(method: str, status: int) -> None:
    client = Client(lambda event, context: {"statusCode": status, "body": "text"})
    assert client.send(method) == b""
    assert client.values("content-length") == (["4"] if status == 200 else [])


def test_headers_of_the_connection_are_the_servers_own() -> None:
    headers = {"Content-Length": "999", "Transfer-Encoding": "chunked", "Connection": "x"}
    client = Client(lambda event, context: {"statusCode": 200, "headers": headers, "body": "ab"})
    client.send()
    assert client.values("content-length") == ["2"]
    assert client.values("transfer-encoding") == client.values("connection") == []


def test_an_invocation_past_its_timeout_is_remarked() -> None:
    client = Client(lambda event, context: {"statusCode": 200}, timeout=1e-9)
    client.send()
    assert "Lambda would have ended it" in (client.reports[0].remark or "")


def test_a_status_without_a_name_is_sent_all_the_same() -> None:
    client = Client(lambda event, context: {"statusCode": 299})
    client.send()
    assert client.status == "299 Unknown"


def test_a_target_with_a_host_is_read_as_its_path() -> None:
    client = Client(lambda event, context: {"statusCode": 200, "body": event["rawPath"]})
    assert client.send(target="http://shop.example/cart?x=1") == b"/cart"
    assert client.send(target="*") == b"*"


def test_control_characters_never_reach_the_terminal() -> None:
    client = Client(lambda event, context: {"statusCode": 200})
    client.send(target="/\x1b[31m\x9b\xe9" + "a" * 300)
    path = client.reports[0].path
    assert path.startswith("/%1B%5B31m%9B%E9aaa")
    assert len(path) == 201


def test_the_store_calls_of_async_handlers_are_seen_too() -> None:
    @with_session(store=MemoryStore())
    async def handler(event: Result, context: Any, session: AsyncSession) -> Result:
        session.set("a", 1)
        return {"statusCode": 200}

    client = Client(handler)
    client.send()
    (report,) = client.reports
    assert [event.operation for event in report.events if event.name == "store_call"] == ["create"]
