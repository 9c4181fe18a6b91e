"""The fixture dynamodb_sessions: a user's handlers on DynamoDB, without AWS."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from serverless_sessions import SessionStore
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.testing import SessionMaker
from serverless_sessions_adapters.dynamodb import DynamoDBStore


@with_session(store="nowhere://")
def handler(event: dict[str, Any], context: object, session: Any) -> dict[str, Any]:
    n = session.modify("n", lambda n: n + 1, default=0)
    return {"statusCode": 200, "body": str(n)}


@with_session(store="nowhere://")
async def async_handler(event: dict[str, Any], context: object, session: Any) -> dict[str, Any]:
    n = await session.modify("n", lambda n: n + 1, default=0)
    return {"statusCode": 200, "body": str(n)}


def test_handlers_keep_their_sessions_in_the_table(
    dynamodb_sessions: SessionStore, make_session: SessionMaker, lambda_event: Callable[..., Any]
) -> None:
    visitor = make_session(user="ann", data={"n": 1})
    event = lambda_event(cookies=[visitor.cookie])
    assert handler(event, None)["body"] == "2"
    assert async_handler(event, None)["body"] == "3"
    assert visitor.data() == {"n": 3}
    assert isinstance(dynamodb_sessions, DynamoDBStore)
    ((_, record),) = dynamodb_sessions.scan()
    assert record.facts.user == "ann"


def test_no_increment_of_many_threads_is_lost(
    dynamodb_sessions: SessionStore, make_session: SessionMaker, lambda_event: Callable[..., Any]
) -> None:
    visitor = make_session()
    event = lambda_event(cookies=[visitor.cookie])
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(handler, [event] * 160, [None] * 160))
    assert {answer["statusCode"] for answer in answers} == {200}
    assert visitor.data() == {"n": 160}


@pytest.mark.usefixtures("dynamodb_sessions")
def test_the_other_fixtures_follow_it(session_store: SessionStore) -> None:
    assert isinstance(session_store, DynamoDBStore)


@pytest.mark.parametrize("run", ["first", "second"])
def test_each_test_begins_with_an_empty_table(
    dynamodb_sessions: SessionStore, make_session: SessionMaker, run: str
) -> None:
    assert list(dynamodb_sessions.scan()) == []
    make_session()


@pytest.fixture
def somebodys_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)


def test_the_settings_of_the_machine_do_not_matter(
    somebodys_settings: None, dynamodb_sessions: SessionStore, make_session: SessionMaker
) -> None:
    assert make_session().alive


def run_pytest(folder: Path, test: str) -> str:
    (folder / "test_theirs.py").write_text(test)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", "."],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "AWS", "SESSION"))},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def test_credentials_are_there_for_the_time_of_the_test_only(tmp_path: Path) -> None:
    said = run_pytest(
        tmp_path,
        "import os\n"
        "def aws(): return {name for name in os.environ if name.startswith('AWS')}\n"
        "def test_before(): assert aws() == set()\n"
        "def test_within(dynamodb_sessions): assert 'AWS_SECRET_ACCESS_KEY' in aws()\n"
        "def test_after(): assert aws() == set()\n",
    )
    assert "3 passed" in said


def test_without_moto_it_says_what_to_install(tmp_path: Path) -> None:
    said = run_pytest(
        tmp_path,
        "import sys\n"
        "for name in ('moto', 'moto.dynamodb', 'moto.dynamodb.responses'):\n"
        "    sys.modules[name] = None\n"
        "def test_one(dynamodb_sessions): pass\n",
    )
    assert 'pip install "moto[dynamodb]"' in said
