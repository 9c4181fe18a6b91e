"""Sessions as files, one each, at the place where Astro's fs driver keeps its own."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from serverless_sessions import clock
from serverless_sessions.document import Documents, DocumentStore
from serverless_sessions.errors import (
    AccessDenied,
    ConfigurationError,
    Conflict,
    SessionError,
    StoreTimeout,
    StoreUnavailable,
)
from serverless_sessions.store import ABSENT, Finding
from serverless_sessions.urls import StoreURL

_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
_LOCK, _NEW = ".lock", ".new"
_EMPTIED = 5.0
"""Seconds for which a file that is empty may be one that Astro has opened and not yet written: a
site that is busy meanwhile takes its time."""
_AGAIN = 0.003


class FileStore(DocumentStore):
    """Keeps each session in a file of ``folder``, for any number of threads and processes of one
    machine; Astro's fs driver with the same ``base`` reads and writes the same files.

    A file is replaced as a whole and under a lock, so that no reader meets half of one and no
    function loses another's change. Astro writes in place and takes no lock: what it writes over
    is lost, and a file that it left in pieces is a CorruptRecord. The folder is readable by this
    user only. ``max_bytes`` is of a file.
    """

    def __init__(self, folder: str | Path, *, max_bytes: int = 1_000_000) -> None:
        self.folder = Path(folder).absolute()
        super().__init__(_Files(self.folder, max_bytes))

    def __repr__(self) -> str:
        return f"FileStore({str(self.folder)!r})"

    def provision(self) -> None:
        with _in_our_terms("making the folder of the sessions"):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def deprovision(self) -> None:
        with _in_our_terms("removing the sessions"):
            for name in self.documents.keys() or ():
                self.documents.remove(name)
            for name in (_NEW, _LOCK):
                (self.folder / name).unlink(missing_ok=True)
            with suppress(OSError):
                self.folder.rmdir()

    def check(self) -> list[Finding]:
        folder = self.folder
        if not folder.is_dir():
            remedy = "`serverless-sessions provision` with the same SESSION_STORE, or provision()"
            return [Finding(False, f"the folder {folder} is not there", remedy)]
        can = "can" if (writable := os.access(folder, os.R_OK | os.W_OK | os.X_OK)) else "cannot"
        who = "others" if (others := folder.stat().st_mode & 0o077) else "nobody else"
        return [
            Finding(True, f"the folder {folder} is there"),
            Finding(writable, f"its files {can} be read and written", f"chmod u+rwx {folder}"),
            Finding(not others, f"{who} can read it", f"chmod go-rwx {folder}"),
        ]


class _Files(Documents):
    kind = "file"

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self.max_bytes = max_bytes

    def get(self, key: str) -> tuple[str, str] | None:
        """Empty is absent, as to Astro; but Astro empties a file before it writes it."""
        path = self._path(key)
        with _in_our_terms("reading a session"):
            while not (content := _content(path)) and _may_be_being_written(path):
                if clock.time_left() <= _AGAIN:
                    raise StoreTimeout("the session's file was emptied, and not written in time")
                time.sleep(_AGAIN)
        return (content.decode(errors="replace"), _version(content)) if content else None

    def put(self, key: str, text: str, *, if_version: Any, expires: int | None) -> str:
        """Looks twice, as Astro takes no lock: the disk may take long for the new file."""
        path, new, content = self._path(key), self._folder / _NEW, text.encode()
        with _in_our_terms("writing a session"), self._lock():
            _refuse_changed(path, if_version)
            try:
                _write(new, content)
                _refuse_changed(path, if_version)
                new.replace(path)
            except BaseException:
                with suppress(OSError):
                    new.unlink()
                raise
        return _version(content)

    def remove(self, key: str) -> None:
        with _in_our_terms("removing a session"), self._lock():
            self._path(key).unlink(missing_ok=True)

    def keys(self) -> Iterator[str]:
        with _in_our_terms("listing the sessions"):
            paths = self._folder.iterdir() if self._folder.is_dir() else ()
            names = [path.name for path in paths if path.is_file()]
        return filter(_NAME.fullmatch, names)

    def _path(self, key: str) -> Path:
        if not _NAME.fullmatch(key):
            raise ConfigurationError("a stored key is a file's name: letters, digits, _ and -")
        return self._folder / key

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Among threads as among processes: each holder has opened the file for itself."""
        import fcntl

        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if clock.time_left() <= _AGAIN:
                        raise StoreTimeout("another process held the folder's lock") from None
                    time.sleep(_AGAIN)
                else:
                    break
            yield
        finally:
            os.close(handle)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _may_be_being_written(path: Path) -> bool:
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    return found.st_size > 0 or abs(time.time() - found.st_mtime) < _EMPTIED


def _refuse_changed(path: Path, if_version: Any) -> None:
    content = _content(path)
    if (_version(content) if content else ABSENT) != if_version:
        raise Conflict("somebody changed the session first")


def _write(path: Path, content: bytes) -> None:
    """Over what a writer that was killed may have left."""
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextmanager
def _in_our_terms(action: str) -> Iterator[None]:
    try:
        yield
    except SessionError:
        raise
    except PermissionError as error:
        raise AccessDenied(f"{action}: this user may not; see the folder's permissions") from error
    except OSError as error:
        raise StoreUnavailable(f"{action}: the file system failed") from error


def open_url(url: StoreURL) -> FileStore:
    """``file:///folder``, absolute. Parameter: ``max_bytes``."""
    url.allow_parts("path")
    with url.parameters() as parameters:
        max_bytes = parameters.integer("max_bytes", 1_000_000, least=1000)
    if os.name != "posix":
        raise ConfigurationError("the file store needs POSIX's file locks; use sqlite here")
    if len(url.path) < 2:
        raise ConfigurationError("a file url names a folder, as in file:///var/lib/sessions")
    return FileStore(url.path, max_bytes=max_bytes)
