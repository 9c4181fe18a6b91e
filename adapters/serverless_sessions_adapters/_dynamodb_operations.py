"""The five operations on a table of DynamoDB: conditional writes of what changed, and no more."""

from __future__ import annotations

from botocore.exceptions import ClientError

from serverless_sessions import clock, ids
from serverless_sessions.errors import Conflict, Moved, SessionError, SessionGone
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
    refuse_oversize,
    size_of,
)

from . import _dynamodb_errors as errors
from ._dynamodb_items import (
    ITEM_BYTES,
    Item,
    Marker,
    Rev,
    absent,
    bytes_of,
    changed,
    equal,
    expected,
    fits_an_expression,
    free,
    is_live,
    is_whole,
    live,
    marker_item,
    marker_of,
    number_of,
    record_item,
    record_of,
    text_of,
)
from ._dynamodb_requests import Arguments, Table, Unmet, pause
from ._dynamodb_users import UserIndex, Write

MAX_BYTES = 400_000
"""What remains of an item holds the facts and a thousand entries, or half as many with a ttl;
more of both are counted as they are."""


class DynamoDBOperations(StoreOperations):
    """``tells`` says that a write whose condition did not hold tells what stood there, and so by
    silence that nothing did; workalikes of DynamoDB are read instead.
    """

    guarantees = Guarantees(lists_users=True, scans=True, max_bytes=MAX_BYTES, tells_expired=True)
    kind = "dynamodb"

    def __init__(self, table: Table, *, tells: bool = True) -> None:
        self._table = table
        self._users = UserIndex(table)
        self._tells = tells

    def load(self, key: str) -> Asking[Found]:
        item = yield from self._table.get(key)
        if is_live(item):
            return record_of(item)
        return EXPIRED if is_whole(item) else _moved(item)

    def create(self, key: str, record: Record) -> Asking[None]:
        put = self._table.put(_new_item(key, record), free())
        while True:
            try:
                yield from self._put_new(put, key, record)
            except Unmet as unmet:
                stood = yield from self._stood(key, unmet)
                if _is_repeat(record, stood):
                    return
                if _stands(stood):
                    raise Conflict("another session stands under this key") from unmet
            else:
                return

    def update(self, key: str, change: Change) -> Asking[None]:
        refuse_oversize(size_of(change.set), MAX_BYTES)
        if not fits_an_expression(change):
            yield from self._replace(key, change)
            return
        while True:
            try:
                yield from self._table.send("update_item", self._changing(key, change))
            except Unmet as unmet:
                _refuse(change, (yield from self._stood(key, unmet)))
            except ClientError as error:
                if not errors.is_too_large(error):
                    raise
                yield from self._replace(key, change)
                return
            else:
                return

    def rotate(
        self, old: str, new: str, record: Record, rev: object, grace_until: int
    ) -> Asking[None]:
        seen = rev if isinstance(rev, Rev) else Rev("", None, 0)
        marker = marker_item(old, Marker(new, grace_until))
        writes: list[Write] = [
            {"Put": self._table.put(_new_item(new, record), free())},
            {"Put": self._table.put(marker, live() & equal("rev", seen.token))},
        ]
        while True:
            try:
                yield from self._move(writes, old, new, record, seen)
            except Unmet as unmet:
                if (yield from self._is_rotated(old, new, record, seen, unmet)):
                    return
            else:
                return

    def delete(self, key: str) -> Asking[Deletion | Absence | Moved]:
        bound: Item | None = None
        while True:
            try:
                if bound is None:
                    return (yield from self._delete_anonymous(key))
                yield from self._delete_bound(key, bound)
            except Unmet as unmet:
                stood = yield from self._stood(key, unmet)
            else:
                return DELETED if is_live(bound) else ABSENT
            if stood is None:
                return ABSENT
            if "to" in stood:
                marker = marker_of(stood)
                return Moved(marker.to) if marker is not None else ABSENT
            bound = stood if "user" in stood else None

    def list_user(self, user: str) -> Asking[list[str]]:
        return (yield from self._users.members(user))

    def page(self, start: Item | None) -> Asking[tuple[list[tuple[str, Record]], Item | None]]:
        """Live records from ``start`` on, and where the next page starts."""
        arguments: Arguments = {"TableName": self._table.name, "ConsistentRead": True}
        if start is not None:
            arguments["ExclusiveStartKey"] = start
        answer = yield from self._table.send("scan", arguments)
        live_items = [item for item in answer["Items"] if is_live(item)]
        records = [(item["id"]["S"], record_of(item)) for item in live_items]
        return records, answer.get("LastEvaluatedKey")

    def translated(self, error: Exception, action: str) -> SessionError:
        return errors.translated(error, action, self._table.name)

    def _put_new(self, put: Arguments, key: str, record: Record) -> Asking[None]:
        user = record.facts.user
        if user is None:
            yield from self._table.send("put_item", put)
        else:
            absolute = record.facts.absolute
            yield from self._users.transact_with([{"Put": put}], user, key, absolute)

    def _changing(self, key: str, change: Change) -> Arguments:
        condition = live()
        if change.rid is not None:
            condition &= equal("rid", change.rid)
        for unchanged in expected(change.expect):
            condition &= unchanged
        return self._table.update(key, changed(change, ids.draw_nonce()), condition)

    def _replace(self, key: str, change: Change) -> Asking[None]:
        """Read the record, and put it back changed if it still is as it was read."""
        attempt = 0
        while True:
            item = yield from self._table.get(key)
            _refuse(change, item)
            assert item is not None
            record = record_of(item)
            replaced = record._replace(
                entries=change.applied_to(record.entries),
                idle=record.idle if change.idle is None else change.idle,
                nonce=change.nonce,
            )
            put = self._table.put(
                _fitting(record_item(key, replaced, ids.draw_nonce())),
                live() & equal("rev", item["rev"]["S"]),
            )
            try:
                yield from self._table.send("put_item", put)
            except Unmet as unmet:
                yield pause(attempt, unmet)
                attempt += 1
            else:
                return

    def _move(
        self, writes: list[Write], old: str, new: str, record: Record, seen: Rev
    ) -> Asking[None]:
        """Carry out a rotation with what it changes in the users' items."""
        user, absolute = record.facts.user, record.facts.absolute
        renamed = old if seen.user == user else None
        if seen.user is not None and renamed is None:
            writes = [*writes, self._users.without(seen.user, old, seen.absolute)]
        if user is None:
            yield from self._table.transact(writes)
        else:
            yield from self._users.transact_with(writes, user, new, absolute, renamed)

    def _is_rotated(
        self, old: str, new: str, record: Record, seen: Rev, unmet: Unmet
    ) -> Asking[bool]:
        """Whether a rotation that was refused has been carried out before; raises what else stood
        in its way. False asks for another attempt."""
        at_old: Item | None = None
        if 1 in unmet.stood:
            at_old = yield from self._stood(old, unmet, place=1)
        marker = marker_of(at_old)
        if 0 in unmet.stood:
            at_new = yield from self._stood(new, unmet)
        elif marker is not None and marker.to == new:
            at_new = yield from self._table.get(new)
        else:
            at_new = None
        if _is_repeat(record, at_new):
            return True
        if 1 in unmet.stood:
            _refuse(Change(), at_old)
            if at_old is not None and text_of(at_old, "rev") != seen.token:
                raise Conflict("the session changed since it was read")
        if _stands(at_new):
            raise Conflict("another session stands under the new key")
        return False

    def _delete_anonymous(self, key: str) -> Asking[Deletion | Absence]:
        """In one request. Raises Unmet for a marker and for a session that is bound to a user."""
        condition = absent("to") & absent("user")
        deletion = {**self._table.delete(key, condition), "ReturnValues": "ALL_OLD"}
        answer = yield from self._table.send("delete_item", deletion)
        return DELETED if is_live(answer.get("Attributes")) else ABSENT

    def _delete_bound(self, key: str, item: Item) -> Asking[None]:
        """Together with its place among the sessions of its user, whom ``item`` names."""
        user, absolute = item["user"]["S"], number_of(item, "abs") or clock.now()
        condition = absent("to") & equal("user", user)
        deletion: Write = {"Delete": self._table.delete(key, condition)}
        yield from self._table.transact([deletion, self._users.without(user, key, absolute)])

    def _stood(self, key: str, unmet: Unmet, place: int = 0) -> Asking[Item | None]:
        """What stood where the condition did not hold."""
        item = unmet.stood[place]
        if item is None and not self._tells:
            item = yield from self._table.get(key)
        return item


def _new_item(key: str, record: Record) -> Item:
    refuse_oversize(size_of(record.entries), MAX_BYTES)
    return _fitting(record_item(key, record, ids.draw_nonce()))


def _fitting(item: Item) -> Item:
    refuse_oversize(bytes_of(item), ITEM_BYTES)
    return item


def _refuse(change: Change, item: Item | None) -> None:
    """Raise what stands in the way of ``change``; nothing does where this returns."""
    if not is_live(item):
        raise _moved(item) or SessionGone("the session has ended")
    if change.rid not in (None, text_of(item, "rid")):
        raise SessionGone("another session stands under this key")
    if not change.is_met_by(record_of(item).entries, clock.now()):
        raise Conflict("an entry is not as the change expects it")


def _moved(item: Item | None) -> Moved | None:
    """Where a marker leads while its grace lasts."""
    marker = marker_of(item)
    in_grace = marker is not None and marker.grace_until > clock.now()
    return Moved(marker.to) if marker is not None and in_grace else None


def _stands(item: Item | None) -> bool:
    return is_live(item) or marker_of(item) is not None


def _is_repeat(record: Record, item: Item | None) -> bool:
    """Whether ``item`` is what this very write has stored before its reply was lost."""
    return is_live(item) and text_of(item, "nonce") == record.nonce != ""
