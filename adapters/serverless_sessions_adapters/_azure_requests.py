"""Requests to a table, and the operations of its transactions.

A session's PartitionKey is the first digit of its stored key and its RowKey the key, so that two
sessions whose ids were drawn for it can be written in one transaction. Sixteen partitions of 2,000
entities a second carry more than the 20,000 of a whole account ("Scalability and performance
targets for Table storage"), and are few enough to be asked one by one for a user's sessions.

A row that finds a session by its user stands beside it, and is written in the same transaction. As
to delete a row that is not there would fail the transaction, such a row is not deleted but ended,
and purged later.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.data.tables import EdmType, UpdateMode

from serverless_sessions import clock
from serverless_sessions.errors import StoreUnavailable
from serverless_sessions.sansio import Asking, Request
from serverless_sessions.store import Record

from ._azure_client import bounds, is_absent, status_of
from ._azure_entities import Properties, Stored, Write

PARTITIONS = "0123456789abcdef"

SYSTEM = ("PartitionKey", "RowKey", "Timestamp")
"""Fetched with every selection: from the last the SDK makes the etag, where an answer has none."""

Operation = tuple[str, Mapping[str, Any], Mapping[str, Any]]
"""One of a transaction's, as the SDK takes it: its name, the entity, and options."""


def partition_of(row_key: str) -> str:
    """The first digit of the stored key, in which every RowKey ends."""
    return row_key[-64]


def listing_prefix(user: str) -> str:
    """What the RowKeys of the rows that find a user's sessions begin with."""
    return f"u-{hashlib.sha256(user.encode()).hexdigest()}-"


def selected(*names: str) -> Sequence[str] | None:
    """What the SDK is given so that it fetches these properties, or all where none is named."""
    return (*SYSTEM, *names) if names else None


def read(key: str, *select: str) -> Asking[Stored | None]:
    """What is stored under a key, ``select`` of its properties or all."""
    try:
        entity = yield lambda table: table.client.get_entity(
            partition_of(key), key, select=selected(*select), **bounds()
        )
    except HttpResponseError as error:
        if is_absent(error):
            return None
        raise
    return stored(entity)


def found_by(query: str, *select: str) -> Asking[list[Any]]:
    """The SDK's entities that ``query`` finds, of each the properties ``select`` or all."""
    found: list[Any] = yield lambda table: table.query(query, selected(*select))
    return found


def stored(entity: Any) -> Stored:
    """The SDK's entity, in which a 64-bit integer is a pair of value and type.

    Raises KeyError for what is none: not every answer on the way from a service is its own.
    """
    values = {name: v[0] if isinstance(v, tuple) else v for name, v in entity.items()}
    properties = {
        name: value
        for name, value in values.items()
        if name not in SYSTEM and isinstance(value, str | int)
    }
    return Stored(entity["RowKey"], entity.metadata["etag"], properties)


def put(key: str, properties: Properties, *, over: Stored | None) -> Operation:
    """Insert an entity where there is none, or put it in the place of what was read."""
    if over is None:
        return "create", _entity(key, properties), {"response_preference": "return-no-content"}
    return "update", _entity(key, properties), {"mode": UpdateMode.REPLACE, **_if_unchanged(over)}


def listed(key: str, record: Record) -> tuple[Operation, ...]:
    """The row that finds a session by its user is written, if the session has one."""
    if record.facts.user is None:
        return ()
    return (_row_of_user(record.facts.user, key, record.facts.absolute),)


def removed(old: Stored) -> tuple[Operation, ...]:
    """An entity goes, if it is as it was read, and so does what finds it by its user."""
    return (("delete", _entity(old.key, {}), _if_unchanged(old)), *unlisted(old))


def unlisted(old: Stored) -> tuple[Operation, ...]:
    """The row that finds a session by its user is ended, if it has not by itself."""
    user, absolute = old.properties.get("user"), old.properties.get("absolute") or 0
    return () if user is None or absolute <= clock.now() else (_row_of_user(user, old.key, 0),)


def transaction(*operations: Operation) -> Request:
    """All of them or none."""
    return lambda table: table.client.submit_transaction(operations, **bounds())


def rewritten(old: Stored, write: Write) -> Request:
    """An entity is merged into or replaced, if it is as it was read."""
    return lambda table: table.client.update_entity(
        _entity(old.key, write.properties),
        UpdateMode.REPLACE if write.replaces else UpdateMode.MERGE,
        **_if_unchanged(old),
        **bounds(),
    )


def won(write: Request) -> Asking[bool]:
    """Whether the write was carried out: not if a row of it was changed, removed or added first."""
    try:
        answer = yield write
    except HttpResponseError as error:
        if status_of(error) in (409, 412) or is_absent(error):
            return False
        raise
    if not answer:
        raise StoreUnavailable("a write to the table was answered by nothing")
    return True


def asked(request: Request) -> Asking[Any]:
    return (yield request)


def created_table(options: Mapping[str, float]) -> Asking[None]:
    with suppress(ResourceExistsError):
        yield lambda table: table.client.create_table(**options)


def _row_of_user(user: str, key: str, ends: int) -> Operation:
    row_key = f"{listing_prefix(user)}{key}"
    return "upsert", _entity(row_key, {"ends": ends}), {"mode": UpdateMode.REPLACE}


def _entity(row_key: str, properties: Properties) -> dict[str, Any]:
    typed = {n: (v, EdmType.INT64) if isinstance(v, int) else v for n, v in properties.items()}
    return {"PartitionKey": partition_of(row_key), "RowKey": row_key, **typed}


def _if_unchanged(old: Stored) -> dict[str, Any]:
    return {"etag": old.etag, "match_condition": MatchConditions.IfNotModified}
