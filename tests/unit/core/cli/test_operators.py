"""The operators' commands on a store in a file: what they print, change, refuse, and never show."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from serverless_sessions import SessionManager, clock
from serverless_sessions.arrival import Request
from serverless_sessions.cli.commands import commands
from serverless_sessions.cli.purge import purged
from serverless_sessions.keyring import draw
from serverless_sessions.memory import MemoryStore
from serverless_sessions.testing.cases.base import created, loaded, session
from serverless_sessions_adapters.sqlite import SqliteStore


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteStore]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SESSION_STORE", "sqlite:///sessions.db")
    store = SqliteStore("sessions.db")
    yield store
    store.close()


def run(*arguments: str, input: str | None = None) -> Result:  # noqa: A002  (click's word)
    return CliRunner().invoke(commands, arguments, input=input)


def answer(*arguments: str, code: int = 0) -> Any:
    done = run(*arguments, "--json")
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def test_each_command_is_told_in_a_line() -> None:
    told = run("--help").stdout.partition("Commands:")[2]
    assert all(f"  {name} " in told for name in commands.commands)
    assert "..." not in told


def handle_of(store: SqliteStore, key: str) -> str:
    return loaded(store, key).facts.rid


def test_show_tells_names_and_sizes_and_values_only_when_asked(store: SqliteStore) -> None:
    key = created(store, session({"cart": '["the value"]'}, user="jo"))
    for name in (key, handle_of(store, key)):
        told = json.loads(run("show", "--json", "--", name).stdout)
        assert (told["handle"], told["user"]) == (handle_of(store, key), "jo")
        assert told["entries"] == [{"name": "cart", "bytes": 13}]
    plain = run("show", key)
    assert "cart  13 bytes" in plain.stdout
    assert "the value" not in plain.stdout
    assert "'the value'" in run("show", key, "--values").stdout
    assert answer("show", "0" * 64, code=2)["kind"] == "SessionNotFound"
    assert answer("show", "neither", code=2)["kind"] == "SessionNotFound"


def test_show_opens_sealed_values_with_the_keys_alone(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SESSION_ENCRYPTION_KEYS", draw())
    invocation = SessionManager(store).begin(Request(lambda _: []))
    invocation.session.set("cart", "the value")
    invocation.finish(failed=False)
    ((key, _),) = store.scan()
    shown = run("show", key, "--values").stdout
    assert "'the value'" in shown
    assert "(not shown)" in shown
    monkeypatch.delenv("SESSION_ENCRYPTION_KEYS")
    assert run("show", key).exit_code == 0
    assert answer("show", key, "--values", code=2)["kind"] == "CorruptRecord"


def test_the_sessions_of_a_user_are_listed_and_ended(store: SqliteStore) -> None:
    keys = [created(store, session(user="jo")) for _ in range(3)]
    other = created(store, session(user="ann"))
    handles = {handle_of(store, key) for key in keys}
    told = answer("list", "--user", "jo")
    assert {one["handle"] for one in told} == handles
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", told[0]["expires_at"])
    assert all(handle in run("list", "--user", "jo").stdout for handle in handles)
    assert run("list", "--user", "nobody").stdout == "No live session.\n"
    first = f"--handle={handle_of(store, keys[0])}"
    assert answer("revoke", "--user", "ann", first, code=2)["kind"] == "SessionNotFound"
    assert answer("revoke", "--user", "jo", first) == {"ended": 1}
    refused = run("revoke", "--user", "jo", "--all", input="n\n")
    assert (refused.exit_code, "Error: aborted" in refused.output) == (2, True)
    assert len(answer("list", "--user", "jo")) == 2
    assert run("revoke", "--user", "jo", "--all", input="y\n").stdout == "2 sessions ended.\n"
    assert list(dict(store.scan())) == [other]


@pytest.mark.parametrize("which", [(), ("--all", "--handle=x")])
def test_revoke_wants_to_know_which(store: SqliteStore, which: tuple[str, ...]) -> None:
    assert run("revoke", "--user", "jo", *which).exit_code == 2


def test_what_is_removed_is_told_and_asked_before(store: SqliteStore) -> None:
    assert answer("provision")["done"] == "provisioned"
    key = created(store)
    asked = run("deprovision", input="n\n")
    assert asked.exit_code == 2
    assert "every session in it" in asked.output
    assert run("deprovision", "--json").exit_code == 2
    loaded(store, key)
    assert answer("deprovision", "--yes")["done"] == "deprovisioned"
    assert not Path("sessions.db").exists()


def test_purge_removes_the_expired_at_the_rate_it_is_given(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with clock.replaced(lambda: time.time() - 10**6):
        memory = MemoryStore()
        for _ in range(25):
            created(memory)
    assert answer("purge") == {"removed": 0}
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    told: list[int] = []
    assert purged(memory, rate=10, limit=None, tell=told.append) == 25
    assert told == [10, 10, 5]
    assert [round(seconds) for seconds in slept] == [1, 2]
    for _ in range(3):
        with clock.replaced(lambda: time.time() - 10**6):
            created(memory)
    assert purged(memory, rate=10, limit=2, tell=told.append) == 2


@pytest.mark.parametrize("rate", ["0", "-1", "nan", "inf", "fast"])
def test_a_rate_that_is_none_is_refused(store: SqliteStore, rate: str) -> None:
    done = run("purge", "--rate", rate)
    assert (done.exit_code, "'--rate'" in done.output) == (2, True)


def test_a_store_that_cannot_is_told_in_one_line(store: SqliteStore) -> None:
    done = run("provision", "--store", "memory://")
    assert done.exit_code == 2
    assert done.output == "Error: MemoryStore needs nothing created\n"
    assert (
        answer("show", "x" * 64, "--store", "nonsense://", code=2)["kind"] == "ConfigurationError"
    )


@pytest.mark.parametrize(
    "command",
    [
        *(["doctor"], ["provision"], ["deprovision", "--yes"], ["purge"], ["show", "0" * 64]),
        *(["list", "--user", "jo"], ["revoke", "--user", "jo", "--all", "--yes"]),
    ],
    ids=lambda command: command[0],
)
def test_no_command_shows_a_password(command: list[str]) -> None:
    for more in ([], ["--json"]):
        done = run(*command, *more, "--store", "redis://joe:hunter2@127.0.0.1:1/0?prefix=hunter2")
        assert done.exit_code in (1, 2)
        assert "hunter2" not in done.output
        assert done.exception is None or isinstance(done.exception, SystemExit)


def test_migrate_tells_what_it_did_and_refuses_one_store_twice(store: SqliteStore) -> None:
    created(store, session({"cart": "1"}))
    urls = ("--from", "sqlite:///sessions.db", "--to", "sqlite:///new.db")
    preview = answer("migrate", *urls, "--dry-run")
    assert (preview["sessions"]["copied"], preview["journal"]) == (1, None)
    assert not list(Path().glob(".sessions/*"))
    assert "         1  copied" in run("migrate", *urls).stdout
    assert answer("migrate", *urls)["sessions"]["unchanged"] == 1
    with closing(SqliteStore("new.db")) as target:
        for key in dict(target.scan()):
            target.delete(key)
    lost = answer("migrate", *urls, code=1)["verification"]["missing"]
    assert lost == [handle_of(store, key) for key in dict(store.scan())]
    assert "are gone from the target" in run("migrate", *urls).stdout
    assert run("migrate", *urls, "--switched").exit_code == 0
    same = ("--from", "sqlite:///sessions.db", "--to", "sqlite:///sessions.db")
    assert run("migrate", *same).exit_code == 2


@pytest.mark.parametrize("journal", ["sessions.db", "text.txt", "text.txt/journal.db", "."])
def test_a_journal_that_can_be_none_is_refused(store: SqliteStore, journal: str) -> None:
    store.provision()
    Path("text.txt").write_text("no journal\n" * 100)
    before = Path("sessions.db").read_bytes()
    urls = ("--from", "sqlite:///sessions.db", "--to", "sqlite:///new.db")
    done = run("migrate", *urls, "--journal", journal)
    assert done.exit_code == 2
    assert isinstance(done.exception, SystemExit)
    assert journal in done.output
    assert Path("sessions.db").read_bytes() == before
    assert Path("text.txt").read_text().startswith("no journal")
