"""A session as an entity of Azure Tables: its properties, and its size by the service's rules.

Each session key is a property of its own, named by a hash and holding
``deadline:length of the name:length of the text:name and text``, in as many parts as 64 KiB ask
for. An empty property says that its key is removed, as a merge cannot take a property away. Where
a session has more keys than an entity may have properties, the property ``k`` holds them all, one
after the other; a property of a key's own takes precedence over what ``k`` says of it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from serverless_sessions.errors import CorruptRecord, SessionTooLarge
from serverless_sessions.store import Change, Entry, Facts, Record, refuse_oversize, size_of

MAX_BYTES = 480_000
"""Strings are kept in UTF-16: this much UTF-8 always fits, with up to 1,500 session keys."""

# Limits of "Understanding the Table service data model".
MAX_ENTITY_BYTES = 1_048_576
MAX_PROPERTIES = 252
MAX_PROPERTY_BYTES = 65_536

_PART = 16_384
"""Characters; 64 KiB even where each is a surrogate pair, and no pair is ever split."""

_RECORD = {"rid": str, "created": int, "idle": int, "absolute": int, "nonce": str}
_MARKER = {"to": str, "grace_until": int, "ends": int}
FACTS = (*_RECORD, *_MARKER, "user", "authenticated_at")
"""All properties but those of session keys."""

_PACKED = "k"
_PART_NAME = re.compile(r"(k[0-9a-f]*)(?:_([0-9]+))?")
_HEAD = re.compile(r"([0-9]*):([0-9]+):([0-9]+):")

Properties = Mapping[str, str | int]


class Marker(NamedTuple):
    """What a rotation leaves under the old key, until ``ends``."""

    to: str
    grace_until: int
    ends: int


@dataclass(frozen=True, slots=True, repr=False)
class Stored:
    """What was read under a key, alive or not; also the ``rev`` of its record."""

    key: str
    etag: str
    properties: Mapping[str, Any]

    @property
    def is_record(self) -> bool:
        """Whether this is a whole record, alive or not."""
        return _has(self.properties, _RECORD) and not _has(self.properties, _MARKER)

    def standing(self, now: int) -> Record | Marker | None:
        """The live record, or the marker within its hour; None for the dead and the incomplete."""
        found = self.properties
        if _has(found, _MARKER):
            marker = Marker(found["to"], found["grace_until"], found["ends"])
            return marker if marker.ends > now else None
        if not self.is_record or min(found["idle"], found["absolute"]) <= now:
            return None
        facts = Facts(
            found["rid"],
            found["created"],
            found["absolute"],
            found.get("user"),
            found.get("authenticated_at"),
        )
        entries = {name: entry for name, entry in _entries(found).items() if entry.alive(now)}
        return Record(entries, facts, found["idle"], self, found["nonce"])


class Write(NamedTuple):
    """Properties to merge into an entity, or to replace all of its properties by."""

    properties: Properties
    replaces: bool


def whole(key: str, record: Record) -> Properties:
    """The properties of a record. Raises SessionTooLarge."""
    facts: dict[str, str | int | None] = {
        "rid": record.facts.rid,
        "created": record.facts.created,
        "idle": record.idle,
        "absolute": record.facts.absolute,
        "nonce": record.nonce,
        "ends": record.deadline,
        "user": record.facts.user,
        "authenticated_at": record.facts.authenticated_at,
    }
    known = {name: fact for name, fact in facts.items() if fact is not None}
    properties = {**known, **_laid_out(record.entries, MAX_PROPERTIES - len(known))}
    refuse_oversize(size_of(record.entries), MAX_BYTES)
    _refuse_unstorable(key, properties)
    return properties


def changed(stored: Stored, record: Record, change: Change) -> Write:
    """The write that carries out ``change`` on a live record. Raises SessionTooLarge."""
    after = record._replace(
        entries=change.applied_to(record.entries),
        idle=record.idle if change.idle is None else change.idle,
        nonce=change.nonce,
    )
    if not change.clear:
        merged: dict[str, str | int] = {
            "idle": after.idle,
            "ends": after.deadline,
            "nonce": after.nonce,
            **_set_and_removed(stored.properties, record.entries, change),
        }
        if _fits(stored.key, {**stored.properties, **merged}):
            refuse_oversize(size_of(after.entries), MAX_BYTES)
            return Write(merged, replaces=False)
    return Write(whole(stored.key, after), replaces=True)


def size_in_table(key: str, properties: Properties) -> int:
    """Bytes of an entity, as the storage team's "How the size of an entity is calculated" says."""
    return 4 + 2 * (len(key[:1]) + len(key)) + sum(map(_size_of_property, properties.items()))


def _size_of_property(named: tuple[str, str | int]) -> int:
    name, value = named
    return 8 + 2 * len(name) + (8 if isinstance(value, int) else 4 + _utf16(value))


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le"))


def _fits(key: str, properties: Properties) -> bool:
    return len(properties) <= MAX_PROPERTIES and size_in_table(key, properties) <= MAX_ENTITY_BYTES


def _refuse_unstorable(key: str, properties: Properties) -> None:
    size = size_in_table(key, properties)
    if size > MAX_ENTITY_BYTES:
        raise SessionTooLarge(
            f"the session takes {size} bytes in the table, names and overhead included, "
            f"and Azure Tables holds {MAX_ENTITY_BYTES} at most"
        )
    user = properties.get("user", "")
    if isinstance(user, str) and _utf16(user) > MAX_PROPERTY_BYTES:
        raise SessionTooLarge(f"the name of the user takes more than {MAX_PROPERTY_BYTES} bytes")


def _laid_out(entries: Mapping[str, Entry], room: int) -> dict[str, str]:
    """A property for each entry, or one for all where there is no room for so many."""
    own: dict[str, str] = {}
    for name, entry in entries.items():
        own.update(_parts(_property_of(name), _framed(name, entry)))
    if len(own) <= room:
        return own
    return _parts(_PACKED, "".join(_framed(name, entry) for name, entry in entries.items()))


def _set_and_removed(
    properties: Properties, entries: Mapping[str, Entry], change: Change
) -> dict[str, str]:
    """The parts of entries that change; those that a shorter text no longer needs are emptied."""
    written = {_property_of(name): "" for name in change.remove if name in entries}
    touched = set(written)
    for name, entry in change.set.items():
        touched.add(_property_of(name))
        written.update(_parts(_property_of(name), _framed(name, entry)))
    left_over = {name: "" for name, value in properties.items() if value and _base(name) in touched}
    return {**left_over, **written}


def _property_of(name: str) -> str:
    return f"k{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def _base(name: str) -> str | None:
    found = _PART_NAME.fullmatch(name)
    return found[1] if found else None


def _parts(name: str, text: str) -> dict[str, str]:
    cut = [text[at : at + _PART] for at in range(0, len(text), _PART)]
    return {name if n == 0 else f"{name}_{n}": part for n, part in enumerate(cut)}


def _framed(name: str, entry: Entry) -> str:
    deadline = "" if entry.deadline is None else entry.deadline
    return f"{deadline}:{len(name)}:{len(entry.text)}:{name}{entry.text}"


def _unframed(text: str) -> Iterator[tuple[str, Entry]]:
    at = 0
    while at < len(text):
        head = _HEAD.match(text, at)
        if head is None:
            raise CorruptRecord("a property of the session was changed by another program")
        deadline, name_ends = head[1], head.end() + int(head[2])
        at = name_ends + int(head[3])
        entry = Entry(text[name_ends:at], int(deadline) if deadline else None)
        yield text[head.end() : name_ends], entry


def _entries(properties: Mapping[str, Any]) -> dict[str, Entry]:
    """Every entry that is stored, those past their deadline included."""
    texts = dict(_joined(properties))
    packed = _unframed(texts.pop(_PACKED, ""))
    entries = {name: entry for name, entry in packed if _property_of(name) not in texts}
    for text in texts.values():
        entries.update(_unframed(text))
    return entries


def _joined(properties: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    numbered: dict[str, dict[int, str]] = {}
    for name, value in properties.items():
        if isinstance(value, str) and (found := _PART_NAME.fullmatch(name)):
            numbered.setdefault(found[1], {})[int(found[2] or 0)] = value
    for name, parts in numbered.items():
        yield name, "".join(parts[number] for number in sorted(parts))


def _has(properties: Mapping[str, Any], shape: Mapping[str, type]) -> bool:
    return all(isinstance(properties.get(name), kind) for name, kind in shape.items())
