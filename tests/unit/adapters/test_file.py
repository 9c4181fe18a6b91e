"""Sessions in files: many processes, Astro writing in place, crashes, permissions and urls."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from serverless_sessions import ConfigurationError, clock, open_store
from serverless_sessions.errors import AccessDenied, Conflict, CorruptRecord, StoreTimeout
from serverless_sessions.store import Change
from serverless_sessions.testing.cases.base import created, entries, loaded, session, texts
from serverless_sessions_adapters.file import FileStore

REAL = '[["Map",1,2],"cart",{"data":3,"expires":-1},[4],{"sku":5,"qty":6},"a",2]'
WRITER = """
import sys
from serverless_sessions import clock
from serverless_sessions.store import Change, Entry
from serverless_sessions_adapters.file import FileStore
folder, key, name = sys.argv[1:]
store = FileStore(folder)
sys.stdin.readline()
with clock.call_limit(60):
    for n in range(5):
        store.update(key, Change(set={f"{name}{n}": Entry("[1]")}))
"""
KILLED = """
import os, signal, sys
from pathlib import Path
from serverless_sessions.store import Change, Entry
from serverless_sessions_adapters.file import FileStore
Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
FileStore(sys.argv[1]).update(sys.argv[2], Change(set={"late": Entry("[1]")}))
"""


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "sessions")


def test_eight_processes_lose_none_of_each_others_keys(store: FileStore) -> None:
    key = created(store)
    command = [sys.executable, "-c", WRITER, str(store.folder), key]
    writers = [subprocess.Popen([*command, name], stdin=subprocess.PIPE) for name in "abcdefgh"]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"go\n")
        writer.stdin.close()
    assert [writer.wait(timeout=60) for writer in writers] == [0] * 8
    expected = {"first"} | {f"{name}{n}" for name in "abcdefgh" for n in range(5)}
    assert set(texts(loaded(store, key))) == expected
    assert sorted(path.name for path in store.folder.iterdir()) == sorted([key, ".lock"])


@pytest.mark.parametrize("seconds", [0.01, 0.2])
def test_a_file_that_astro_has_emptied_is_waited_for(store: FileStore, seconds: float) -> None:
    """As ``fs.writeFile`` does: it empties the file, and writes when the site is at leisure."""
    key = created(store)
    path = store.folder / key
    path.write_text("")

    def write() -> None:
        time.sleep(seconds)
        path.write_text(REAL)

    writing = threading.Thread(target=write)
    writing.start()
    assert set(texts(loaded(store, key))) == {"cart"}
    writing.join()


def test_a_file_that_was_emptied_just_now_is_no_empty_session(store: FileStore) -> None:
    key = created(store)
    (store.folder / key).write_text("")
    for asked in (store.load, lambda key: store.update(key, Change(set=entries(a="1")))):
        with clock.call_limit(0.05), pytest.raises(StoreTimeout):
            asked(key)
    assert (store.folder / key).read_text() == ""


def test_a_file_that_stays_empty_is_no_session(store: FileStore) -> None:
    key = created(store)
    (store.folder / key).write_text("")
    os.utime(store.folder / key, (0, 0))
    assert store.load(key) is None
    store.create(key, session({"a": "[1]"}))
    assert texts(loaded(store, key)) == {"a": "[1]"}


@pytest.mark.parametrize("text", [REAL + ',"base",2]', REAL[:30], "\udcff"])
def test_a_file_in_pieces_is_an_error_and_is_left_as_it_is(store: FileStore, text: str) -> None:
    key = created(store)
    path = store.folder / key
    path.write_text(text, errors="surrogateescape")
    for asked in (store.load, lambda key: store.update(key, Change(set=entries(a="1")))):
        with pytest.raises(CorruptRecord):
            asked(key)
    assert path.read_text(errors="surrogateescape") == text
    store.delete(key)
    assert not path.exists()


def test_a_crash_before_the_file_is_replaced_leaves_the_session_and_nothing_that_counts(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = created(store)

    def crash(self: Path, target: Path) -> Path:
        os.link(self, self.with_suffix(".left"))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            store.update(key, Change(set=entries(a="1")))
    assert texts(loaded(store, key)) == {"first": "1"}
    left = [path.name for path in store.folder.iterdir() if path.name not in (key, ".lock")]
    assert len(left) == 1
    assert left[0].endswith(".left")
    assert [key for key, _ in store.scan()] == [key]
    store.update(key, Change(set=entries(a="1")))


def test_what_killed_writers_left_goes_with_the_next_write(store: FileStore) -> None:
    key = created(store)
    for _ in range(2):
        killed = subprocess.run([sys.executable, "-c", KILLED, str(store.folder), key], check=False)
        assert killed.returncode == -signal.SIGKILL
        assert texts(loaded(store, key)) == {"first": "1"}
    assert [found for found, _ in store.scan()] == [key]
    assert len(list(store.folder.iterdir())) == 3
    store.update(key, Change(set=entries(a="1")))
    assert sorted(path.name for path in store.folder.iterdir()) == sorted([key, ".lock"])
    subprocess.run([sys.executable, "-c", KILLED, str(store.folder), key], check=False)
    store.deprovision()
    assert not store.folder.exists()


def test_what_astro_writes_while_the_new_file_goes_to_the_disk_is_kept(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = created(store)
    fsync = os.fsync

    def meanwhile(handle: int) -> None:
        monkeypatch.setattr(os, "fsync", fsync)
        fsync(handle)
        (store.folder / key).write_text(REAL)

    monkeypatch.setattr(os, "fsync", meanwhile)
    store.update(key, Change(set=entries(a="1")))
    assert set(texts(loaded(store, key))) == {"cart", "a"}


def test_a_full_disk_leaves_no_rubbish(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    key = created(store)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Exception, match="file system failed"):
        store.update(key, Change(set=entries(a="1")))
    assert sorted(path.name for path in store.folder.iterdir()) == sorted([key, ".lock"])
    assert texts(loaded(store, key)) == {"first": "1"}


def test_nobody_else_can_read_what_is_made_here(store: FileStore) -> None:
    key = created(store)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (store.folder, store.folder / key)]
    assert modes == [0o700, 0o600]
    assert all(finding.ok for finding in store.check())
    store.folder.chmod(0o755)
    assert [finding.ok for finding in store.check()] == [True, True, False]


def test_a_folder_that_is_not_there_is_found_by_the_check(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "none")
    assert store.load("0" * 64) is None
    assert [*store.scan()] == []
    (finding,) = store.check()
    assert (finding.ok, finding.what) == (False, f"the folder {store.folder} is not there")
    assert not store.folder.exists()


def test_a_file_that_may_not_be_read_is_denied(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    key = created(store)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(AccessDenied, match="permissions") as denied:
        store.load(key)
    assert key not in str(denied.value)


def test_who_waits_for_the_lock_waits_no_longer_than_it_is_given(store: FileStore) -> None:
    import fcntl

    key = created(store)
    with (store.folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with clock.call_limit(0.05), pytest.raises(StoreTimeout):
            store.update(key, Change(set=entries(a="1")))
    store.update(key, Change(set=entries(a="1")))


@pytest.mark.parametrize("key", ["", "..", "a/b", "../up", ".lock", "a\0b", "ü", "a" * 129])
def test_what_is_no_file_of_a_session_is_no_stored_key(store: FileStore, key: str) -> None:
    with pytest.raises(ConfigurationError):
        store.load(key)


def test_deprovision_leaves_what_is_not_ours(store: FileStore) -> None:
    store.provision()
    created(store)
    (store.folder / "notes.txt").write_text("mine")
    store.deprovision()
    assert [path.name for path in store.folder.iterdir()] == ["notes.txt"]


def test_a_folder_within_and_a_file_of_somebody_elses_stop_no_upkeep(store: FileStore) -> None:
    ended, key = created(store, session(idle=-1)), created(store)
    (store.folder / "shop").mkdir()
    (store.folder / "README").write_text("mine")
    assert [found for found, _ in store.scan()] == [key]
    assert store.purge() == 1
    assert not (store.folder / ended).exists()
    assert (store.folder / "README").read_text() == "mine"


def test_a_put_over_what_changed_is_refused(store: FileStore) -> None:
    key = created(store)
    found = store.documents.get(key)
    assert found is not None
    (store.folder / key).write_text(REAL)
    with pytest.raises(Conflict):
        store.documents.put(key, "x", if_version=found[1], expires=None)


@pytest.mark.parametrize(
    "url",
    ["file", "file://", "file:///", "file://host/folder", "file://u:p@/folder", "file:///f?base=x"],
)
def test_a_url_that_names_no_folder_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        open_store(url)
    assert "u:p" not in str(refused.value)


def test_a_url_names_the_folder(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}/my%20sessions?max_bytes=4000")
    assert isinstance(store, FileStore)
    assert store.folder == tmp_path / "my sessions"
    assert store.guarantees.max_bytes == 3000
    assert store.kind == "file"
