"""A Redis cluster of three nodes without replicas."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from servers.process import HOST, START_SECONDS, accepts, program, reserved_port, running
from servers.redis_server import KEEPS_NOTHING, version_of
from servers.resp import Connection

SLOTS = 16_384
NODES = 3


@dataclass(frozen=True)
class RedisCluster:
    """Each node knows the others; any port serves as an entry."""

    ports: tuple[int, ...]
    version: str
    pids: tuple[int, ...]

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.ports[0]}/0"


@contextmanager
def redis_cluster() -> Iterator[RedisCluster]:
    binary = program("redis-server")
    with ExitStack() as stack:
        nodes = [stack.enter_context(_node(binary)) for _ in range(NODES)]
        ports = tuple(port for port, _, _ in nodes)
        clients = [stack.enter_context(Connection(HOST, port)) for port in ports]
        for number, client in enumerate(clients):
            first, last = SLOTS * number // NODES, SLOTS * (number + 1) // NODES - 1
            client.call("CLUSTER", "ADDSLOTSRANGE", first, last)
            client.call("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for port, bus, _ in nodes[1:]:
            clients[0].call("CLUSTER", "MEET", HOST, port, bus)
        for client in clients:
            _wait_until_whole(client)
        name = f"{version_of('Redis', binary)}, a cluster of {NODES}"
        yield RedisCluster(ports, name, tuple(pid for _, _, pid in nodes))


@contextmanager
def _node(binary: str) -> Iterator[tuple[int, int, int]]:
    """Its port, the port on which nodes talk to each other, and its pid."""
    with (
        tempfile.TemporaryDirectory() as folder,
        reserved_port() as port,
        reserved_port() as bus,
    ):
        command = [
            *(binary, "--bind", HOST, "--port", str(port), "--dir", folder, *KEEPS_NOTHING),
            *("--cluster-enabled", "yes", "--cluster-port", str(bus)),
        ]
        with running(command, accepts(port)) as pid:
            yield port, bus, pid


def _wait_until_whole(client: Connection) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        info = client.call("CLUSTER", "INFO").decode()
        if "cluster_state:ok" in info and f"cluster_size:{NODES}" in info:
            return
        time.sleep(0.02)
    raise RuntimeError(f"the cluster did not come together in {START_SECONDS:.0f} s:\n{info}")
