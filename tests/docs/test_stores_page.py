"""The costs on docs/stores.md, and those on the pages of texts, are what the stores cost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from servers.fault_proxy import fault_proxy
from support.costs import ONE_KEY, costs
from support.places import EDGE_KINDS, KINDS, TEXT_KINDS, Kind

DOCS = Path(__file__).parents[2] / "docs"
TITLES = {
    "dynamodb": "DynamoDB",
    "firestore": "Firestore",
    "azure-tables": "Azure Tables",
    "upstash": "Upstash",
    "redis": "Redis",
    "netlify-blobs": "Netlify Blobs",
    "deno-kv": "Deno KV",
    "cloudflare-kv": "Cloudflare KV",
}


def claimed(page: str, title: str) -> dict[str, tuple[int, float]]:
    """Requests and bytes sent, by the row of the table; a dash stands for what is refused."""
    text = (DOCS / page).read_text("utf-8")
    table = text[text.index("| a request that does") :].partition("\n\n")[0]
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    head, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    column = head.index(title)
    found = {}
    for row in rows:
        if row[column] == "\N{EN DASH}":
            continue
        cell = re.match(r"(\d+) · ([\d.]+) (B|kB) /", row[column])
        assert cell
        found[row[0]] = int(cell[1]), float(cell[2]) * (1000 if cell[3] == "kB" else 1)
    return found


@pytest.mark.parametrize("name", KINDS)
def test_the_table_of_costs(name: str, request: pytest.FixtureRequest) -> None:
    check(KINDS[name], claimed("stores.md", TITLES[name]), request)


@pytest.mark.parametrize("name", TEXT_KINDS)
def test_the_table_of_costs_where_astro_shares(name: str, request: pytest.FixtureRequest) -> None:
    check(TEXT_KINDS[name], claimed("astro.md", TITLES[name]), request)


@pytest.mark.parametrize("name", EDGE_KINDS)
def test_the_table_of_costs_at_the_edge(name: str, request: pytest.FixtureRequest) -> None:
    check(EDGE_KINDS[name], claimed("edge-stores.md", TITLES[name]), request)


def check(kind: Kind, table: dict[str, tuple[int, float]], request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue(kind.server)
    with (
        fault_proxy(server.port, kind.speak) as proxy,
        kind.place(server, proxy.port).opened() as store,
    ):
        measured = costs(store, proxy, large=ONE_KEY in table)
    assert {row: cost.requests for row, cost in measured.items()} == {
        row: requests for row, (requests, _) in table.items()
    }
    for row, (_, sent) in table.items():
        assert measured[row].sent == pytest.approx(sent, rel=0.15, abs=100), row
