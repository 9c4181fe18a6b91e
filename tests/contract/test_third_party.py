"""A store from another package, as docs/writing-an-adapter.md builds one, is found and is sound."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "writing-an-adapter.md"
FILE = re.compile(r"^```\w+ (?P<name>\S+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
URL = "jsonfile:///sessions.json"

CONTRACT = """
import os

import pytest

from serverless_sessions import open_store
from serverless_sessions.testing.contract import StoreContract


class TestTheirStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        store = open_store(os.environ["SESSION_STORE"])
        assert type(store).__module__ == "jsonfile"
        return store
"""
HANDLER = """
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.testing.requests import lambda_event


@with_session
def handler(event, context, session):
    return {"statusCode": 200, "body": str(session.modify("n", lambda n: n + 1, default=0))}


def call(cookies=()):
    return handler(lambda_event(cookies=cookies), None)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the page's package."""
    source, site = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    files = {found["name"]: found["text"] for found in FILE.finditer(PAGE.read_text("utf-8"))}
    for name in ("pyproject.toml", "jsonfile.py"):
        (source / name).write_text(files[name], "utf-8")
    pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index")
    run(source, *pip, "--no-deps", "--no-build-isolation", "--target", str(site), ".")
    return site


def run(folder: Path, *arguments: str, site: Path | None = None) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "SESSION_"))}
    if site is not None:
        environment |= {
            "PYTHONPATH": str(site),
            "SESSION_STORE": URL,
            "SESSION_STORE_TIMEOUT": "30",
        }
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_store_passes_the_contract_in_a_fresh_process(site: Path, tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text(CONTRACT)
    said = run(
        tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ".", site=site
    )
    assert int(re.findall(r"(\d+) passed", said)[0]) > 80


def test_a_handler_keeps_its_sessions_there(site: Path, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(HANDLER)
    cookie = run(tmp_path, "-c", "import app; print(app.call()['cookies'][0])", site=site)
    again = f"import app; print(app.call([{cookie.strip()!r}])['body'])"
    assert run(tmp_path, "-c", again, site=site).strip() == "2"
    assert (tmp_path / "sessions.json").is_file()


def test_processes_lose_nothing_to_each_other(site: Path, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(HANDLER)
    (tmp_path / "race.py").write_text(
        "import app, multiprocessing\n"
        "def add(cookie):\n"
        "    for _ in range(20): app.call([cookie])\n"
        "if __name__ == '__main__':\n"
        "    cookie = app.call()['cookies'][0]\n"
        "    spawn = multiprocessing.get_context('spawn')\n"
        "    with spawn.Pool(4) as pool: pool.map(add, [cookie] * 4)\n"
        "    print(app.call([cookie])['body'])\n"
    )
    assert run(tmp_path, "race.py", site=site).strip() == str(1 + 4 * 20 + 1)


def test_without_the_package_its_scheme_is_unknown(tmp_path: Path) -> None:
    program = (
        "from serverless_sessions import open_store\n"
        f"try: open_store({URL!r})\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    said = run(tmp_path, "-c", program)
    assert said.startswith("ConfigurationError")
    assert "no store is installed for 'jsonfile'" in said
