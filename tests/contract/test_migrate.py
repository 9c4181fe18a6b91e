"""``migrate`` between stores on real servers: ten thousand sessions, cut off and begun again."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from serverless_sessions import SessionStore, clock, ids, open_store
from serverless_sessions.cli.commands import commands
from serverless_sessions.store import Change, Entry, Record
from serverless_sessions.testing.cases.base import created, entries, session, texts
from serverless_sessions_adapters.dynamodb import DynamoDBStore
from servers.moto_server import DynamoDBServer
from servers.redis_server import RedisServer
from support.dynamodb import CREDENTIALS, client_of_dynalite
from support.places import KINDS

SESSIONS = 10_000
PATIENCE = 300


@pytest.fixture
def urls(
    tmp_path: Path,
    redis_server: RedisServer,
    dynalite: DynamoDBServer,
    monkeypatch: pytest.MonkeyPatch,
) -> list[str]:
    """Each of three stores after another, and the first again."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    table = f"sessions-{uuid.uuid4()}"
    with client_of_dynalite(dynalite.endpoint) as client:
        DynamoDBStore(client, table).provision()
    return [
        f"sqlite:////{tmp_path.relative_to('/')}/first.db",
        f"redis://127.0.0.1:{redis_server.port}?prefix={uuid.uuid4()}",
        f"dynamodb://{table}?region=eu-west-1&endpoint={dynalite.endpoint}",
        f"sqlite:////{tmp_path.relative_to('/')}/last.db",
    ]


@pytest.mark.long
@pytest.mark.timeout(600)
def test_ten_thousand_sessions_go_from_store_to_store_though_each_move_is_killed_half_way(
    urls: list[str], tmp_path: Path
) -> None:
    with _opened(urls[0]) as first, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: created(first, _session(n)), range(SESSIONS)))
    for hop, (source_url, target_url) in enumerate(pairwise(urls)):
        with _opened(source_url) as source, _opened(target_url) as target:
            _move(source, target, source_url, target_url, tmp_path / f"journal-{hop}.db")


@pytest.mark.parametrize("kind", KINDS)
def test_every_store_gives_back_what_it_was_given(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    server: Any = request.getfixturevalue(KINDS[kind].server)
    place = KINDS[kind].place(server, server.port)
    first, last = (f"sqlite:////{tmp_path.relative_to('/')}/{name}.db" for name in "ab")
    strange = {"\n": "a\nb", "_sls.facts": "sealed", "x" * 300: "é" * 30_000}
    with place.opened() as between, _opened(first) as source, _opened(last) as target:
        for key, _ in between.scan():
            between.delete(key)
        for number in range(20):
            record = session({**strange, "n": str(number)}, user=f"user {number % 3}")
            ends = {"ends": Entry("soon", clock.now() + 900)}
            created(source, record._replace(entries={**record.entries, **ends}))
        with pytest.MonkeyPatch.context() as patch:
            for name, value in place.environment.items():
                patch.setenv(name, value)
            for n, (a, b) in enumerate(((first, place.url), (place.url, last))):
                journal = str(tmp_path / f"{n}.db")
                answer = _run(["migrate", "--from", a, "--to", b, "--journal", journal])
                assert answer["verification"]["checked"] == 20
        found = dict(between.scan())
        assert _plain(found) == _plain(dict(source.scan())) == _plain(dict(target.scan()))
        assert set(between.list_user("user 1")) == set(source.list_user("user 1"))


def _move(
    source: SessionStore, target: SessionStore, source_url: str, target_url: str, journal: Path
) -> None:
    arguments = ["migrate", "--from", source_url, "--to", target_url, "--journal", str(journal)]
    before = dict(source.scan())
    _killed_half_way(arguments, journal)
    copied = _copied(journal)
    assert SESSIONS // 4 < len(copied) < SESSIONS

    there, not_yet = sorted(copied), sorted(before.keys() - copied)
    written, destroyed = [there[0], not_yet[0]], [there[1], not_yet[1]]
    newest = f"of {journal.stem}"  # a move before this one may have written the same session
    for key in written:
        change = Change(set=entries(n=newest, more="1"), nonce=ids.draw_nonce())
        source.update(key, change)
    for key in destroyed:
        source.delete(key)
    begun = created(source, _session(SESSIONS))

    answer = _run(arguments)
    assert answer["sessions"]["copied"] <= SESSIONS - len(copied) + 200
    # The second of each pair may have been copied, and not noted, when the process was killed.
    assert answer["verification"].pop("rewritten") in (1, 2)
    assert answer["verification"] == {"checked": SESSIONS - 1, "missing": [], "differing": []}
    found = dict(target.scan())
    for key in written:
        assert texts(found.pop(key)) == {**texts(before.pop(key)), "n": newest, "more": "1"}
    for key in destroyed:
        del before[key]
        assert target.load(key) is None
    assert texts(found.pop(begun)) == {"n": str(SESSIONS)}
    assert _plain(found) == _plain(before)
    for key in there[2:3]:  # so that the next move has as many
        created(target, _session(0))
        assert isinstance(target.load(key), Record)


def _killed_half_way(arguments: list[str], journal: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "serverless_sessions.cli", *arguments, "--json"],
        stdout=subprocess.DEVNULL,
        env=dict(os.environ),
    )
    try:
        ends = time.monotonic() + PATIENCE
        while len(_copied(journal)) < SESSIONS // 3:
            assert process.poll() is None, "it was over before it could be killed"
            assert time.monotonic() < ends
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _copied(journal: Path) -> set[str]:
    if not journal.exists():
        return set()
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(journal)) as database:
        return {key for (key,) in database.execute("SELECT key FROM moved WHERE state = 1")}
    return set()


def _run(arguments: list[str]) -> dict[str, Any]:
    done = CliRunner().invoke(commands, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _session(number: int) -> Record:
    return session({"n": str(number)})


def _plain(records: dict[str, Record]) -> dict[str, Record]:
    return {key: record._replace(rev=None) for key, record in records.items()}


def _opened(url: str) -> closing[SessionStore]:
    store = open_store(url)
    assert isinstance(store, SessionStore)
    return closing(store)
