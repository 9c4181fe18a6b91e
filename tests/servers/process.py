"""A server as a child process: on a port of its own, waited for, and always stopped."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

HOST = "127.0.0.1"
TESTS = Path(__file__).parents[1]
INSTALLED = TESTS.parent / ".make"
START_SECONDS = 60.0
STOP_SECONDS = 10.0


class ServerMissing(Exception):
    """The server is not installed here; the message says what is missing."""


@contextmanager
def reserved_port() -> Iterator[int]:
    """A loopback port that is given to nobody else while the block lasts.

    Bound but never listening, the socket leaves the port to whoever asks for this very one with
    SO_REUSEADDR, as servers do; a port that was free and let go again could be taken meanwhile.
    """
    with socket.socket() as reservation:
        reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reservation.bind((HOST, 0))
        yield reservation.getsockname()[1]


@contextmanager
def running(
    command: Sequence[str], ready: Callable[[], bool], variables: Mapping[str, str] | None = None
) -> Iterator[int]:
    """The command as a process, from when ``ready`` says so; gives its pid.

    With ``variables`` these are its environment, and the rest of ours but what sets up sessions.
    It ends with the block, and at the latest with the thread that started it.
    Raises RuntimeError with the end of its output when it exits early or is never ready.
    """
    with tempfile.TemporaryFile() as log, ExitStack() as stack:
        process = subprocess.Popen(
            [*_dying_with_us(), *command],
            cwd=TESTS,
            env=None if variables is None else {**_neutral_environment(), **variables},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        stack.callback(_stop, process)
        _wait(process, ready, log)
        yield process.pid


def accepts(port: int) -> Callable[[], bool]:
    """Whether somebody listens on the port."""

    def probe() -> bool:
        with socket.socket() as connection:
            return connection.connect_ex((HOST, port)) == 0

    return probe


def answers_post(port: int, path: str, body: object, **headers: str) -> Callable[[], bool]:
    """Whether a request is answered with 200; the first one may take a server seconds."""

    def probe() -> bool:
        connection = http.client.HTTPConnection(HOST, port, timeout=START_SECONDS)
        try:
            connection.request("POST", path, json.dumps(body), headers)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return probe


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise ServerMissing(f"there is no {name} on PATH")
    return found


def installed(path: str) -> Path:
    """A file that ``make servers`` puts in place."""
    found = INSTALLED / path
    if not found.exists():
        raise ServerMissing(f"{found.name} is not installed; `make servers` does it")
    return found


def _neutral_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("SESSION_")}


def _dying_with_us() -> list[str]:
    """A test run that is killed stops nothing any more; Linux does, where it is asked to."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []


def _wait(process: subprocess.Popen[bytes], ready: Callable[[], bool], log: IO[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if ready() and process.poll() is None:
            return
        if process.poll() is not None:
            raise RuntimeError(f"the server exited at its start:\n{_end_of(log)}")
        time.sleep(0.02)
    raise RuntimeError(f"the server was not ready in {START_SECONDS:.0f} s:\n{_end_of(log)}")


def _end_of(log: IO[bytes]) -> str:
    log.seek(0)
    return log.read().decode(errors="replace")[-4000:]


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
