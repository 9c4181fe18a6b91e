"""A session as one text, in the format in which Astro keeps its own.

The text is a devalue Map from each key to ``{data, expires}``, ``expires`` in milliseconds. What
Astro has no place for travels in entries of ours, which its rewrites keep.
"""

from __future__ import annotations

import hashlib
import math
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from . import clock
from .errors import CorruptRecord
from .store import MARKER_SECONDS, Change, Entry, Facts, Record
from .values import UNDEFINED, Map, devalue

FACTS: Final = "_sls.facts"
MOVED: Final = "_sls.moved"
_OURS = (FACTS, MOVED)
_DAMAGED = "what is stored for the session is no session's text, and stays until a log-out"


class Marker(NamedTuple):
    """Where a session went, or that it ended: then ``to`` is empty."""

    to: str
    grace_until: int


class Rotation(NamedTuple):
    """From one stored key to another."""

    old: str
    new: str


class Document(NamedTuple):
    """What stands under a stored key.

    ``rotated_from`` names the key that has to be a marker to this one before it counts.
    """

    key: str
    entries: Map
    version: Any
    record: Record | None = None
    marker: Marker | None = None
    rotated_from: str | None = None


class Revision(NamedTuple):
    """A live record as it was read: what to write over, and what a rotation leaves."""

    document: Document

    @property
    def record(self) -> Record:
        assert self.document.record is not None
        return self.document.record


def read(text: str, key: str, version: object, adopted_seconds: int | None) -> Document:
    """The document of a text. One without our facts is Astro's own, alive and to last so long;
    where that is None it is half a record, and dead. Raises CorruptRecord."""
    try:
        entries = devalue.loads(text)
    except CorruptRecord as error:
        raise CorruptRecord(_DAMAGED) from error
    if type(entries) is not Map or not all(_is_entry(entry) for entry in entries.values()):
        raise CorruptRecord(_DAMAGED)
    if entries.get(MOVED) is not None:
        # Past its hour it leads nowhere, and what was there is no more alive than before.
        moved = _data(entries, MOVED)
        return Document(key, entries, version, marker=_marker(moved) if moved is not None else None)
    told = _data(entries, FACTS)
    if told is None and adopted_seconds is not None:
        record: Record | None = _adopted(key, adopted_seconds)
    else:
        record = _record(told)
    if record is None:
        return Document(key, entries, version)
    # Astro gives the facts to a new id of its own as they are: there, our rotation does not count.
    is_rotated = told is not None and told.get("to") == key
    rotated_from = told.get("from") if told is not None and is_rotated else None
    record = record._replace(entries=_session_entries(entries))
    return Document(key, entries, version, record, rotated_from=rotated_from)


def written(
    record: Record, seen: Revision | None = None, *, rotation: Rotation | None = None
) -> str:
    """The text of a new record, or of one that goes on where another was ``seen``."""
    before = seen.document.entries if seen is not None else Map()
    entries = Map()
    for name, entry in record.entries.items():
        stored = before.get(name)
        stays = stored is not None and _entry(stored) == entry
        entries[name] = stored if stays else _stored(entry)
    return devalue.dumps(_with_facts(entries, record, rotation))


def changed(document: Document, change: Change) -> tuple[str, Record]:
    """The text of a live document after ``change``, and its record; what the change does not
    name stays as whoever wrote it left it, a key that is no text included, and what has ended
    goes."""
    record = document.record
    assert record is not None
    now, kept = clock.now(), Map()
    for name, entry in document.entries.items():
        if not isinstance(name, str):
            stays = not change.clear
        elif name in _OURS:
            stays = True
        else:
            goes = change.clear or name in change.remove or name in change.set
            stays = not goes and _entry(entry).alive(now)
        if stays:
            kept[name] = entry
    for name, new in change.set.items():
        kept[name] = _stored(new)
    record = record._replace(
        entries=_session_entries(kept),
        idle=record.idle if change.idle is None else change.idle,
        nonce=change.nonce,
    )
    return devalue.dumps(_with_facts(kept, record, None)), record


def marker(to: str, grace_until: int) -> str:
    """The text that stands for an hour where a session was: empty to Astro."""
    ends = (clock.now() + MARKER_SECONDS) * 1000
    told = {"to": to, "grace": grace_until}
    return devalue.dumps(Map({MOVED: {"data": told, "expires": ends}}))


def _is_entry(entry: object) -> bool:
    return isinstance(entry, dict) and "data" in entry


def _data(entries: Map, name: str) -> dict[str, Any] | None:
    """The data of an entry of ours that has not ended."""
    entry = entries.get(name)
    if entry is None or not _entry(entry).alive(clock.now()):
        return None
    return entry["data"] if isinstance(entry["data"], dict) else {}


def _marker(told: dict[str, Any]) -> Marker | None:
    to, grace = told.get("to"), told.get("grace")
    return Marker(to, grace) if isinstance(to, str) and isinstance(grace, int) else None


_TYPES: Mapping[str, Any] = {
    "rid": str,
    "created": int,
    "idle": int,
    "absolute": int,
    "nonce": str,
    "user": str | None,
    "auth": int | None,
}


def _record(told: dict[str, Any] | None) -> Record | None:
    """None for half a record: a fact is missing, or is none."""
    if told is None or any(not isinstance(told.get(f), t) for f, t in _TYPES.items()):
        return None
    facts = Facts(told["rid"], told["created"], told["absolute"], told["user"], told["auth"])
    return Record({}, facts, told["idle"], nonce=told["nonce"])


def _adopted(key: str, seconds: int) -> Record:
    digest = hashlib.sha256(f"handle\0{key}".encode()).digest()
    now = clock.now()
    ends = now + seconds
    return Record({}, Facts(urlsafe_b64encode(digest[:12]).decode(), now, ends), ends)


def _with_facts(entries: Map, record: Record, rotation: Rotation | None) -> Map:
    facts = record.facts
    told: dict[str, Any] = {
        "rid": facts.rid,
        "created": facts.created,
        "idle": record.idle,
        "absolute": facts.absolute,
        "nonce": record.nonce,
        "user": facts.user,
        "auth": facts.authenticated_at,
    }
    if rotation is not None:
        told |= {"from": rotation.old, "to": rotation.new}
    entries[FACTS] = {"data": told, "expires": UNDEFINED}
    return entries


def _session_entries(entries: Map) -> dict[str, Entry]:
    now = clock.now()
    found = {
        name: _entry(entry)
        for name, entry in entries.items()
        if isinstance(name, str) and name not in _OURS
    }
    return {name: entry for name, entry in found.items() if entry.alive(now)}


def _entry(entry: dict[str, Any]) -> Entry:
    data = entry["data"]
    is_text = entry.get("text") is True and isinstance(data, str)
    return Entry(data if is_text else devalue.dumps(data), _deadline(entry.get("expires")))


def _deadline(expires: object) -> int | None:
    """Only a number counts, as in Astro."""
    if isinstance(expires, bool) or not isinstance(expires, int | float):
        return None
    if math.isnan(expires) or expires == math.inf:
        return None
    return 0 if expires == -math.inf else math.floor(expires / 1000)


def _stored(entry: Entry) -> dict[str, Any]:
    """A text that is not Astro's devalue, or would come back another, is kept as a text."""
    expires = UNDEFINED if entry.deadline is None else entry.deadline * 1000
    try:
        data = devalue.loads(entry.text)
        if devalue.dumps(data) == entry.text:
            return {"data": data, "expires": expires}
    except CorruptRecord:
        pass
    return {"data": entry.text, "expires": expires, "text": True}
