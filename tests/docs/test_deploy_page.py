"""The costs on docs/deploy.md are what the cart asks of DynamoDB, and what follows from that."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cart.aws_lambda import handler
from serverless_sessions_adapters._dynamodb_items import bytes_of
from serverless_sessions_adapters.dynamodb import DynamoDBStore
from support.dynamodb import Call, in_process, items, watched
from support.visitor import Visitor

PAGE = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text("utf-8")

STEPS: dict[str, Callable[[Visitor], object]] = {
    "about, style sheet, icon": lambda visitor: visitor.get("/about"),
    "the first thing into the cart": lambda visitor: visitor.post("/cart/add", sku="mug"),
    "a page that shows a message": lambda visitor: visitor.get("/"),
    "a page": lambda visitor: visitor.get("/"),
    "one more of it": lambda visitor: visitor.post("/cart/change", sku="mug", step="1"),
    "log in": lambda visitor: visitor.post("/login", name="Ada"),
    "log out": lambda visitor: visitor.post("/logout"),
}


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
    rows = re.findall(r"^\| (.+?) \| .+? \| (\d) \| (\d) \|$", PAGE, re.MULTILINE)
    claimed = {name: (int(reads), int(writes)) for name, reads, writes in rows}
    with watched(store) as wire:
        measured = {}
        for name, step in STEPS.items():
            wire.calls.clear()
            step(visitor)
            measured[name] = units(wire.calls)
            assert all(bytes_of(item) < 1024 for item in items(store))
    assert measured == claimed


def test_the_bill_is_what_its_program_prints(tmp_path: Path) -> None:
    found = re.search(r"```python cost\.py\n(.*?)```\n\n```\n(.*?)```", PAGE, re.DOTALL)
    assert found
    program = tmp_path / "cost.py"
    program.write_text(found[1], "utf-8")
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == found[2]
