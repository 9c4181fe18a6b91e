"""The cart as ``make demo`` serves it: a real server, a real store, raw HTTP."""

from __future__ import annotations

import http.client
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from serverless_sessions.cli import main; main()", "serve"]
COOKIE = "__Host-session"
PATIENCE = 30.0


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: str

    @property
    def session_id(self) -> str | None:
        """The id in the one Set-Cookie; empty when it clears the cookie, None without one."""
        lines = self.headers.get_all("set-cookie", [])
        assert len(lines) <= 1
        found = re.match(rf"{COOKIE}=([^;]*)", lines[0]) if lines else None
        return found[1] if found else None


class Server:
    """The running command, its log, and a client for it."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.log = log
        self.port = int(self.logged(r"is served on http://127\.0\.0\.1:(\d+) ")[1])

    def logged(self, pattern: str, start: int = 0) -> re.Match[str]:
        """The first match in the log from ``start`` on, waited for."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if found := re.search(pattern, self.log.read_text()[start:], re.MULTILINE):
                return found
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.02)
        raise AssertionError(f"{pattern!r} is not in the log:\n{self.log.read_text()}")

    def get(self, path: str, session_id: str | None = None, **headers: str) -> Answer:
        return self._send("GET", path, session_id, headers, None)

    def post(self, path: str, session_id: str | None = None, **form: str) -> Answer:
        return self._send("POST", path, session_id, {}, form)

    def post_from(self, site: str, path: str, session_id: str, **form: str) -> Answer:
        return self._send("POST", path, session_id, {"Sec-Fetch-Site": site}, form)

    def raw(self, cookie_line: bytes) -> bytes:
        """The whole answer to ``GET /facts`` with one header line, byte for byte."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as connection:
            connection.sendall(b"GET /facts HTTP/1.1\r\nHost: x\r\n" + cookie_line + b"\r\n\r\n")
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def _send(
        self,
        method: str,
        path: str,
        session_id: str | None,
        headers: dict[str, str],
        form: dict[str, str] | None,
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        if session_id is not None:
            headers = {**headers, "Cookie": f"{COOKIE}={session_id}"}
        if form is not None:
            headers = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
        try:
            connection.request(method, path, urlencode(form or {}), headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read().decode())
        finally:
            connection.close()


def start(folder: Path, *options: str) -> Server:
    log = folder / "log"
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("SESSION_")},
        "SESSION_STORE": f"sqlite:///{folder / 'sessions.db'}",
        "PYTHONPATH": str(ROOT / "examples"),
        "PYTHONUNBUFFERED": "1",
    }
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*COMMAND, "cart.aws_lambda:handler", "--port", "0", *options],
            cwd=folder,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        return Server(process, log)
    except BaseException:
        stop(process)
        raise


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(PATIENCE)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start(tmp_path_factory.mktemp("demo"))
    yield running
    stop(running.process)


def visitor(server: Server) -> str:
    """The id of a new session with a mug in its cart."""
    session_id = server.post("/cart/add", sku="mug").session_id
    assert session_id
    return session_id


def cart_count(server: Server, session_id: str) -> int:
    found = re.search(r"Cart <b>(\d+)</b>", server.get("/", session_id).body)
    assert found
    return int(found[1])


def is_open(server: Server, session_id: str) -> bool:
    return "<dt>Handle</dt><dd>none yet</dd>" not in server.get("/facts", session_id).body


def test_a_request_that_leaves_the_session_alone_costs_nothing(server: Server) -> None:
    session_id = visitor(server)
    for path in ("/about", "/style.css"):
        answer = server.get(path, session_id)
        assert answer.status == 200
        assert answer.session_id is None
        assert "Vary" not in answer.headers
        server.logged(rf"^GET {path}  200  [\d.]+ ms  0 store calls$")
    server.logged(r"^POST /cart/add  303  [\d.]+ ms  2 store calls in [\d.]+ ms  created$")


def test_a_new_visitor_gets_a_cookie_with_the_first_change(server: Server) -> None:
    first = server.get("/")
    assert first.session_id is None
    added = server.post("/cart/add", sku="mug")
    assert (added.status, added.headers["location"]) == (303, "/")
    assert re.fullmatch(
        rf"{COOKIE}=[A-Za-z0-9_-]{{43}}; Path=/; Secure; HttpOnly; SameSite=Lax",
        added.headers["set-cookie"],
    )
    assert added.headers["cache-control"] == "no-store"


def test_shopping_logging_in_and_logging_out(server: Server) -> None:
    anonymous = visitor(server)
    server.post("/cart/change", anonymous, sku="mug", step="1")
    assert cart_count(server, anonymous) == 2

    user = server.post("/login", anonymous, name="Ada").session_id
    assert user
    assert user != anonymous
    assert cart_count(server, user) == 2
    assert not is_open(server, anonymous)

    out = server.post("/logout", user)
    assert out.session_id == ""
    assert out.headers["location"] == "/goodbye"
    assert not is_open(server, user)


def test_parallel_requests_that_set_different_keys_keep_both(server: Server) -> None:
    session_id = visitor(server)
    began = time.monotonic()
    slow = [
        threading.Thread(target=server.post, args=("/slow", session_id), kwargs=form)
        for form in ({"key": "left", "seconds": "1"}, {"key": "right", "seconds": "1.2"})
    ]
    for thread in slow:
        thread.start()
    for thread in slow:
        thread.join(PATIENCE)
    assert time.monotonic() - began < 2.2, "they did not run at the same time"
    body = server.get("/facts", session_id).body
    assert "<dt>left</dt><dd>set after 1 s</dd>" in body
    assert "<dt>right</dt><dd>set after 1.2 s</dd>" in body


def test_a_logout_that_overtakes_a_slow_request_stays_a_logout(server: Server) -> None:
    session_id = visitor(server)
    answers: list[Answer] = []

    def dawdle() -> None:
        answers.append(server.post("/slow", session_id, key="left", seconds="1.5"))

    slow = threading.Thread(target=dawdle)
    slow.start()
    time.sleep(0.5)
    assert server.post("/logout", session_id).session_id == ""
    assert not answers, "the log-out did not overtake"
    slow.join(PATIENCE)
    assert [answer.session_id for answer in answers] == [None]
    assert not is_open(server, session_id)
    server.logged(r"^POST /slow  303 .*\blost$")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (b"A" * 43, r"1 store call in [\d.]+ ms  missed"),
        (b"x" * 10_000, "0 store calls  refused_id"),
        (b"\x01\x1b[31m\x7f" + b"B" * 40, "0 store calls  refused_id"),
        (b"..%2f" + b"C" * 38, "0 store calls  refused_id"),
        (b"\xff\xfe" + b"D" * 41, "0 store calls  refused_id"),
    ],
    ids=["made up", "10 kB", "control characters", "percent-encoded", "not UTF-8"],
)
def test_an_id_that_we_did_not_issue_is_no_session(server: Server, value: bytes, told: str) -> None:
    before = len(server.log.read_text())
    answer = server.raw(f"Cookie: {COOKIE}=".encode() + value)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"set-cookie" not in head.lower()
    assert b"<dt>Handle</dt><dd>none yet</dd>" in body
    server.logged(rf"^GET /facts  200  [\d.]+ ms  {told}$", before)
    assert value[-40:] not in answer
    assert value[-40:] not in server.log.read_bytes()


@pytest.mark.parametrize(
    ("line", "opens"),
    [
        (b"Cookie: %s=%s", True),
        (b"Cookie: a=b; \t%s=%s\t;c=d", True),
        (b"Cookie: \xe2\x80\x80%s=%s", False),
        (b"Cookie: a=b; \xc2\xa0%s=%s", False),
        (b"Cookie: a=b; \xe2\x80\x80%s=%s", False),
        (b'Cookie: %s="%s"', False),
        (b"Cookie: x%s=%s", False),
        (b"X-Session: %s=%s", False),
    ],
)
def test_no_other_spelling_passes_for_the_cookie(server: Server, line: bytes, opens: bool) -> None:
    session_id = visitor(server)
    answer = server.raw(line % (COOKIE.encode(), session_id.encode()))
    assert (b"<dt>Handle</dt><dd>none yet</dd>" not in answer) == opens
    assert session_id.encode() not in answer


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_of_another_site_changes_nothing(server: Server, site: str) -> None:
    session_id = visitor(server)
    assert server.post_from(site, "/cart/add", session_id, sku="mug").status == 403
    assert server.post_from(site, "/logout", session_id).status == 403
    assert cart_count(server, session_id) == 1
    assert server.post_from("same-origin", "/cart/add", session_id, sku="mug").status == 303
    assert cart_count(server, session_id) == 2


def test_nothing_secret_is_in_the_log(server: Server) -> None:
    session_id = visitor(server)
    secret = secrets.token_hex(8)
    server.get(f"/about?token={secret}", session_id)
    server.post("/login", session_id, name=secret)
    server.get("/nope/last")
    server.logged(r"^GET /nope/last  404")
    log = server.log.read_text()
    assert secret not in log
    assert session_id not in log


@pytest.mark.parametrize("front_door", ["function-url", "rest", "alb", "alb-multi"])
def test_the_cart_is_served_as_behind_every_front_door(tmp_path: Path, front_door: str) -> None:
    server = start(tmp_path, "--event", front_door)
    try:
        session_id = visitor(server)
        assert cart_count(server, session_id) == 1
        assert server.post("/logout", session_id).session_id == ""
        assert not is_open(server, session_id)
    finally:
        stop(server.process)


def test_insecure_cookies_are_for_browsers_that_refuse_the_others(tmp_path: Path) -> None:
    server = start(tmp_path, "--insecure-cookies")
    try:
        line = server.post("/cart/add", sku="mug").headers["set-cookie"]
        assert re.fullmatch(r"session=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax", line)
    finally:
        stop(server.process)


def test_ctrl_c_ends_it_cleanly(tmp_path: Path) -> None:
    # A parent that ignores the signal, as a shell's background job does, would hand that on.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        server = start(tmp_path)
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        assert server.get("/about").status == 200
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(PATIENCE) == 0
        assert server.log.read_text().splitlines()[-1] == "Ended."
    finally:
        stop(server.process)
