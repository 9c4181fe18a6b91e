"""The costs on docs/stores.md are what the stores cost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from servers.fault_proxy import fault_proxy
from support.costs import costs
from support.places import KINDS

PAGE = Path(__file__).parents[2] / "docs" / "stores.md"
TITLES = {
    "dynamodb": "DynamoDB",
    "firestore": "Firestore",
    "azure-tables": "Azure Tables",
    "upstash": "Upstash",
    "redis": "Redis",
}


def claimed(title: str) -> dict[str, tuple[int, float]]:
    """Requests and bytes sent, by the row of the table."""
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    start = next(n for n, line in enumerate(lines) if line.startswith("| a request that does"))
    head, *rows = (
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines[start : start + 10]
    )
    column = head.index(title)
    found = {}
    for row in rows:
        cell = re.match(r"(\d+) · ([\d.]+) (B|kB) /", row[column])
        assert cell
        found[row[0]] = int(cell[1]), float(cell[2]) * (1000 if cell[3] == "kB" else 1)
    return found


@pytest.mark.parametrize("name", KINDS)
def test_the_table_of_costs(name: str, request: pytest.FixtureRequest) -> None:
    kind = KINDS[name]
    server = request.getfixturevalue(kind.server)
    with (
        fault_proxy(server.port, kind.speak) as proxy,
        kind.place(server, proxy.port).opened() as store,
    ):
        measured = costs(store, proxy)
    table = claimed(TITLES[name])
    assert {row: cost.requests for row, cost in measured.items()} == {
        row: requests for row, (requests, _) in table.items()
    }
    for row, (_, sent) in table.items():
        assert measured[row].sent == pytest.approx(sent, rel=0.15, abs=100), row
