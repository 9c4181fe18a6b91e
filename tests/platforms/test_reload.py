"""``serve --reload`` as a process, while someone edits the handler."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from platforms.serving import PATIENCE, Server, log_of, logged, serving, start, stop

SERVED = r"^app:handler is served on "


def handler(body: str) -> str:
    return f'def handler(event, context):\n    return {{"statusCode": 200, "body": {body}}}\n'


def save(path: Path, text: str) -> None:
    """At once, as editors do: a file that is emptied and then written changes twice."""
    unfinished = path.with_suffix(".new")
    unfinished.write_text(text)
    unfinished.replace(path)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    path = tmp_path / "app.py"
    path.write_text(handler('"first"'))
    return path


@pytest.fixture
def server(app: Path) -> Iterator[Server]:
    with serving(app.parent, "--reload", target="app:handler") as running:
        yield running


def restarted(server: Server, edit: Callable[[], object]) -> None:
    """Edit, and wait until the handler is served anew."""
    before = len(server.log.read_text())
    edit()
    server.logged(SERVED, before)


def test_a_change_is_served_on_the_same_port(server: Server, app: Path) -> None:
    assert server.get("/").body == "first"
    restarted(server, lambda: save(app, handler('"second"')))
    assert server.get("/").body == "second"
    assert "app.py changed" in server.log.read_text()


def test_a_module_that_is_added_or_removed_counts_too(server: Server, app: Path) -> None:
    optional = "try:\n    from parts.extra import word\nexcept ImportError:\n    word = 'none'\n"
    restarted(server, lambda: save(app, optional + handler("word")))
    assert server.get("/").body == "none"

    extra = app.parent / "parts" / "extra.py"
    extra.parent.mkdir()
    restarted(server, lambda: save(extra, "word = 'extra'"))
    assert server.get("/").body == "extra"
    restarted(server, extra.unlink)
    assert server.get("/").body == "none"


def test_other_files_do_not_disturb_it(server: Server, app: Path) -> None:
    (app.parent / "notes.txt").write_text("not code")
    (app.parent / ".venv").mkdir()
    (app.parent / ".venv" / "module.py").write_text("not ours")
    restarted(server, lambda: save(app, handler('"second"')))
    changed = [line for line in server.log.read_text().splitlines() if line.endswith(" changed")]
    assert changed == ["app.py changed"]


def test_a_folder_of_modules_that_arrives_at_once_counts_too(
    server: Server, app: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "parts"
    elsewhere.mkdir()
    (elsewhere / "extra.py").write_text("word = 'extra'")
    restarted(server, lambda: elsewhere.rename(app.parent / "parts"))
    assert "parts changed" in server.log.read_text()


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        ("def handler(", r"^Error: cannot import app: SyntaxError: .*\(app\.py, line 1\)$"),
        ("import no_such_module", r"^Error: cannot import app: .*'no_such_module' \(.*line 1\)$"),
        ("", "^Error: the module app has no handler$"),
    ],
    ids=["syntax", "import", "nothing"],
)
def test_a_handler_that_broke_is_waited_for(
    server: Server, app: Path, broken: str, error: str
) -> None:
    save(app, broken)
    server.logged(error)
    server.logged(r"^Waits for a change of a \.py file in ")
    answers: list[str] = []
    caller = threading.Thread(target=lambda: answers.append(server.get("/").body))
    caller.start()
    restarted(server, lambda: save(app, handler('"mended"')))
    caller.join(PATIENCE)
    assert answers == ["mended"]
    assert server.log.read_text().count("Waits for a change") == 1


def test_it_starts_with_a_broken_handler_too(app: Path) -> None:
    app.write_text("def handler(")
    process = start(app.parent, "app:handler", "--port", "0", "--reload")
    try:
        logged(process, log_of(app.parent), "^Waits for a change")
        save(app, handler('"mended"'))
        assert Server(process, log_of(app.parent)).get("/").body == "mended"
    finally:
        stop(process)


def test_its_server_ends_with_it(app: Path) -> None:
    with serving(app.parent, "--reload", target="app:handler") as server:
        assert server.get("/").status == 200
    assert server.process.returncode == 0
    with pytest.raises(ConnectionRefusedError):
        server.get("/")
