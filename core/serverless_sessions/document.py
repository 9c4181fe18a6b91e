"""A full store over any backend that can get, put and remove one text under a key."""

from __future__ import annotations

import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from . import clock, document_text
from .document_text import Document, Revision
from .errors import Conflict, CorruptRecord, Moved, SessionError, SessionGone, StoreUnavailable
from .sansio import Asking, ClientStore, StoreOperations
from .store import (
    ABSENT,
    DELETED,
    MARKER_SECONDS,
    TTL_LAG_SECONDS,
    Absence,
    Change,
    Deletion,
    Guarantees,
    Record,
    refuse_oversize,
    size_of,
)

MAX_BYTES = 1_000_000
PAUSES = (0.002, 0.02)
"""Seconds, at random, before a lost compare-and-set is tried again."""


class Documents(ABC):
    """A backend of texts. Errors are ours, with the backend's own as ``__cause__``; each call ends
    within ``clock.time_left()`` seconds; many threads may call at once.

    ``conditional`` is whether ``put`` honours ``if_version``. Where it does not, two writers can
    lose each other's keys and a late one brings back what was destroyed: the store declares so.
    ``max_bytes`` is of a whole text; a session's names and values may take three quarters of it.
    """

    conditional: bool = True
    max_bytes: int = MAX_BYTES

    @abstractmethod
    def get(self, key: str) -> tuple[str, Any] | None:
        """The text under ``key`` and its version, or None."""

    @abstractmethod
    def put(self, key: str, text: str, *, if_version: Any, expires: int | None) -> Any:
        """Store ``text`` whole, and return its version.

        Raises Conflict unless what is there has the version ``if_version``, or where it is ABSENT
        unless nothing is there. ``expires`` is the Unix second from which the backend may remove
        it, None for never.
        """

    @abstractmethod
    def remove(self, key: str) -> None:
        """Remove what is there, if anything is."""

    def keys(self) -> Iterator[str] | None:
        """Every key, in no order; None where the backend cannot list them."""
        return None

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def close(self) -> None:  # noqa: B027  (most backends hold nothing open)
        """Let go of connections."""


class AsyncDocuments(ABC):
    """``Documents`` with coroutines; what is said there holds here."""

    @abstractmethod
    async def get(self, key: str) -> tuple[str, Any] | None: ...

    @abstractmethod
    async def put(self, key: str, text: str, *, if_version: Any, expires: int | None) -> Any: ...

    @abstractmethod
    async def remove(self, key: str) -> None: ...

    async def pause(self, seconds: float) -> None:
        import asyncio

        await asyncio.sleep(seconds)

    async def close(self) -> None:  # noqa: B027  (most backends hold nothing open)
        """Let go of connections."""


class DocumentStore(ClientStore):
    """Sessions as texts that Astro reads and writes too.

    A change reads the text, changes it, and puts it back if nobody was first; else it is done
    again on what they left. A rotation writes the new text before the old one becomes a marker,
    and the new one counts once that has happened: interrupted, it leaves the old session.
    ``adopts`` is whether a text without our facts is a session of Astro's.
    """

    def __init__(
        self,
        documents: Documents,
        open_async: Callable[[], AsyncDocuments] | None = None,
        *,
        adopts: bool = True,
    ) -> None:
        operations = _Operations(documents.conditional, documents.max_bytes, adopts)
        super().__init__(operations, documents, open_async)
        self.documents = documents
        self._read = operations.read
        if documents.keys() is not None:
            self.guarantees = self.guarantees._replace(scans=True, purges=True)

    def scan(self) -> Iterator[tuple[str, Record]]:
        for key in self.documents.keys() or super().scan():
            found = self.load(str(key))
            if isinstance(found, Record):
                yield str(key), found

    def purge(self, limit: int = 1000) -> int:
        """Remove texts of sessions that have expired and markers past their hour, at most
        ``limit``; returns how many went. What Astro began and no function changed stays."""
        gone = 0
        for key in self.documents.keys() or ():
            if gone >= limit:
                break
            gone += self.ask("purging a session", self._purged(key))
        return gone

    def close(self) -> None:
        self.documents.close()

    def _purged(self, key: str) -> Asking[int]:
        found = yield lambda documents: documents.get(key)
        try:
            document = self._read(found, key)
        except CorruptRecord:
            return 0
        if document is None or document.marker is not None or _live(document) is not None:
            return 0
        yield lambda documents: documents.remove(key)
        return 1


class _Operations(StoreOperations):
    def __init__(self, conditional: bool, max_bytes: int, adopts: bool) -> None:
        self.guarantees = Guarantees(
            conditional=conditional,
            merges_keys=conditional,
            dead_stays_dead=conditional,
            atomic_rotation=conditional,
            max_bytes=max_bytes * 3 // 4,
        )
        self._conditional = conditional
        self._max_bytes = max_bytes
        self._adopts = adopts

    def load(self, key: str) -> Asking[Record | Moved | None]:
        document = yield from self._get(key)
        if document is None:
            return None
        if document.marker is not None:
            to, grace_until = document.marker
            return Moved(to) if to and grace_until > clock.now() else None
        return _live(document)

    def create(self, key: str, record: Record) -> Asking[None]:
        text, version = self._sized(document_text.written(record), record), ABSENT
        while True:
            try:
                yield from self._put(key, text, version, _expires(record))
            except Conflict as lost:
                document = yield from self._get(key)
                standing = _live(document)
                if standing is not None and standing.nonce == record.nonce:
                    return
                if standing is not None or (document is not None and document.marker is not None):
                    raise
                version = document.version if document is not None else ABSENT
                yield from _breath(lost)
            else:
                return

    def update(self, key: str, change: Change) -> Asking[None]:
        while True:
            document = yield from self._get(key)
            record = _live(document)
            if document is None or record is None:
                raise _moved_or_gone(document)
            if change.rid not in (None, record.facts.rid):
                raise SessionGone("another session stands under this key")
            if not change.is_met_by(record.entries, clock.now()):
                raise Conflict("an entry is not as the change expects it")
            text, after = document_text.changed(document, change)
            try:
                yield from self._put(
                    key, self._sized(text, after), document.version, _expires(after)
                )
            except Conflict as lost:
                yield from _breath(lost)
            else:
                return

    def rotate(
        self, old: str, new: str, record: Record, rev: object, grace_until: int
    ) -> Asking[None]:
        text = self._sized(document_text.written(record, rotated_from=old), record)
        if not isinstance(rev, Revision) or rev.deadline <= clock.now():
            before = yield from self._get(old)
            raise _moved_or_gone(before) if _live(before) is None else _changed()
        try:
            version = yield from self._put(new, text, ABSENT, _expires(record))
        except Conflict:
            found = yield lambda documents: documents.get(new)
            document = self.read(found, new)
            standing = _live(document)
            if document is None or standing is None or standing.nonce != record.nonce:
                raise
            if document.rotated_from is None:
                return
            version = document.version
        ends = clock.now() + MARKER_SECONDS + TTL_LAG_SECONDS
        try:
            yield from self._put(old, document_text.marker(new, grace_until), rev.version, ends)
        except Conflict:
            before = yield from self._get(old)
            if not _leads(before, new):
                yield lambda documents: documents.remove(new)
                if _live(before) is None:
                    raise _moved_or_gone(before) from None
                raise
        # It counts already: this spares later reads a look at the marker.
        with suppress(Conflict, StoreUnavailable):
            yield from self._put(new, document_text.written(record), version, _expires(record))

    def delete(self, key: str) -> Asking[Deletion | Absence | Moved]:
        """What is there becomes a marker to nowhere before it is removed, so that a rotation at
        the same time has either happened, and is followed, or fails."""
        while True:
            found = yield lambda documents: documents.get(key)
            try:
                document = self.read(found, key)
            except CorruptRecord:
                document = None
            if found is None:
                return ABSENT
            if document is not None and document.marker is not None and document.marker.to:
                return Moved(document.marker.to)
            ends = clock.now() + MARKER_SECONDS
            if self._conditional:
                try:
                    yield from self._put(key, document_text.marker("", 0), found[1], ends)
                except Conflict as lost:
                    yield from _breath(lost)
                    continue
            yield lambda documents: documents.remove(key)
            is_dead = document is not None and _live(document) is None
            return ABSENT if is_dead else DELETED

    def translated(self, error: Exception, action: str) -> SessionError:
        return StoreUnavailable(f"{action} failed in the backend's own code")

    def read(self, found: tuple[str, Any] | None, key: str) -> Document | None:
        if found is None:
            return None
        return document_text.read(found[0], key, found[1], adopts=self._adopts)

    def _get(self, key: str) -> Asking[Document | None]:
        """What counts of what is there: a record whose rotation never came to its end does not."""
        found = yield lambda documents: documents.get(key)
        document = self.read(found, key)
        if document is not None and (old := document.rotated_from) is not None:
            before = yield lambda documents: documents.get(old)
            if not _leads(self.read(before, old), key):
                return document._replace(record=None)
        return document

    def _put(self, key: str, text: str, version: Any, expires: int | None) -> Asking[Any]:
        written = yield lambda documents: documents.put(
            key, text, if_version=version, expires=expires
        )
        return written

    def _sized(self, text: str, record: Record) -> str:
        """Raises SessionTooLarge."""
        refuse_oversize(size_of(record.entries), self._max_bytes * 3 // 4)
        refuse_oversize(len(text.encode()), self._max_bytes)
        return text


def _live(document: Document | None) -> Record | None:
    record = document.record if document is not None else None
    return record if record is not None and record.alive(clock.now()) else None


def _leads(document: Document | None, to: str) -> bool:
    return document is not None and document.marker is not None and document.marker.to == to


def _moved_or_gone(document: Document | None) -> SessionError:
    marker = document.marker if document is not None else None
    if marker is not None and marker.to and marker.grace_until > clock.now():
        return Moved(marker.to)
    return SessionGone("the session has ended")


def _changed() -> Conflict:
    return Conflict("the session changed since it was read")


def _expires(record: Record) -> int:
    return record.deadline + TTL_LAG_SECONDS


def _breath(lost: Conflict) -> Asking[None]:
    """A moment for whoever was first. Raises ``lost`` when no time is left."""
    seconds = random.uniform(*PAUSES)  # noqa: S311  (jitter)
    if clock.time_left() <= seconds:
        raise Conflict("others kept changing the session until time was up") from lost
    yield lambda documents: documents.pause(seconds)
