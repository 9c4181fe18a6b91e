"""Servers as child processes: waited for, reported when they fail, and always stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from servers.process import (
    HOST,
    TESTS,
    ServerMissing,
    accepts,
    installed,
    program,
    reserved_port,
    running,
)
from servers.redis_server import redis_server
from support.waiting import wait_until

LISTENS = """
import socket, sys, time
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listening", flush=True)
time.sleep(600)
"""


def python(text: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", text, *arguments]


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_a_server_runs_inside_the_block_and_is_stopped_whatever_happens() -> None:
    pids = []

    def failing_test(port: int) -> None:
        with running(python(LISTENS, str(port)), accepts(port)) as pid:
            pids.append(pid)
            assert accepts(port)()
            raise KeyboardInterrupt

    with reserved_port() as port:
        with pytest.raises(KeyboardInterrupt):
            failing_test(port)
        assert not accepts(port)()
    assert not any(map(is_alive, pids))


def test_a_server_that_ignores_the_request_to_stop_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("servers.process.STOP_SECONDS", 0.1)
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + LISTENS
    with reserved_port() as port, running(python(deaf, str(port)), accepts(port)) as pid:
        pass
    assert not is_alive(pid)


def test_a_server_that_exits_at_its_start_is_reported_with_its_words() -> None:
    with (
        pytest.raises(RuntimeError, match="exited at its start:\nno such option"),
        running(python("import sys; sys.exit('no such option')"), lambda: False),
    ):
        pass


def test_a_server_that_is_never_ready_is_reported_and_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("servers.process.START_SECONDS", 0.5)
    others = children()
    started: set[int] = set()

    def never() -> bool:
        started.update(children() - others)
        return False

    with (
        pytest.raises(RuntimeError, match="not ready in"),
        running(python("import time; time.sleep(600)"), never),
    ):
        pass
    assert started
    assert not children() & started


def children() -> set[int]:
    own = f"/proc/{os.getpid()}/task/{os.getpid()}/children"
    return {int(pid) for pid in Path(own).read_text().split()}


def test_a_reserved_port_is_for_the_server_alone() -> None:
    with reserved_port() as port:
        with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
            stranger.bind((HOST, port))
        with socket.create_server((HOST, port)):
            assert accepts(port)()
        assert not accepts(port)()


def test_a_killed_server_leaves_its_port_refusing() -> None:
    with redis_server() as server:
        os.kill(server.pid, signal.SIGKILL)
        os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
        assert not accepts(server.port)()


def test_a_server_dies_with_a_test_run_that_is_killed() -> None:
    run = """
        import os, signal
        from servers.redis_server import redis_server
        with redis_server() as server:
            print(server.port, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    killed = subprocess.run(
        python(textwrap.dedent(run)), cwd=TESTS, capture_output=True, text=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    listens = accepts(int(killed.stdout))
    wait_until(lambda: not listens())


def test_what_is_not_installed_is_named() -> None:
    with pytest.raises(ServerMissing, match="no no-such-server on PATH"):
        program("no-such-server")
    with pytest.raises(ServerMissing, match="`make servers`"):
        installed("npm/node_modules/no-such-server")
