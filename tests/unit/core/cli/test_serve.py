from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from serverless_sessions import cli
from serverless_sessions.cli.commands import commands


@pytest.fixture(autouse=True)
def own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(os, "environ", os.environ.copy())


def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands, list(arguments), prog_name="serverless-sessions")


def test_help_and_version() -> None:
    assert "MODULE:HANDLER" in run("serve", "--help").output
    assert "serve" in run("-h").output
    assert re.fullmatch(r"serverless-sessions, version \d+\.\d+\.\d+\n", run("--version").output)


def test_what_no_change_can_mend_is_not_waited_for() -> None:
    result = run("serve", "app", "--reload")
    assert result.exit_code == 2
    assert result.output == "Error: 'app' is not MODULE:HANDLER, as in app:handler\n"


def test_a_handler_that_cannot_be_had_is_one_line_and_exit_2() -> None:
    result = run("serve", "no_such_app:handler", "--port", "0")
    assert result.exit_code == 2
    assert result.output == (
        "Error: cannot import no_such_app: ModuleNotFoundError: No module named 'no_such_app'\n"
    )


@pytest.mark.parametrize(
    "options",
    [("--port", "65536"), ("--port", "-1"), ("--timeout", "0"), ("--event", "sqs")],
)
def test_options_out_of_range_are_refused(options: tuple[str, str]) -> None:
    result = run("serve", "app:handler", *options)
    assert result.exit_code == 2
    assert options[0] in result.output


SAYS_ITS_SURROUNDINGS = """
import os
serve, secure = map(os.environ.get, ("SERVERLESS_SESSIONS_SERVE", "SESSION_COOKIE_SECURE"))
raise RuntimeError(f"{serve} {secure}")
"""


@pytest.mark.parametrize(
    ("options", "said"), [((), "RuntimeError: 1 None"), (("--insecure-cookies",), "1 off")]
)
def test_the_handler_is_imported_from_here_and_finds_its_surroundings(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.delitem(os.environ, "SESSION_COOKIE_SECURE", raising=False)
    (tmp_path / "serve_says.py").write_text(SAYS_ITS_SURROUNDINGS)
    result = run("serve", "serve_says:handler", "--port", "0", *options)
    assert said in result.output
    assert result.exit_code == 2


@pytest.mark.parametrize("package", ["click", "rich", "watchfiles", "werkzeug"])
def test_a_missing_package_is_named_with_its_remedy(
    package: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in list(sys.modules):
        if name.startswith("serverless_sessions.cli.") or name.partition(".")[0] == package:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert f"the package {package}" in said
    assert 'pip install "serverless-sessions[cli]"' in said
