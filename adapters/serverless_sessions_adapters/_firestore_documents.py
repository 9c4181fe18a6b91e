"""How a session is laid out in a Firestore document, and how large that is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from google.cloud.firestore_v1 import DELETE_FIELD, Increment
from google.cloud.firestore_v1.field_path import FieldPath

from serverless_sessions import clock
from serverless_sessions.errors import Moved, SessionGone, SessionTooLarge
from serverless_sessions.store import (
    MARKER_SECONDS,
    TTL_LAG_SECONDS,
    Change,
    Entry,
    Facts,
    Record,
    refuse_oversize,
    size_of,
)

from ._firestore_client import Snapshot
from ._firestore_errors import DOCUMENT_BYTES

MAX_BYTES = 1_000_000

NUMBERS = ("created", "abs", "exp")
"""All there, and the deadlines ahead: a live session. No marker has them."""
_FIELDS = (
    *("v", "rid", "user", "who", "auth", "nonce", "rev", "expires_at"),
    *NUMBERS,
    *("to", "grace", "ends"),
)
WITHOUT_ENTRIES = tuple(name for name in _FIELDS if name != "v")
_YEAR_9999 = 253_402_300_799
"""The last second that a timestamp of Firestore can name."""


class Marker(NamedTuple):
    """What a rotation leaves under the old key."""

    to: str
    grace: int
    ends: int

    def alive(self, now: int) -> bool:
        return self.ends > now


@dataclass(frozen=True, repr=False)
class Version:
    """A document as it was at one moment, ``at``, which is None where there was none.

    Where it was only half a session it ``holds`` None. A record's entries are all here, those that
    have ended too.
    """

    at: datetime | None
    holds: Record | Marker | None = field(compare=False)

    @property
    def standing(self) -> Record | Marker | None:
        """What is alive now."""
        return self.holds if self.holds is not None and self.holds.alive(clock.now()) else None


def version(snapshot: Snapshot | None) -> Version:
    if snapshot is None:
        return Version(None, None)
    return Version(snapshot.at, _held(snapshot.fields))


def live(found: Version) -> Record:
    """The live record. Raises Moved while a rotation's grace lasts, else SessionGone."""
    match found.standing:
        case Record() as record:
            return record
        case Marker() as marker if marker.grace > clock.now():
            raise Moved(marker.to)
        case _:
            raise SessionGone("the session has ended")


def is_alive(numbers: Mapping[str, int]) -> bool:
    """Whether ``NUMBERS`` of a document are those of a live session."""
    created, absolute, idle = (numbers.get(name, 0) for name in NUMBERS)
    return created > 0 and min(absolute, idle) > clock.now()


def of_record(record: Record) -> dict[str, Any]:
    """The fields of a session. Raises SessionTooLarge."""
    refuse_oversize(size_of(record.entries), MAX_BYTES)
    facts = record.facts
    fields = {
        "v": {_field(name): _value(entry) for name, entry in record.entries.items()},
        "rid": facts.rid,
        "created": facts.created,
        "nonce": record.nonce,
        "rev": 1,
        "abs": facts.absolute,
        **deadline(record.idle, facts.absolute),
    }
    if facts.user is not None:
        fields |= {"user": facts.user, "who": who(facts.user)}
    if facts.authenticated_at is not None:
        fields["auth"] = facts.authenticated_at
    if (size := _size(fields) + _NAME) > DOCUMENT_BYTES:
        raise SessionTooLarge(
            f"the session takes {size} bytes as Firestore counts them, {DOCUMENT_BYTES} at most"
        )
    return fields


def of_marker(to: str, grace_until: int) -> dict[str, Any]:
    ends = clock.now() + MARKER_SECONDS
    return {"to": to, "grace": grace_until, "ends": ends, "expires_at": _removed_after(ends)}


def instead(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The update that leaves ``fields`` and nothing else of a session or marker."""
    return {**dict.fromkeys(_FIELDS, DELETE_FIELD), **fields}


def of_change(change: Change, record: Record | None = None) -> dict[str, Any]:
    """The update that carries out ``change`` but for the deadline.

    It also drops what has ended of ``record``. ``rev`` is there because Firestore takes an update
    that alters nothing for none. Raises SessionTooLarge.
    """
    refuse_oversize(size_of(change.set), MAX_BYTES)
    now, entries = clock.now(), record.entries if record is not None else {}
    ended = (name for name, entry in entries.items() if not entry.alive(now))
    update: dict[str, Any] = {"nonce": change.nonce, "rev": Increment(1)}
    if change.clear:
        return {"v": {_field(name): _value(entry) for name, entry in change.set.items()}, **update}
    update |= {_path(name): DELETE_FIELD for name in (*change.remove, *ended)}
    return update | {_path(name): _value(entry) for name, entry in change.set.items()}


def deadline(idle: int, absolute: int) -> dict[str, Any]:
    return {"exp": idle, "expires_at": _removed_after(min(idle, absolute))}


def is_due(wanted: int, idle: int, slack: int) -> bool:
    """Whether the deadline must move: it lags by ``slack`` or more, or lies too far ahead."""
    return wanted != idle and not 0 < wanted - idle < slack


def who(user: str) -> str:
    """What the sessions of a user are found by: an index holds 1,500 bytes of a value."""
    return hashlib.sha256(user.encode()).hexdigest()


def _held(fields: Mapping[str, Any]) -> Record | Marker | None:
    """What a blind update takes for alive is so here as well: ``NUMBERS`` alone decide."""
    if "to" in fields:
        return _marker(fields)
    created, absolute, idle = (_whole_number(fields, name) for name in NUMBERS)
    if min(created, absolute, idle) <= 0:
        return None
    facts = Facts(
        _text(fields, "rid") or "",
        created,
        absolute,
        _text(fields, "user"),
        _whole_number(fields, "auth") or None,
    )
    entries = fields.get("v")
    entries = entries if isinstance(entries, dict) else {}
    return Record(
        {name[1:]: _entry(value) for name, value in entries.items()},
        facts,
        idle,
        nonce=_text(fields, "nonce") or "",
    )


def _marker(fields: Mapping[str, Any]) -> Marker | None:
    to, ends = _text(fields, "to"), _whole_number(fields, "ends")
    return Marker(to, _whole_number(fields, "grace"), ends) if to else None


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    return value if isinstance(value, str) else None


def _whole_number(fields: Mapping[str, Any], name: str) -> int:
    value = fields.get(name)
    return value if type(value) is int else 0


def _field(name: str) -> str:
    """Inside the map ``v``: names such as ``__id__`` are reserved there."""
    return f"k{name}"


def _path(name: str) -> str:
    return FieldPath("v", _field(name)).to_api_repr()


def _value(entry: Entry) -> str | list[Any]:
    return entry.text if entry.deadline is None else [entry.text, entry.deadline]


def _entry(value: Any) -> Entry:
    match value:
        case str(text):
            return Entry(text)
        case [str(text), int(ends)]:
            return Entry(text, ends)
        case _:
            return Entry("")  # no text of a value: CorruptRecord to who reads it


def _removed_after(moment: int) -> datetime:
    return datetime.fromtimestamp(min(moment + TTL_LAG_SECONDS, _YEAR_9999), UTC)


_NAME = 16 + 1501 + 65
"""Of a document with the longest collection there can be."""


def _size(value: Any) -> int:
    """Bytes of a value; "Storage size calculations" in Firestore's documentation. A document is
    counted as a map."""
    match value:
        case str():
            return len(value.encode()) + 1
        case dict():
            return 32 + sum(_size(name) + _size(each) for name, each in value.items())
        case list():
            return sum(map(_size, value))
        case _:
            return 8
