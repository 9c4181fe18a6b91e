"""The five operations on sessions that are one text each, over a backend of texts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from . import clock, document_text
from .document_text import Document, Revision, Rotation
from .errors import (
    Conflict,
    CorruptRecord,
    Moved,
    SessionError,
    SessionGone,
    SessionTooLarge,
    StoreUnavailable,
    Unsupported,
)
from .patience import Patience
from .sansio import Asking, ClientStore, StoreOperations
from .store import (
    ABSENT,
    DELETED,
    EXPIRED,
    MARKER_SECONDS,
    TTL_LAG_SECONDS,
    Absence,
    Change,
    Deletion,
    Found,
    Guarantees,
    Record,
    refuse_oversize,
    size_of,
)

MAX_BYTES = 1_000_000
ADOPTED_SECONDS = 30 * 86_400
"""How long a session that Astro began may last once a function has changed it, unless ``adopt`` is
told otherwise."""
PAUSES = (0.01, 0.1)
"""Seconds at most: the first pause and any, before a lost compare-and-set is tried again."""


class Texts(ABC):
    """A backend that keeps one text under a key, in requests that each of its clients understands.

    ``conditional`` is whether ``put`` honours ``if_version``; ``max_bytes`` is of a whole text.
    """

    kind: str = "other"
    conditional: bool = True
    max_bytes: int = MAX_BYTES

    @abstractmethod
    def get(self, key: str) -> Asking[tuple[str, Any] | None]:
        """The text under ``key`` and its version, or None."""

    @abstractmethod
    def put(self, key: str, text: str, *, if_version: Any, expires: int | None) -> Asking[Any]:
        """Store ``text`` whole, and give its version. Raises Conflict unless what is there has the
        version ``if_version``, or where it is ABSENT unless nothing is there."""

    @abstractmethod
    def remove(self, key: str) -> Asking[None]:
        """Remove what is there, if anything is."""

    def translated(self, error: Exception, action: str) -> SessionError:
        """What the client's ``error`` is in our terms."""
        return StoreUnavailable(f"{action} failed in the backend's own code")


class TextStore(ClientStore):
    """Sessions as texts that Astro reads and writes too; see ``DocumentStore``."""

    operations: TextOperations

    def __init__(
        self,
        texts: Texts,
        client: Any,
        open_async: Callable[[], Any] | None = None,
        *,
        adopts: bool = True,
    ) -> None:
        super().__init__(TextOperations(texts, adopts), client, open_async)
        if self.keys() is not None:
            self.guarantees = self.guarantees._replace(scans=True, purges=True)

    def keys(self) -> Iterator[str] | None:
        """Every key, in no order; None where the backend cannot list them."""
        return None

    def scan(self) -> Iterator[tuple[str, Record]]:
        """As of every store; what is damaged is left out."""
        for key in self.keys() or super().scan():
            try:
                found = self.load(str(key))
            except CorruptRecord:
                continue
            if isinstance(found, Record):
                yield str(key), found

    def purge(self, limit: int = 1000) -> int:
        """Remove texts of sessions that have expired and markers past their hour, at most
        ``limit``; returns how many went. What Astro began and no function changed stays."""
        keys, gone = self.keys(), 0
        if keys is None:
            return super().purge(limit)
        for key in keys:
            if gone >= limit:
                break
            gone += self.ask("purging a session", self.operations.purge(key))
        return gone


class TextOperations(StoreOperations):
    """A change reads the text, changes it, and puts it back if nobody was first; else it is done
    again on what they left. What a put cannot condition is not promised, and checked by a read.

    Requests: load 1, create 1, update 1 after a read and 2 without, rotate 3, delete 3. Each race
    lost adds 2 and a pause.
    """

    def __init__(self, texts: Texts, adopts: bool) -> None:
        conditional = texts.conditional
        self.kind = texts.kind
        self.guarantees = Guarantees(
            conditional=conditional,
            merges_keys=conditional,
            dead_stays_dead=conditional,
            atomic_rotation=conditional,
            max_bytes=texts.max_bytes * 3 // 4,
            tells_expired=True,
            shared_with_astro=adopts,
        )
        self._texts = texts
        self._adopted_seconds = ADOPTED_SECONDS if adopts else None

    def load(self, key: str) -> Asking[Found]:
        document = yield from self._get(key)
        if document is None:
            return None
        if document.marker is not None:
            to, grace_until = document.marker
            return Moved(to) if to and grace_until > clock.now() else None
        record = _live(document)
        if record is not None:
            return record._replace(rev=Revision(document))
        return None if document.record is None else EXPIRED

    def create(self, key: str, record: Record) -> Asking[None]:
        text, version = self._sized(document_text.written(record), record), ABSENT
        patience, looks_first = Patience(*PAUSES), not self._texts.conditional
        while True:
            if looks_first:
                document = yield from self._get(key)
                if _is_repeat(document, record):
                    return
                if _is_taken(document):
                    raise Conflict("another session stands under this key")
                version = document.version if document is not None else ABSENT
            try:
                yield from self._put(key, text, version, record)
            except Conflict:
                looks_first = True
                yield from patience.wait()
            else:
                return

    def update(self, key: str, change: Change) -> Asking[None]:
        if change.expect and not self._texts.conditional:
            raise Unsupported("the backend has no conditional writes")
        patience, seen = Patience(*PAUSES), change.seen
        if isinstance(seen, Revision) and seen.document.key == key and self._texts.conditional:
            # By what was seen; it may be otherwise by now.
            with suppress(SessionGone, Moved, Conflict, SessionTooLarge):
                yield from self._change(seen.document, change)
                return
        while True:
            document = yield from self._get(key)
            try:
                yield from self._change(document, change)
            except _Overtaken:
                yield from patience.wait()
            else:
                return

    def rotate(
        self, old: str, new: str, record: Record, rev: object, grace_until: int
    ) -> Asking[None]:
        """The new text is written before the old one becomes a marker, and counts once that has
        happened: interrupted, a rotation leaves the old session."""
        seen = rev if isinstance(rev, Revision) else None
        text = document_text.written(record, seen, rotation=Rotation(old, new))
        self._sized(text, record)
        if seen is None or seen.document.key != old or not seen.record.alive(clock.now()):
            before = yield from self._get(old)
            raise _moved_or_gone(before) if _live(before) is None else _changed()
        if not self._texts.conditional:
            yield from self._rotate_after_a_look(old, new, record, seen, grace_until)
            return
        try:
            version = yield from self._put(new, text, ABSENT, record)
        except Conflict:
            target = self.read((yield from self._texts.get(new)), new)
            if target is None or not _is_repeat(target, record):
                raise
            if target.rotated_from is None:
                return
            version = target.version
        try:
            yield from self._put_marker(old, new, grace_until, seen.document.version)
        except Conflict:
            before = yield from self._get(old)
            if not _leads(before, new):
                yield from self._texts.remove(new)
                if _live(before) is None:
                    raise _moved_or_gone(before) from None
                raise
        # It counts already: this spares the next read a look at the marker.
        with suppress(Exception):
            yield from self._put(new, document_text.written(record, seen), version, record)

    def delete(self, key: str) -> Asking[Deletion | Absence | Moved]:
        """What is there becomes a marker to nowhere before it is removed, so that a rotation at
        the same time has either happened, and is followed, or fails."""
        patience = Patience(*PAUSES)
        while True:
            found = yield from self._texts.get(key)
            if found is None:
                return ABSENT
            try:
                document = self.read(found, key)
            except CorruptRecord:
                document = None
            if document is not None and document.marker is not None and document.marker.to:
                return Moved(document.marker.to)
            if self._texts.conditional:
                try:
                    yield from self._put_marker(key, "", 0, found[1])
                except Conflict:
                    yield from patience.wait()
                    continue
            yield from self._texts.remove(key)
            is_dead = document is not None and _live(document) is None
            return ABSENT if is_dead else DELETED

    def purge(self, key: str) -> Asking[int]:
        """Remove what has ended under a key; returns whether it was 1 text or 0."""
        found = yield from self._texts.get(key)
        try:
            document = self.read(found, key)
        except CorruptRecord:
            return 0
        if document is None or document.marker is not None or _live(document) is not None:
            return 0
        yield from self._texts.remove(key)
        return 1

    def adopt(self, seconds: int) -> None:
        if self._adopted_seconds is not None:
            self._adopted_seconds = seconds

    def translated(self, error: Exception, action: str) -> SessionError:
        return self._texts.translated(error, action)

    def read(self, found: tuple[str, Any] | None, key: str) -> Document | None:
        if found is None:
            return None
        return document_text.read(found[0], key, found[1], self._adopted_seconds)

    def _get(self, key: str) -> Asking[Document | None]:
        """What counts of what is there: a record whose rotation never came to its end does not.
        One of which only the last step is missing gets it now, as the marker will not stay."""
        document = self.read((yield from self._texts.get(key)), key)
        if document is None or (old := document.rotated_from) is None:
            return document
        if not _leads(self.read((yield from self._texts.get(old)), old), key):
            return document._replace(record=None)
        text, record = document_text.changed(document, Change(nonce=_nonce_of(document)))
        with suppress(Exception):
            version = yield from self._put(key, text, document.version, record)
            return self.read((text, version), key)
        return document

    def _rotate_after_a_look(
        self, old: str, new: str, record: Record, seen: Revision, grace_until: int
    ) -> Asking[None]:
        before = yield from self._get(old)
        target = yield from self._get(new)
        if _is_repeat(target, record):
            if _leads(before, new):
                return
        elif _is_taken(target):
            raise Conflict("another session stands under the new key")
        if before is None or _live(before) is None:
            raise _moved_or_gone(before)
        if before.version != seen.document.version:
            raise _changed()
        yield from self._put(new, document_text.written(record, seen), ABSENT, record)
        yield from self._put_marker(old, new, grace_until, seen.document.version)

    def _change(self, document: Document | None, change: Change) -> Asking[None]:
        """Carry out a change on what was read. Raises _Overtaken when somebody was first."""
        record = _live(document)
        if document is None or record is None:
            raise _moved_or_gone(document)
        if change.nonce and change.nonce == record.nonce:
            return
        if change.rid not in (None, record.facts.rid):
            raise SessionGone("another session stands under this key")
        if not change.is_met_by(record.entries, clock.now()):
            raise Conflict("an entry is not as the change expects it")
        text, after = document_text.changed(document, change)
        self._sized(text, after)
        try:
            yield from self._put(document.key, text, document.version, after)
        except Conflict as lost:
            raise _Overtaken("somebody changed the session first") from lost

    def _put(self, key: str, text: str, version: Any, record: Record) -> Asking[Any]:
        ends = record.deadline + TTL_LAG_SECONDS
        return (yield from self._texts.put(key, text, if_version=version, expires=ends))

    def _put_marker(self, key: str, to: str, grace_until: int, version: Any) -> Asking[None]:
        text = document_text.marker(to, grace_until)
        ends = clock.now() + MARKER_SECONDS + TTL_LAG_SECONDS
        yield from self._texts.put(key, text, if_version=version, expires=ends)

    def _sized(self, text: str, record: Record) -> str:
        """Raises SessionTooLarge."""
        refuse_oversize(size_of(record.entries), self._texts.max_bytes * 3 // 4)
        refuse_oversize(len(text.encode()), self._texts.max_bytes)
        return text


class _Overtaken(Conflict):
    """What a change was made on is no longer what is there."""


def _live(document: Document | None) -> Record | None:
    record = document.record if document is not None else None
    return record if record is not None and record.alive(clock.now()) else None


def _is_taken(document: Document | None) -> bool:
    return document is not None and (document.marker is not None or _live(document) is not None)


def _is_repeat(document: Document | None, record: Record) -> bool:
    """Whether this very write has been stored before its reply was lost."""
    standing = _live(document)
    return standing is not None and standing.nonce == record.nonce != ""


def _leads(document: Document | None, to: str) -> bool:
    return document is not None and document.marker is not None and document.marker.to == to


def _nonce_of(document: Document) -> str:
    return document.record.nonce if document.record is not None else ""


def _moved_or_gone(document: Document | None) -> SessionError:
    marker = document.marker if document is not None else None
    if marker is not None and marker.to and marker.grace_until > clock.now():
        return Moved(marker.to)
    return SessionGone("the session has ended")


def _changed() -> Conflict:
    return Conflict("the session changed since it was read")
