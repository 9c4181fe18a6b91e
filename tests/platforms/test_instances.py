"""Instances of one function that came out of one process: no client shared, no id repeated."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from platforms import instances
from servers.lambda_rie import LambdaRuntime
from servers.process import TESTS
from support.places import KINDS, Place

STORES = ["sqlite", "redis", "dynamodb"]


@pytest.fixture(params=STORES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return Place(f"sqlite:///{tmp_path}/sessions.db", {})
    kind = KINDS[request.param]
    server = request.getfixturevalue(kind.server)
    place = kind.place(server, server.port)
    with place.opened():
        return place


def run(place: Place, how: str, kind: str, **environment: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", instances.__file__, how, kind],
        env={**os.environ, **place.variables, **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def assert_apart(told: list[dict[str, Any]], instances_there: int) -> None:
    [*served, last] = told
    assert len(served) == instances_there
    ids = [one for instance in served for one in instance["ids"]]
    assert len(set(ids)) == len(ids) == instances_there * instances.TIMES
    assert {status for instance in served for status in instance["statuses"]} == {200}
    assert last == {"counted": str(1 + instances_there * instances.TIMES + 1)}


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_forked_processes_share_neither_client_nor_id(place: Place, kind: str) -> None:
    told = run(place, "fork", kind, PYTHONPATH=str(TESTS))
    assert_apart(told, 3)
    assert [instance["shares"] for instance in told[:-1]].count(True) == 1  # whoever opened it


def test_snapstart_instances_share_neither_connection_nor_id_nor_chance(
    place: Place, lambda_runtime: LambdaRuntime
) -> None:
    """Through the hooks of AWS's package, run by AWS's runtime client."""
    told = run(
        place,
        "snapshot",
        "def",
        PYTHONPATH=f"{TESTS}:{lambda_runtime.client}",
        AWS_LAMBDA_FUNCTION_NAME="shop",
        AWS_LAMBDA_INITIALIZATION_TYPE="snap-start",
    )
    assert_apart(told, 2)
    one, other, _ = told
    assert one["random"] != other["random"]
    assert not one["shares"]
    assert not other["shares"]
