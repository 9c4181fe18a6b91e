"""The pytest plugin: what its fixtures give, and that it is not noticed where none is used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from serverless_sessions import MemoryStore, SessionManager, SessionStore, clock, manager
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.testing import FrozenClock, SessionMaker, replaced_store
from serverless_sessions.testing.lambda_events import LambdaContext

NOWHERE = "nowhere://"


@with_session(store=NOWHERE)
def handler(event: dict[str, Any], context: object, session: Any) -> dict[str, Any]:
    session["n"] = session.get("n", 0) + 1
    return {"statusCode": 200, "body": str(session["n"])}


@with_session(store=MemoryStore())
async def async_handler(event: dict[str, Any], context: object, session: Any) -> dict[str, Any]:
    return {"statusCode": 200, "body": str(await session.get("n"))}


def test_handlers_decorated_before_and_after_keep_their_sessions_in_it(
    make_session: SessionMaker, lambda_event: Callable[..., Any], lambda_context: LambdaContext
) -> None:
    visitor = make_session(data={"n": 1})
    event = lambda_event(cookies=[visitor.cookie])
    late = with_session(store=NOWHERE)(lambda event, context, session: handler(event, context))

    assert handler(event, lambda_context)["body"] == "2"
    assert async_handler(event, lambda_context)["body"] == "2"
    assert late(event, lambda_context)["body"] == "3"
    assert visitor.data() == {"n": 3}


@pytest.mark.parametrize("run", ["first", "second"])
def test_each_test_begins_with_an_empty_store(session_store: SessionStore, run: str) -> None:
    assert isinstance(session_store, MemoryStore)
    assert list(session_store.scan()) == []
    SessionMaker(session_store)()
    assert len(list(session_store.scan())) == 1


def test_what_a_handler_is_told_to_use_wins_while_it_lasts(session_store: SessionStore) -> None:
    own = MemoryStore()
    assert handler.sessions.store is session_store
    with handler.sessions.use(own):
        assert handler.sessions.store is own
        assert async_handler.sessions.store is session_store
    assert handler.sessions.store is session_store


def test_a_store_used_for_good_before_gives_way_and_comes_back() -> None:
    before, meanwhile, inner = MemoryStore(), MemoryStore(), MemoryStore()
    sessions = SessionManager(NOWHERE)
    sessions.use(before)
    with replaced_store(meanwhile):
        assert sessions.store is meanwhile
        with replaced_store(inner):
            assert sessions.store is inner
        assert sessions.store is meanwhile
    assert sessions.store is before


def test_without_a_fixture_nothing_stands_in() -> None:
    assert manager.stand_in is None


@pytest.fixture(params=["", NOWHERE])
def configured(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    monkeypatch.setenv("SESSION_STORE", request.param)
    return str(request.param)


def test_the_environment_says_memory_where_it_says_nothing(
    configured: str, session_store: SessionStore
) -> None:
    assert os.environ["SESSION_STORE"] == (configured or "memory://")
    assert SessionManager().store is session_store


def test_time_stands_still(frozen_clock: FrozenClock, make_session: SessionMaker) -> None:
    began = clock.now()
    visitor = make_session()
    frozen_clock.advance(SessionManager().config.idle_timeout - 1)
    assert visitor.alive
    frozen_clock.advance(1)
    assert not visitor.alive
    assert clock.now() - began == SessionManager().config.idle_timeout


REPORT = """
import json, os, sys

def pytest_unconfigure(config):
    plugin = config.pluginmanager.get_plugin("serverless_sessions")
    found = {
        "hooks": [name for name in vars(plugin) if name.startswith("pytest_")],
        "modules": [name for name in sys.modules if name.startswith("serverless_sessions")],
        "store": os.environ.get("SESSION_STORE"),
        "arguments": config.args,
    }
    open("report.json", "w").write(json.dumps(found))
"""


def reported(folder: Path, test: str, *arguments: str) -> dict[str, Any]:
    (folder / "conftest.py").write_text(REPORT)
    (folder / "test_theirs.py").write_text(test)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--rootdir",
            ".",
            *arguments,
        ],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "SESSION_"))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return found


def test_a_run_that_uses_no_fixture_does_not_notice_it(tmp_path: Path) -> None:
    found = reported(tmp_path, "def test_nothing(): pass\n")
    assert found["modules"] == ["serverless_sessions_pytest"]
    assert found["hooks"] == []
    assert found["store"] is None


def test_a_fixture_leaves_the_environment_as_it_was(tmp_path: Path) -> None:
    test = "def test_one(session_store): import os; assert os.environ['SESSION_STORE']\n"
    found = reported(tmp_path, test)
    assert "serverless_sessions.manager" in found["modules"]
    assert found["store"] is None


def test_a_projects_own_fixture_of_the_same_name_is_not_disturbed(tmp_path: Path) -> None:
    names = (
        *("session_store", "dynamodb_sessions", "make_session"),
        *("lambda_event", "lambda_context", "frozen_clock"),
    )
    own = "".join(f"@pytest.fixture\ndef {name}(): return 'mine'\n" for name in names)
    uses = f"def test_mine({', '.join(names)}): assert {{{', '.join(names)}}} == {{'mine'}}\n"
    found = reported(tmp_path, f"import pytest\n{own}{uses}")
    assert found["modules"] == ["serverless_sessions_pytest"]


def test_it_works_in_the_workers_of_xdist(tmp_path: Path) -> None:
    test = (
        "import pytest\n"
        "@pytest.mark.parametrize('n', range(8))\n"
        "def test_one(make_session, session_store, n):\n"
        "    make_session(data={'n': n})\n"
        "    assert len(list(session_store.scan())) == 1\n"
    )
    assert reported(tmp_path, test, "-n", "2")["store"] is None
