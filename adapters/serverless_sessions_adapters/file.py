"""Sessions as files, one each, at the place where Astro's fs driver keeps its own."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
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
_LOCK = ".lock"
_EMPTIED = 0.05
"""Seconds for which a file that is empty may be one that Astro has opened and not yet written."""
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
            (self.folder / _LOCK).unlink(missing_ok=True)
            with suppress(OSError):
                self.folder.rmdir()

    def check(self) -> list[Finding]:
        is_there = self.folder.is_dir()
        found = [Finding(is_there, "the folder is there", "call provision()")]
        if is_there:
            writable = os.access(self.folder, os.R_OK | os.W_OK | os.X_OK)
            found.append(Finding(writable, "its files can be read and written", "chmod u+rwx"))
            private = not self.folder.stat().st_mode & 0o077
            found.append(Finding(private, "nobody else can read it", "chmod go-rwx"))
        return found


class _Files(Documents):
    kind = "file"

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self.max_bytes = max_bytes

    def get(self, key: str) -> tuple[str, str] | None:
        with _in_our_terms("reading a session"):
            return self._read(self._path(key))

    def put(self, key: str, text: str, *, if_version: Any, expires: int | None) -> str:
        path = self._path(key)
        with _in_our_terms("writing a session"), self._lock():
            found = self._read(path)
            if (ABSENT if found is None else found[1]) != if_version:
                raise Conflict("somebody changed the session first")
            self._replace(path, text)
        return _version(text.encode())

    def remove(self, key: str) -> None:
        with _in_our_terms("removing a session"), self._lock():
            self._path(key).unlink(missing_ok=True)

    def keys(self) -> Iterator[str]:
        with _in_our_terms("listing the sessions"):
            paths = list(self._folder.iterdir()) if self._folder.is_dir() else []
        return (path.name for path in paths if _NAME.fullmatch(path.name))

    def _path(self, key: str) -> Path:
        if not _NAME.fullmatch(key):
            raise ConfigurationError("a stored key is a file's name: letters, digits, _ and -")
        return self._folder / key

    def _read(self, path: Path) -> tuple[str, str] | None:
        """Empty is absent, as to Astro; but Astro empties a file before it writes it."""
        ends = time.monotonic() + min(_EMPTIED, clock.time_left())
        while True:
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                return None
            if content or time.monotonic() >= ends:
                break
            time.sleep(_AGAIN)
        return (content.decode(errors="replace"), _version(content)) if content else None

    def _replace(self, path: Path, text: str) -> None:
        handle, name = tempfile.mkstemp(dir=self._folder, prefix=".", suffix=".new")
        written = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            written.replace(path)
        except BaseException:
            with suppress(OSError):
                written.unlink()
            raise

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
