"""Each command on the page of operations, run in the order in which it stands there."""

from __future__ import annotations

import re
import shlex
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from serverless_sessions import SessionManager
from serverless_sessions.cli.commands import commands
from serverless_sessions.store import SessionStore
from serverless_sessions.testing.cases.base import created, session
from serverless_sessions_adapters.sqlite import SqliteStore

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"


def test_every_command_of_the_page_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SESSION_STORE", "sqlite:///sessions.db")
    ran = []
    blocks = re.findall(r"^```console\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    for line in "".join(blocks).splitlines():
        program, *arguments = shlex.split(line.removeprefix("$ "))
        if program == "export":
            for assignment in arguments:
                monkeypatch.setenv(*assignment.split("=", 1))
            continue
        with closing(SqliteStore("sessions.db")) as store:
            handle = _handle(store)
        # A handle may begin with a dash, which on the page it does not.
        given = ["--handle=" + handle if a == "--handle" else a for a in arguments]
        given = [
            a for a, before in zip(given, ["", *arguments], strict=False) if before != "--handle"
        ]
        given = ["show", "--", handle] if arguments[0] == "show" else given
        done = CliRunner().invoke(commands, given)
        assert (program, done.exit_code) == ("serverless-sessions", 0), done.output
        ran.append(arguments[0])
    assert set(ran) == set(commands.commands) - {"serve", "keygen"}


def _handle(store: SessionStore) -> str:
    created(store, session(user="jo"))
    return SessionManager(store).sessions_of("jo")[0].handle


def test_the_page_names_every_option_of_migrate() -> None:
    page, told = PAGE.read_text(), commands.commands["migrate"].params
    named = {option for parameter in told for option in parameter.opts}
    missing = {"--from", "--to", "--workers", "--verify", "--no-verify"}
    assert {option for option in named if option not in page} <= missing
