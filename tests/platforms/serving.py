"""The ``serve`` command as a running process, with a plain HTTP client for it."""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

EXAMPLES = Path(__file__).parents[2] / "examples"
CART = "cart.aws_lambda:handler"
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
        self.port = int(self.logged(r"is served on http://localhost:(\d+) ")[1])

    def logged(self, pattern: str, start: int = 0) -> re.Match[str]:
        """The first match in the log from ``start`` on, waited for."""
        return logged(self.process, self.log, pattern, start)

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


@contextmanager
def serving(
    folder: Path, *options: str, target: str = CART, **environment: str
) -> Iterator[Server]:
    """The command, run in ``folder`` until the block ends, with a store of its own where the
    environment says nothing else."""
    process = start(folder, target, "--port", "0", *options, **environment)
    try:
        yield Server(process, log_of(folder))
    finally:
        stop(process)


def start(folder: Path, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("SESSION_")},
        "SESSION_STORE": f"sqlite:///{folder / 'sessions.db'}",
        "PYTHONPATH": str(EXAMPLES),
        "PYTHONUNBUFFERED": "1",
        **environment,
    }
    with log_of(folder).open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "serverless_sessions.cli", "serve", *arguments],
            cwd=folder,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
        )


def logged(
    process: subprocess.Popen[bytes], log: Path, pattern: str, start: int = 0
) -> re.Match[str]:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := re.search(pattern, log.read_text()[start:], re.MULTILINE):
            return found
        assert process.poll() is None, log.read_text()
        time.sleep(0.02)
    raise AssertionError(f"{pattern!r} is not in the log:\n{log.read_text()}")


def log_of(folder: Path) -> Path:
    return folder / "log"


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(PATIENCE)
