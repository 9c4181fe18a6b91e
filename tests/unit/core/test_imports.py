"""What importing the core costs: the standard library alone, and little of that."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

import pytest

import serverless_sessions

PACKAGE = Path(serverless_sessions.__file__).parent
LEAVES = {"cli", "testing"}
EXPENSIVE = ("asyncio", "decimal", "importlib.metadata", "logging", "sqlite3", "uuid")
FRAMEWORKS = {
    f"serverless_sessions.handlers.{name}" for name in ("_django_store", "django", "flask")
}
"""What these are for is imported with them."""
YARDSTICK = "import json, hashlib, secrets, datetime, http.cookies, dataclasses"


def modules() -> list[str]:
    parts = [file.relative_to(PACKAGE).with_suffix("").parts for file in PACKAGE.rglob("*.py")]
    dotted = [".".join((PACKAGE.name, *path)) for path in parts if path[0] not in LEAVES]
    return sorted(name.removesuffix(".__init__") for name in dotted)


def bare(program: str) -> str:
    """What the program prints in an interpreter that finds the standard library and the core."""
    found = f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r})\n{program}"
    command = [sys.executable, "-I", "-S", "-c", found]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def loaded_by(statement: str) -> set[str]:
    return set(bare(f"{statement}\nprint(*sys.modules)").split())


def test_the_walk_sees_the_core() -> None:
    assert {"serverless_sessions", "serverless_sessions.handlers.aws_lambda"} <= set(modules())
    assert "dataclasses" in loaded_by("import serverless_sessions")


@pytest.mark.parametrize("module", sorted(set(modules()) - FRAMEWORKS))
def test_a_core_module_imports_alone_and_needs_only_the_standard_library(module: str) -> None:
    loaded = loaded_by(f"import {module}")
    assert module in loaded
    roots = {name.partition(".")[0] for name in loaded}
    assert roots - sys.stdlib_module_names - {"__main__"} == {PACKAGE.name}
    assert loaded.isdisjoint(EXPENSIVE)


def cpu_seconds(statement: str) -> float:
    clock = "import time; began = time.process_time()"
    return float(bare(f"{clock}\n{statement}\nprint(time.process_time() - began)"))


def test_a_cold_start_costs_less_than_twice_what_any_session_library_must_import() -> None:
    handler = "import serverless_sessions.handlers.aws_lambda"
    pairs = [(cpu_seconds(handler), cpu_seconds(YARDSTICK)) for _ in range(15)]
    ours, least = (statistics.median(column) for column in zip(*pairs, strict=True))
    assert ours < 2 * least, f"{ours / least:.2f} times {YARDSTICK!r}"
