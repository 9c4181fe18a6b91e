"""The five operations on Firestore documents, as generators that yield requests."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from google.api_core.exceptions import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
)
from google.cloud.firestore_v1 import Increment

from serverless_sessions import clock
from serverless_sessions.errors import Conflict, Moved, SessionError, SessionGone
from serverless_sessions.patience import Patience
from serverless_sessions.sansio import Asking, StoreOperations
from serverless_sessions.store import (
    ABSENT,
    DELETED,
    EXPIRED,
    Absence,
    Change,
    Deletion,
    Found,
    Guarantees,
    Record,
)

from ._firestore_client import Location, Write, Written
from ._firestore_documents import (
    MAX_BYTES,
    NUMBERS,
    WITHOUT_ENTRIES,
    Marker,
    Version,
    deadline,
    instead,
    is_alive,
    is_due,
    live,
    of_change,
    of_marker,
    of_record,
    version,
    who,
)
from ._firestore_errors import is_too_large, translated

_CHANGED_MEANWHILE = (AlreadyExists, FailedPrecondition, NotFound)
PAUSES = (0.004, 0.2)
"""Seconds at most: the first pause before a further try, and any."""


class FirestoreOperations(StoreOperations):
    """Every write is one commit, all or nothing, without a transaction and its locks.

    What happens when an operation of several requests is cut off between them: ``delete`` has read
    and done nothing; ``create`` over a dead document has read and done nothing; an update that
    moves the deadline by itself has made its change, whose deadline still is the old one; all
    others have done all or nothing.
    """

    guarantees = Guarantees(lists_users=True, scans=True, max_bytes=MAX_BYTES, tells_expired=True)
    kind = "firestore"

    def __init__(self, location: Location) -> None:
        self._location = location

    def load(self, key: str) -> Asking[Found]:
        found = yield from read(key)
        try:
            return handed_out(found)
        except Moved as moved:
            return moved
        except SessionGone:
            return EXPIRED if isinstance(found.holds, Record) else None

    def create(self, key: str, record: Record) -> Asking[None]:
        patience, fields = Patience(*PAUSES), of_record(record)
        write = Write("create", key, fields)
        while True:
            try:
                yield from commit(patience, write)
            except _CHANGED_MEANWHILE:
                found = yield from read(key, WITHOUT_ENTRIES)
                if found.at is None:
                    write = Write("create", key, fields)
                elif _is_repeat(record, found):
                    return
                elif found.standing is not None:
                    raise Conflict("another session stands under this key") from None
                else:
                    write = Write("update", key, instead(fields), found.at)
                yield from patience.wait()
            else:
                return

    def update(self, key: str, change: Change) -> Asking[None]:
        if change.rid is None and not change.expect:
            yield from _update_blindly(key, change)
        else:
            yield from _update_as_seen(key, change)

    def rotate(
        self, old: str, new: str, record: Record, rev: object, grace_until: int
    ) -> Asking[None]:
        creation = Write("create", new, of_record(record))
        if isinstance(rev, Version) and isinstance(rev.standing, Record):
            marker = Write("update", old, instead(of_marker(new, grace_until)), rev.at)
            try:
                yield from commit(Patience(*PAUSES), creation, marker)
            except _CHANGED_MEANWHILE:
                pass
            else:
                return
        if _is_repeat(record, (yield from read(new, WITHOUT_ENTRIES))):
            return
        live((yield from read(old, WITHOUT_ENTRIES)))
        raise Conflict("the session changed since it was read, or the new key is taken")

    def delete(self, key: str) -> Asking[Deletion | Absence | Moved]:
        patience = Patience(*PAUSES)
        while True:
            found = yield from read(key, WITHOUT_ENTRIES)
            if found.at is None:
                return ABSENT
            standing = found.standing
            if isinstance(standing, Marker):
                return Moved(standing.to)
            try:
                yield from commit(patience, Write("delete", key, at=found.at))
            except _CHANGED_MEANWHILE:
                yield from patience.wait()
            else:
                return ABSENT if standing is None else DELETED

    def list_user(self, user: str) -> Asking[list[str]]:
        keys: list[str] = yield lambda client: client.keys_with("who", who(user))
        return keys

    def translated(self, error: Exception, action: str) -> SessionError:
        return translated(error, f"{action} in {self._location}")


def read(key: str, fields: tuple[str, ...] | None = None) -> Asking[Version]:
    return version((yield lambda client: client.get(key, fields)))


def commit(patience: Patience, *writes: Write) -> Asking[list[Written]]:
    """All writes or none. Aborted is a try that met another writer's lock, and did nothing."""
    while True:
        try:
            written: list[Written] = yield lambda client: client.commit(writes)
            return written
        except Aborted:
            yield from patience.wait()


def _update_blindly(key: str, change: Change) -> Asking[None]:
    """Write without knowing what stands there; the answer tells whether that was alive.

    What was not is as dead after it as before.
    """
    patience = Patience(*PAUSES)
    fields = of_change(change) | {name: Increment(0) for name in NUMBERS}
    try:
        (written,) = yield from commit(patience, Write("update", key, fields))
    except NotFound:
        raise SessionGone("the session has ended") from None
    except InvalidArgument as refused:
        if is_too_large(refused):  # of what is dead, the size does not matter
            live((yield from read(key, WITHOUT_ENTRIES)))
        raise
    if not is_alive(written.numbers):
        if not written.numbers.get("created"):  # a marker has none
            live((yield from read(key, WITHOUT_ENTRIES)))
        raise SessionGone("the session has ended")
    with suppress(Conflict):  # the change is made, and the next use moves the deadline
        yield from _touch(key, change, written, patience)


def _touch(key: str, change: Change, written: Written, patience: Patience) -> Asking[None]:
    """Move the deadline, if it is due, of a session that was alive when it was ``written``."""
    at: datetime | None = written.at
    idle, absolute = written.numbers["exp"], written.numbers["abs"]
    while change.idle is not None and is_due(change.idle, idle, change.slack):
        fields = {**deadline(change.idle, absolute), "rev": Increment(1)}
        try:
            yield from commit(patience, Write("update", key, fields, at))
        except _CHANGED_MEANWHILE:
            yield from patience.wait()
            found = yield from read(key, WITHOUT_ENTRIES)
            if not isinstance(found.standing, Record):
                return
            at, idle = found.at, found.standing.idle
        else:
            return


def _update_as_seen(key: str, change: Change) -> Asking[None]:
    """Write to the version in which all that the change asks for was seen to be so.

    As long as others change nothing of that, it is tried again.
    """
    patience = Patience(*PAUSES)
    found = _seen_as_asked(change) or (yield from read(key))
    while True:
        record = live(found)
        if record.nonce == change.nonce != "":  # sent again, as its reply was lost
            return
        if change.rid not in (None, record.facts.rid):
            raise SessionGone("another session stands under this key")
        if not change.is_met_by(record.entries, clock.now()):
            raise Conflict("an entry is not as the change expects it")
        fields = of_change(change, record)
        if change.idle is not None and is_due(change.idle, record.idle, change.slack):
            fields |= deadline(change.idle, record.facts.absolute)
        try:
            yield from commit(patience, Write("update", key, fields, found.at))
        except _CHANGED_MEANWHILE:
            yield from patience.wait()
            found = yield from read(key)
        else:
            return


def _seen_as_asked(change: Change) -> Version | None:
    """What the writer saw, if that is all that the change asks for; else it must be read anew."""
    seen = change.seen
    if isinstance(seen, Version) and isinstance(record := seen.standing, Record):
        same_session = change.rid in (None, record.facts.rid)
        if same_session and change.is_met_by(record.entries, clock.now()):
            return seen
    return None


def _is_repeat(record: Record, found: Version) -> bool:
    """Whether ``found`` is what this very write has stored before its reply was lost."""
    standing = found.standing
    return isinstance(standing, Record) and standing.nonce == record.nonce != ""


def handed_out(found: Version) -> Record:
    """The live record without the entries that have ended. Raises as ``live`` does."""
    record, now = live(found), clock.now()
    entries = {name: entry for name, entry in record.entries.items() if entry.alive(now)}
    return record._replace(entries=entries, rev=found)
