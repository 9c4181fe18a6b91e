"""The five operations on a table of Azure's, in requests that both of its clients understand."""

from __future__ import annotations

from serverless_sessions import clock
from serverless_sessions.errors import Conflict, Moved, SessionError, SessionGone, SessionTooLarge
from serverless_sessions.patience import Patience
from serverless_sessions.sansio import Asking, StoreOperations
from serverless_sessions.store import (
    ABSENT,
    DELETED,
    EXPIRED,
    MARKER_SECONDS,
    Absence,
    Change,
    Deletion,
    Found,
    Guarantees,
    Record,
)

from ._azure_client import translated
from ._azure_entities import FACTS, MAX_BYTES, Marker, Stored, changed, whole
from ._azure_requests import (
    PARTITIONS,
    found_by,
    listed,
    listing_prefix,
    partition_of,
    put,
    read,
    removed,
    rewritten,
    transaction,
    unlisted,
    won,
)

PAUSES = (0.004, 0.1)
"""Seconds at most: the first pause before a further try, and any."""


class AzureTablesOperations(StoreOperations):
    """Every write is one request, which is carried out whole or not at all.

    A table cannot compare deadlines, so each write names the etag of what was judged alive, as
    ``Change.seen`` has it or as read first. Who comes second reads and judges again.

    Requests: load 1, create 1, update 1 after a read and 2 without, rotate 1, delete 2,
    list_user 16. A lost race adds 2 to an update and a delete, 3 to a rotation.
    """

    guarantees = Guarantees(
        lists_users=True, scans=True, purges=True, max_bytes=MAX_BYTES, tells_expired=True
    )
    kind = "azure-tables"

    def __init__(self, table: str) -> None:
        self.table = table

    def load(self, key: str) -> Asking[Found]:
        found = yield from read(key)
        standing = _standing(found)
        if isinstance(standing, Marker):
            return Moved(standing.to) if standing.grace_until > clock.now() else None
        if standing is None and found is not None and found.is_record:
            return EXPIRED
        return standing

    def create(self, key: str, record: Record) -> Asking[None]:
        properties, patience, dead = whole(key, record), Patience(*PAUSES), None
        while True:
            creation = transaction(put(key, properties, over=dead), *listed(key, record))
            if (yield from won(creation)):
                return
            dead = yield from read(key)
            standing = _standing(dead)
            if _is_repeat(record, standing):
                return
            if standing is not None:
                raise Conflict("another session stands under this key")
            yield from patience.wait()

    def update(self, key: str, change: Change) -> Asking[None]:
        patience, seen = Patience(*PAUSES), change.seen
        if isinstance(seen, Stored) and seen.key == key:
            try:
                if (yield from _change(seen, change)):
                    return
            except (SessionGone, Moved, Conflict, SessionTooLarge):
                pass  # by what was seen; it may be otherwise by now
        while not (yield from _change((yield from read(key)), change)):
            yield from patience.wait()

    def rotate(
        self, old: str, new: str, record: Record, rev: object, grace_until: int
    ) -> Asking[None]:
        properties, patience, target = whole(new, record), Patience(*PAUSES), None
        marker = Marker(new, grace_until, clock.now() + MARKER_SECONDS)._asdict()
        while True:
            if isinstance(rev, Stored) and isinstance(_standing(rev), Record):
                move = put(new, properties, over=target), put(old, marker, over=rev)
                if (yield from won(transaction(*move, *listed(new, record), *unlisted(rev)))):
                    return
            target = yield from read(new)
            standing = _standing(target)
            if _is_repeat(record, standing):
                return
            if _live((yield from read(old))).rev != rev:
                raise Conflict("the session changed since it was read")
            if standing is not None:
                raise Conflict("another session stands under the new key")
            yield from patience.wait()

    def delete(self, key: str) -> Asking[Deletion | Absence | Moved]:
        patience = Patience(*PAUSES)
        while True:
            found = yield from read(key, *FACTS)
            standing = _standing(found)
            if isinstance(standing, Marker):
                return Moved(standing.to)
            if found is None:
                return ABSENT
            if (yield from won(transaction(*removed(found)))):
                return ABSENT if standing is None else DELETED
            yield from patience.wait()

    def list_user(self, user: str) -> Asking[list[str]]:
        prefix, now = listing_prefix(user), clock.now()
        keys: list[str] = []
        for partition in PARTITIONS:
            query = (
                f"PartitionKey eq '{partition}' and ends gt {now}L"
                f" and RowKey ge '{prefix}' and RowKey lt '{prefix}g'"
            )
            rows = yield from found_by(query, "ends")
            keys += [row["RowKey"].removeprefix(prefix) for row in rows]
        return keys

    def colocated(self, a: str, b: str) -> bool:
        return partition_of(a) == partition_of(b)

    def translated(self, error: Exception, action: str) -> SessionError:
        return translated(error, action, self.table)


def _change(found: Stored | None, change: Change) -> Asking[bool]:
    """Whether the change was carried out; not if another writer was faster."""
    record = _live(found)
    if change.nonce and change.nonce == record.nonce:
        return True
    if change.rid not in (None, record.facts.rid):
        raise SessionGone("another session stands under this key")
    if not change.is_met_by(record.entries, clock.now()):
        raise Conflict("an entry is not as the change expects it")
    assert found is not None
    return (yield from won(rewritten(found, changed(found, record, change))))


def _standing(found: Stored | None) -> Record | Marker | None:
    return None if found is None else found.standing(clock.now())


def _live(found: Stored | None) -> Record:
    standing = _standing(found)
    if isinstance(standing, Record):
        return standing
    if isinstance(standing, Marker) and standing.grace_until > clock.now():
        raise Moved(standing.to)
    raise SessionGone("the session has ended")


def _is_repeat(record: Record, standing: Record | Marker | None) -> bool:
    """Whether ``standing`` is what this very write has stored before its reply was lost."""
    return isinstance(standing, Record) and standing.nonce == record.nonce != ""
