"""SqliteStore between processes: contention, kill -9 in mid-write, fork."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from serverless_sessions import clock
from serverless_sessions.errors import StoreTimeout
from serverless_sessions.store import Change
from serverless_sessions.testing.cases.base import (
    created,
    entries,
    fresh_key,
    loaded,
    session,
    texts,
)
from serverless_sessions_adapters import _sqlite_database
from serverless_sessions_adapters.sqlite import SqliteStore

PROLOGUE = """
import sys
from serverless_sessions import clock, errors
from serverless_sessions.store import Change, Entry
from serverless_sessions.testing.cases.base import loaded, session, texts
from serverless_sessions_adapters.sqlite import SqliteStore
path, key, name = sys.argv[1:]
store = SqliteStore(path)
sys.stdin.readline()
"""
INCREMENTS = """
done = 0
with clock.call_limit(60):
    while done < 100:
        entries = texts(loaded(store, key))
        text = entries["n"]
        change = Change(
            set={"n": Entry(str(int(text) + 1)), f"{name} {done}": Entry(name)},
            expect={"n": text},
        )
        try:
            store.update(key, change)
            done += 1
        except errors.Conflict:
            pass
"""
WRITES_WITHOUT_END = """
n = 0
while True:
    n += 1
    text = f"{n} " + "x" * 20_000
    store.update(key, Change(set={"left": Entry(text), "right": Entry(text)}, nonce=str(n)))
    print(n, flush=True)
"""
FIRST_OPENING = """
with clock.call_limit(60):
    store.create(name, session({"by": name}))
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(tmp_path / "sessions.db")) as store:
        yield store


def started(program: str, store: SqliteStore, key: str, name: str) -> subprocess.Popen[str]:
    """A process that has imported all it needs and waits for a line before it begins."""
    return subprocess.Popen(
        [sys.executable, "-c", PROLOGUE + program, str(store.path), key, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_all(processes: list[subprocess.Popen[str]]) -> None:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        _, errors = process.communicate(timeout=100)
        assert (process.returncode, errors) == (0, "")


def test_increments_of_four_processes_are_all_counted(store: SqliteStore) -> None:
    key = created(store, session({"n": "0"}))
    names = ["A", "B", "C", "D"]
    run_all([started(INCREMENTS, store, key, name) for name in names])
    expected = {f"{name} {n}": name for name in names for n in range(100)}
    assert texts(loaded(store, key)) == {"n": "400", **expected}


@pytest.mark.parametrize("attempt", range(3))
def test_many_processes_may_open_a_new_file_at_once(store: SqliteStore, attempt: int) -> None:
    keys = [fresh_key() for _ in range(6)]
    run_all([started(FIRST_OPENING, store, "", key) for key in keys])
    assert {key: texts(record) for key, record in store.scan()} == {
        key: {"by": key} for key in keys
    }
    with closing(sqlite3.connect(store.path)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_two_stores_of_one_process_leave_each_other_the_locks_on_the_file(
    store: SqliteStore,
) -> None:
    """As every decorated function of a process has its own: another process that comes and goes
    must find the file in use, or it takes away the log that this one writes on."""
    created(store)
    with closing(SqliteStore(store.path)) as second:
        created(second)
        theirs = fresh_key()
        run_all([started(FIRST_OPENING, store, "", theirs)])
        ours = created(store)
        run_all([started(FIRST_OPENING, store, "", fresh_key())])
        for each in (store, second):
            assert len(dict(each.scan())) == 5
            assert {theirs, ours} <= dict(each.scan()).keys()


def test_a_process_killed_in_mid_write_leaves_what_it_acknowledged(store: SqliteStore) -> None:
    key = created(store, session({"left": "0 ", "right": "0 "}))
    for round_number in range(20):
        with started(WRITES_WITHOUT_END, store, key, "") as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("\n")
            process.stdin.flush()
            acknowledged = [process.stdout.readline() for _ in range(1 + round_number % 7)]
            process.send_signal(signal.SIGKILL)
            acknowledged += process.stdout.readlines()
        last = int([line for line in acknowledged if line.endswith("\n")][-1])

        record = loaded(store, key)
        left, right = texts(record)["left"], texts(record)["right"]
        assert left == right
        assert len(left.partition(" ")[2]) == 20_000
        assert last <= int(left.partition(" ")[0]) <= last + 1
        assert record.nonce == left.partition(" ")[0]
        with closing(sqlite3.connect(store.path)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def in_child(work: Callable[[], object]) -> int:
    """Start a forked child that does ``work``; returns its process id."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001
            os._exit(1)
        os._exit(0)
    return pid


def exit_status(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_and_its_parent_both_go_on(store: SqliteStore) -> None:
    key = created(store, session({}))

    def write(name: str) -> None:
        with clock.call_limit(60):
            for n in range(20):
                store.update(key, Change(set=entries(**{name: str(n)})))
                assert texts(loaded(store, key))[name] == str(n)

    children = [in_child(partial(write, f"child {n}")) for n in range(3)]
    write("parent")
    assert [exit_status(pid) for pid in children] == [0, 0, 0]
    names = ["parent", "child 0", "child 1", "child 2"]
    assert texts(loaded(store, key)) == dict.fromkeys(names, "19")
    with closing(sqlite3.connect(store.path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_while_a_thread_writes_leaves_the_child_free_to_write(store: SqliteStore) -> None:
    key = created(store, session({}))
    writing, may_end = threading.Event(), threading.Event()

    def write_slowly() -> None:
        with store._database.transaction("writing slowly", "IMMEDIATE"):
            writing.set()
            may_end.wait()

    thread = threading.Thread(target=write_slowly)
    thread.start()
    writing.wait()
    threading.Timer(0.2, may_end.set).start()
    child = in_child(partial(store.update, key, Change(set=entries(child="1"))))
    thread.join()
    assert exit_status(child) == 0
    store.update(key, Change(set=entries(parent="1")))
    assert texts(loaded(store, key)) == {"child": "1", "parent": "1"}


def test_a_connection_is_lent_only_in_the_process_that_opened_it(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = created(store)
    opened = []
    really_open = _sqlite_database._open

    def counted(path: Path) -> sqlite3.Connection:
        opened.append(path)
        return really_open(path)

    monkeypatch.setattr(_sqlite_database, "_open", counted)
    loaded(store, key)
    assert opened == []
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(os, "getpid", lambda: -1)
        loaded(store, key)
        assert len(opened) == 1
        store.close()
    parents = _sqlite_database._inherited.pop()
    assert parents.execute("SELECT count(*) FROM sessions").fetchone()[0] == 1
    parents.close()


def test_a_child_that_ends_takes_nothing_from_its_parent(store: SqliteStore) -> None:
    """At its exit the interpreter closes what it has inherited."""
    key = created(store, session({}))
    program = """
import os
store.update(key, Change(set={"before": Entry("1")}))
pid = os.fork()
if pid == 0:
    sys.exit(0)
assert os.waitpid(pid, 0)[1] == 0
store.update(key, Change(set={"after": Entry("1")}))
os._exit(0)
"""
    run_all([started(program, store, key, "")])
    assert texts(loaded(store, key)) == {"before": "1", "after": "1"}


def test_threads_of_one_process_wait_for_each_other_no_longer_than_they_may(
    store: SqliteStore,
) -> None:
    key = created(store)
    with (
        store._database.transaction("writing slowly", "IMMEDIATE"),
        clock.call_limit(0.1),
        pytest.raises(StoreTimeout, match="other threads"),
    ):
        store.update(key, Change(set=entries(a="1")))
    store.update(key, Change(set=entries(a="1")))
