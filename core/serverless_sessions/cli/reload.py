"""``--reload``: the server as a process of its own, and a new one after each change."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import click
from watchfiles import Change, DefaultFilter, PythonFilter, watch

_SOCKET = "SERVERLESS_SESSIONS_SOCKET"
_POLL = 100
"""Milliseconds between two looks at whether the server is still there."""


def inherited_listener() -> socket.socket | None:
    """The socket that the watching process listens on, in the server that it started."""
    descriptor = os.environ.pop(_SOCKET, None)
    if descriptor is None:
        return None
    listener = socket.socket(fileno=int(descriptor))
    listener.set_inheritable(False)
    return listener


def serve_and_reload(listener: socket.socket, folder: Path, say: Callable[[str], None]) -> None:
    """Run this command's server until a signal ends it; between two, callers wait in line."""
    # The server would outlive a watcher that SIGTERM ends at once.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server: subprocess.Popen[bytes] | None = None
    waits = False
    try:
        # The first turn comes when the watch stands, so that no change is missed.
        for changes in _changes(folder):
            if changes or server is None:
                if server is not None:
                    say(f"{_named(changes, folder)} changed")
                    _end(server)
                server = _start(listener)
                waits = False
            elif not waits and server.poll() is not None:
                say(f"Waits for a change of a .py file in {folder}")
                waits = True
    except KeyboardInterrupt:
        pass
    finally:
        if server is not None:
            _end(server)


class _PythonFiles(PythonFilter):
    """Also new folders that hold some, which come with no notice of what is in them already."""

    def __call__(self, change: Change, path: str) -> bool:
        if change is Change.added and Path(path).is_dir():
            return DefaultFilter.__call__(self, change, path) and any(Path(path).rglob("*.py"))
        return super().__call__(change, path)


def _changes(folder: Path) -> Iterable[set[str]]:
    """The files that changed; an empty set when none did for a moment."""
    turns = watch(
        folder,
        watch_filter=_PythonFiles(),
        rust_timeout=_POLL,
        yield_on_timeout=True,
        ignore_permission_denied=True,
    )
    try:
        for changes in turns:
            yield {path for _, path in changes}
    except OSError as error:
        raise click.ClickException(f"cannot watch {folder}: {error}") from None


def _named(paths: set[str], folder: Path) -> str:
    return ", ".join(sorted(os.path.relpath(path, folder) for path in paths))


def _start(listener: socket.socket) -> subprocess.Popen[bytes]:
    listener.set_inheritable(True)
    # Without -P a module of the project could take the place of one that the server needs.
    return subprocess.Popen(  # noqa: S603  (the command that is running)
        [sys.executable, "-P", "-m", "serverless_sessions.cli", *sys.argv[1:]],
        env={**os.environ, _SOCKET: str(listener.fileno())},
        close_fds=False,
    )


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(timeout=5)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
