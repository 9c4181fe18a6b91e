"""What a session costs a request: microseconds for a whole decorated Lambda invocation.

Run by `make bench`. Figures are for comparing two commits on one machine, so nothing asserts them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from serverless_sessions import (
    MemoryStore,
    Session,
    SessionConfig,
    SessionManager,
    SessionStore,
    keyring,
)
from serverless_sessions.arrival import Request
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.testing.lambda_events import HttpRequest, to_event
from serverless_sessions_adapters.sqlite import SqliteStore

ROUNDS, REQUESTS = 5, 400
KEYS = {f"key{n}": "x" * 100 for n in range(10)}


def nothing(_: Session) -> None:
    """The handler leaves its session alone."""


def read(session: Session) -> None:
    session.get("key0")


def blind_set(session: Session) -> None:
    session.set("key0", "y")


def read_and_change(session: Session) -> None:
    session.set("key0", session.get("key1"))


def modify(session: Session) -> None:
    session.modify("count", lambda n: n + 1, 0)


REQUEST_KINDS: list[Callable[[Session], None]] = [nothing, read, blind_set, read_and_change, modify]


def cookie_of_a_live_session(store: SessionStore, config: SessionConfig) -> str:
    invocation = SessionManager(store, config).begin(Request.with_cookies())
    invocation.session.update(KEYS)
    invocation.finish(failed=False)
    return str(invocation.outcome().set_cookie).partition(";")[0]


def microseconds(
    store: SessionStore, config: SessionConfig, act: Callable[[Session], None]
) -> float:
    @with_session(store=store, config=config)
    def handler(event: dict[str, Any], context: object, session: Session) -> dict[str, Any]:
        act(session)
        return {"statusCode": 200, "body": ""}

    cookie = cookie_of_a_live_session(store, config)
    event = to_event("http-api", HttpRequest("GET", "/", headers=[("Cookie", cookie)]))

    def one_round() -> float:
        began = time.perf_counter()
        for _ in range(REQUESTS):
            handler(event, None)
        return (time.perf_counter() - began) / REQUESTS * 1e6

    one_round()
    return median(one_round() for _ in range(ROUNDS))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        stores: dict[str, SessionStore] = {
            "memory": MemoryStore(),
            "sqlite": SqliteStore(Path(folder) / "sessions.db"),
        }
        configs = {
            "": SessionConfig(),
            ", encrypted": SessionConfig(encryption_keys=[keyring.draw()]),
        }
        columns = {
            name + how: (store, config)
            for name, store in stores.items()
            for how, config in configs.items()
        }
        table = Table("a request that", *columns, title="µs, 10 keys of 100 bytes")
        for act in REQUEST_KINDS:
            figures = [f"{microseconds(*column, act):.0f}" for column in columns.values()]
            table.add_row(act.__name__.replace("_", " "), *figures)
        Console().print(table)
        for store in stores.values():
            store.close()


if __name__ == "__main__":
    main()
