"""The command ``keygen``."""

from __future__ import annotations

import json

from click.testing import CliRunner

from serverless_sessions import SessionConfig
from serverless_sessions.cli.commands import commands


def test_it_prints_one_new_key_and_nothing_else() -> None:
    answers = [CliRunner().invoke(commands, ["keygen"]) for _ in range(2)]
    assert [answer.exit_code for answer in answers] == [0, 0]
    assert [answer.stderr for answer in answers] == ["", ""]
    assert answers[0].stdout != answers[1].stdout
    keys = ",".join(answer.stdout for answer in answers)
    assert len(SessionConfig.from_env({"SESSION_ENCRYPTION_KEYS": keys}).encryption_keys) == 2


def test_in_json() -> None:
    told = json.loads(CliRunner().invoke(commands, ["keygen", "--json"]).stdout)
    assert list(told) == ["key"]
    assert len(SessionConfig.from_env({"SESSION_ENCRYPTION_KEYS": told["key"]}).encryption_keys)


def test_its_help_says_how_to_add_a_key_in_front() -> None:
    told = " ".join(CliRunner().invoke(commands, ["keygen", "--help"]).stdout.split())
    assert "Put a new one in front" in told
    assert "$(serverless-sessions keygen)," in told
