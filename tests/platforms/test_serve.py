"""``serve`` as a process: what a handler is given behind each front door, and what one reads."""

from __future__ import annotations

import base64
import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from platforms.serving import PATIENCE, Server, log_of, serving, start, stop
from serverless_sessions.testing.lambda_events import FRONT_DOORS

BYTES = bytes(range(256))

HANDLER = """
import base64, json
IMAGE = base64.b64encode(bytes(range(256))).decode()
SEVERAL = {"Content-Type": ["image/png"], "Set-Cookie": ["a=1", "b=2"]}
ONE = {"Content-Type": "image/png", "Set-Cookie": "a=1"}

def image(event):
    answer = {"statusCode": 200, "body": IMAGE, "isBase64Encoded": True}
    if event.get("version") == "2.0":
        return {**answer, "headers": {"Content-Type": "image/png"}, "cookies": ["a=1", "b=2"]}
    if "multiValueHeaders" in event:
        return {**answer, "multiValueHeaders": SEVERAL}
    return {**answer, "headers": ONE}

def fails(password):
    raise ValueError("out of lanterns")

def handler(event, context):
    path = event.get("rawPath") or event["path"]
    if path == "/image":
        return image(event)
    if path == "/fails":
        return fails("-".join(["hunter", "two"]))
    headers = {"Content-Type": "application/json"}
    if "headers" not in event:
        return {"statusCode": 200, "body": json.dumps(event),
                "multiValueHeaders": {"Content-Type": ["application/json"]}}
    return {"statusCode": 200, "body": json.dumps(event), "headers": headers}
"""

EXPECTED: dict[str, dict[str, Any]] = {
    "http-api": {
        "rawPath": "/a b",
        "rawQueryString": "x=1&x=2&y=%C3%A9",
        "queryStringParameters": {"x": "1,2", "y": "é"},
        "cookies": ["a=1", "b=2", "c=3"],
        "headers": {"x-two": "one,two", "cookie": None},
    },
    "function-url": {
        "rawPath": "/a%20b",
        "rawQueryString": "x=1&x=2&y=%C3%A9",
        "queryStringParameters": {"x": "1,2", "y": "é"},
        "cookies": ["a=1", "b=2", "c=3"],
        "headers": {"x-two": "one,two"},
    },
    "rest": {
        "path": "/a%20b",
        "queryStringParameters": {"x": "2", "y": "é"},
        "multiValueQueryStringParameters": {"x": ["1", "2"], "y": ["é"]},
        "headers": {"X-Two": "two"},
        "multiValueHeaders": {"X-Two": ["one", "two"], "Cookie": ["a=1; b=2", "c=3"]},
    },
    "alb": {
        "path": "/a%20b",
        "queryStringParameters": {"x": "2", "y": "%C3%A9"},
        "headers": {"x-two": "two", "cookie": "c=3"},
        "multiValueHeaders": None,
    },
    "alb-multi": {
        "path": "/a%20b",
        "multiValueQueryStringParameters": {"x": ["1", "2"], "y": ["%C3%A9"]},
        "multiValueHeaders": {"x-two": ["one", "two"], "cookie": ["a=1; b=2", "c=3"]},
        "headers": None,
    },
}


@pytest.fixture(scope="module", params=FRONT_DOORS)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Server]]:
    folder = tmp_path_factory.mktemp("serve")
    (folder / "app.py").write_text(HANDLER)
    with serving(folder, "--event", request.param, target="app:handler") as server:
        yield request.param, server


def exchange(
    server: Server, method: str, target: str, headers: list[tuple[str, str]], body: bytes = b""
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        connection.putrequest(method, target)
        for name, value in [*headers, ("Content-Length", str(len(body)))]:
            connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def test_a_request_arrives_as_the_service_would_send_it(served: tuple[str, Server]) -> None:
    front_door, server = served
    headers = [
        ("Content-Type", "application/octet-stream"),
        ("X-Two", "one"),
        ("X-Two", "two"),
        ("Cookie", "a=1; b=2"),
        ("Cookie", "c=3"),
    ]
    _, body = exchange(server, "POST", "/a%20b?x=1&x=2&y=%C3%A9", headers, BYTES)
    event = json.loads(body)
    assert base64.b64decode(event["body"]) == BYTES
    assert event["isBase64Encoded"] is True
    for key, expected in EXPECTED[front_door].items():
        found = event.get(key)
        if isinstance(expected, dict) and key.lower().endswith("headers"):
            found = {name: found.get(name) for name in expected}
        assert found == expected, key


def test_bytes_and_cookies_leave_as_the_handler_gave_them(served: tuple[str, Server]) -> None:
    front_door, server = served
    response, body = exchange(server, "GET", "/image", [])
    assert body == BYTES
    assert response.headers["content-type"] == "image/png"
    cookies = ["a=1"] if front_door == "alb" else ["a=1", "b=2"]
    assert response.headers.get_all("set-cookie") == cookies


def test_an_error_of_the_handler_is_told_from_its_own_line_on(served: tuple[str, Server]) -> None:
    _, server = served
    before = len(server.log.read_text())
    response, body = exchange(server, "GET", "/fails?token=hunter-three", [])
    assert response.status >= 500
    assert b"lanterns" not in body
    server.logged(r"^GET /fails  50\d ", before)
    told = server.log.read_text()[before:]
    assert "ValueError: out of lanterns" in told
    assert "in fails" in told
    assert "gateway.py" not in told
    assert "hunter" not in told.replace('["hunter", "two"]', "")


@pytest.mark.parametrize(
    "line", [b"\x1b]0;theirs\x07GET /", b"GET http://[/"], ids=["method", "target"]
)
def test_a_request_line_that_no_browser_sends_is_a_400(
    served: tuple[str, Server], line: bytes
) -> None:
    """Nothing of it reaches the terminal, which would obey it."""
    _, server = served
    before = len(server.log.read_text())
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
        connection.sendall(line + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    exchange(server, "GET", "/after", [])
    server.logged(r"^GET /after  200 ", before)
    told = server.log.read_text()[before:]
    assert "\x1b" not in told
    assert "Traceback" not in told


@pytest.mark.parametrize("options", [(), ("--reload",)], ids=["plain", "reload"])
def test_a_busy_port_is_one_line_and_exit_2(tmp_path: Path, options: tuple[str, ...]) -> None:
    (tmp_path / "app.py").write_text(HANDLER)
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        process = start(tmp_path, "app:handler", "--port", str(port), *options)
        try:
            assert process.wait(PATIENCE) == 2
        finally:
            stop(process)
    assert log_of(tmp_path).read_text() == (
        f"Error: cannot listen on 127.0.0.1, port {port}: Address already in use; "
        "--port 0 takes any free port\n"
    )
