"""The table of costs in docs/stores.md: `python tests/benchmarks/bench_stores.py`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from servers.azurite import azurite
from servers.fault_proxy import fault_proxy
from servers.firestore_emulator import firestore_emulator
from servers.moto_server import moto_server
from servers.redis_server import redis_server
from servers.upstash_bridge import upstash_bridge
from support.costs import Cost, costs
from support.places import KINDS


@contextmanager
def upstash() -> Iterator[Any]:
    with redis_server() as redis, upstash_bridge(redis) as bridge:
        yield bridge


SERVERS: dict[str, Any] = {
    "moto_server": moto_server,
    "firestore_emulator": firestore_emulator,
    "azurite": azurite,
    "upstash": upstash,
    "redis_server": redis_server,
}


def measured(name: str) -> dict[str, Cost]:
    kind = KINDS[name]
    with (
        SERVERS[kind.server]() as server,
        fault_proxy(server.port, kind.speak) as proxy,
        kind.place(server, proxy.port).opened() as store,
    ):
        return costs(store, proxy)


def main() -> None:
    columns = {name: measured(name) for name in KINDS}
    print(f"| a request that does | {' | '.join(columns)} |")
    print(f"|---|{'---|' * len(columns)}")
    for row in next(iter(columns.values())):
        print(f"| {row} | {' | '.join(str(column[row]) for column in columns.values())} |")


if __name__ == "__main__":
    main()
