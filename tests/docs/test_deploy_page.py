"""The costs on docs/deploy.md are what the cart asks of the stores, and what follows from that."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cart.aws_lambda import handler
from serverless_sessions_adapters._dynamodb_items import bytes_of
from serverless_sessions_adapters.dynamodb import DynamoDBStore
from servers.fault_proxy import FaultProxy, fault_proxy
from support.dynamodb import Call, in_process, items, watched
from support.places import KINDS
from support.visitor import Visitor

PAGE = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text("utf-8")
AWS, _, ELSEWHERE = PAGE.partition("## Google Cloud")

STEPS: dict[str, Callable[[Visitor], object]] = {
    "about, style sheet, icon": lambda visitor: visitor.get("/about"),
    "the first thing into the cart": lambda visitor: visitor.post("/cart/add", sku="mug"),
    "a page that shows a message": lambda visitor: visitor.get("/"),
    "a page": lambda visitor: visitor.get("/"),
    "one more of it": lambda visitor: visitor.post("/cart/change", sku="mug", step="1"),
    "log in": lambda visitor: visitor.post("/login", name="Ada"),
    "log out": lambda visitor: visitor.post("/logout"),
}

Billed = Callable[[], tuple[int, ...]]
COLUMNS = {"firestore": slice(0, 3), "azure-tables": slice(3, 4), "upstash": slice(4, 5)}


@pytest.fixture
def store() -> Iterator[DynamoDBStore]:
    with in_process() as store, handler.sessions.use(store):
        yield store


def units(calls: list[Call]) -> tuple[int, int]:
    """Read and write units of items below 1 kB (Amazon DynamoDB, "Read/write capacity mode")."""
    reads = sum(call.operation == "GetItem" for call in calls)
    parts = [len(call.arguments.get("TransactItems", [])) for call in calls]
    return reads, sum(2 * part or 1 for part in parts) - reads


def test_the_units_of_each_request(store: DynamoDBStore) -> None:
    visitor = Visitor(handler, "http-api")
    rows = re.findall(r"^\| (.+?) \| .+? \| (\d) \| (\d) \|$", AWS, re.MULTILINE)
    claimed = {name: (int(reads), int(writes)) for name, reads, writes in rows}
    with watched(store) as wire:
        measured = {}
        for name, step in STEPS.items():
            wire.calls.clear()
            step(visitor)
            measured[name] = units(wire.calls)
            assert all(bytes_of(item) < 1024 for item in items(store))
    assert measured == claimed


def documents(store: Any, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> Billed:
    """Read, written and deleted: Firestore bills documents, however they are sent."""
    seen: Counter[str] = Counter()
    get, commit = store.client.get, store.client.commit

    def counted_get(*what: Any) -> Any:
        seen["read"] += 1
        return get(*what)

    def counted_commit(writes: Iterable[Any]) -> Any:
        sent = list(writes)
        seen.update(write.verb for write in sent)
        return commit(sent)

    monkeypatch.setattr(store.client, "get", counted_get)
    monkeypatch.setattr(store.client, "commit", counted_commit)
    return lambda: (seen["read"], seen["create"] + seen["update"], seen["delete"])


def requests(store: Any, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> Billed:
    return lambda: (proxy.traffic.requests,)


@pytest.mark.parametrize("name", COLUMNS)
def test_what_each_request_asks_for(
    name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = KINDS[name]
    server = request.getfixturevalue(kind.server)
    counting = documents if name == "firestore" else requests
    warm, visitor = Visitor(handler, "http-api"), Visitor(handler, "http-api")
    measured = {}
    with (
        fault_proxy(server.port, kind.speak) as proxy,
        kind.place(server, proxy.port).opened() as store,
        handler.sessions.use(store),
    ):
        billed = counting(store, proxy, monkeypatch)
        for act in STEPS.values():  # what a server is told once, such as a script
            act(warm)
        for step, act in STEPS.items():
            before = billed()
            act(visitor)
            measured[step] = tuple(now - then for now, then in zip(billed(), before, strict=True))
    assert measured == {step: cells[COLUMNS[name]] for step, cells in claimed().items()}


def claimed() -> dict[str, tuple[int, ...]]:
    rows = re.findall(r"^\| (.+?) \| ([\d |]+) \|$", ELSEWHERE, re.MULTILINE)
    return {name: tuple(map(int, cells.split(" | "))) for name, cells in rows}


@pytest.mark.parametrize("name", ["cost.py", "elsewhere.py"])
def test_the_bill_is_what_its_program_prints(name: str, tmp_path: Path) -> None:
    found = re.search(rf"```python {name}\n(.*?)```\n\n```\n(.*?)```", PAGE, re.DOTALL)
    assert found
    program = tmp_path / name
    program.write_text(found[1], "utf-8")
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == found[2]
