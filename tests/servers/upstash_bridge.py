"""Upstash: its documented REST protocol in front of a real Redis.

The words of its errors are our reading of the documentation; there are no replicas that lag.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from servers.process import HOST, accepts, reserved_port, running
from servers.redis_server import RedisServer
from servers.resp import Connection
from servers.upstash_rest import READ_ONLY_USER


@dataclass(frozen=True)
class Upstash:
    """``url`` and ``token`` are the values of ``UPSTASH_REDIS_REST_URL`` and ``..._TOKEN``."""

    port: int
    version: str
    pid: int
    token: str = field(repr=False)
    read_only_token: str = field(repr=False)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


@contextmanager
def upstash_bridge(redis: RedisServer) -> Iterator[Upstash]:
    token, read_only_token = secrets.token_urlsafe(), secrets.token_urlsafe()
    _add_reader(redis, read_only_token)
    with reserved_port() as port:
        arguments = (str(port), str(redis.port), token, read_only_token)
        command = [sys.executable, "-m", "servers.upstash_rest", *arguments]
        with running(command, accepts(port)) as pid:
            name = f"Upstash's REST protocol on {redis.version}"
            yield Upstash(port, name, pid, token, read_only_token)


def _add_reader(redis: RedisServer, password: str) -> None:
    """Redis itself refuses what a read-only token must not do."""
    reads = ("~*", "+@read", "+@connection", "+eval_ro", "+evalsha_ro", "-keys", "-scan")
    with Connection(HOST, redis.port) as connection:
        connection.call("ACL", "SETUSER", READ_ONLY_USER, "reset", "on", f">{password}", *reads)
