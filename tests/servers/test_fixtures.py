"""What a run says of the servers its tests had, and of those it could not have."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from servers.process import TESTS
from servers.redis_server import RedisServer

FILE = """
def test_it_asks(redis_server):
    assert redis_server.port

def test_it_asks_later(request):
    assert request.getfixturevalue("redis_server").pid

def test_it_asks_for_none(record_property):
    record_property("store_server", "Memory 1")
"""


def run(folder: Path, *options: str, path: str, ci: str) -> str:
    (folder / "conftest.py").write_text('pytest_plugins = ["servers.fixtures"]')
    (folder / "test_asking.py").write_text(FILE)
    pytest_run = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rN", *options]
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "PATH": path, "CI": ci}
    done = subprocess.run(
        [*pytest_run, "--rootdir", str(folder), str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.stdout


def test_the_summary_names_the_servers_with_their_versions(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    said = run(tmp_path, "-n", "1", path=os.environ["PATH"], ci="true")
    assert f" 2 tests on {redis_server.version}\n" in said
    assert " 1 tests on Memory 1\n" in said
    assert "3 passed" in said


@pytest.mark.parametrize(
    ("ci", "options", "outcome"),
    [("", (), "1 passed, 2 skipped"), ("true", ("-n", "1"), "1 failed, 1 passed, 1 error")],
    ids=["skips", "fails under CI"],
)
def test_a_missing_server_skips_its_tests_or_fails_them(
    tmp_path: Path, ci: str, options: tuple[str, ...], outcome: str
) -> None:
    said = run(tmp_path, *options, path="", ci=ci)
    reason = "redis_server cannot be had: there is no redis-server on PATH"
    assert f" 2 tests skipped or failed: {reason}\n" in said
    assert outcome in said
