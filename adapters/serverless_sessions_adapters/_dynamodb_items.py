"""How a session stands in an item of DynamoDB, what that weighs, and the conditions on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeGuard

from serverless_sessions import clock
from serverless_sessions.errors import CorruptRecord
from serverless_sessions.store import (
    ABSENT,
    MARKER_SECONDS,
    NONE,
    TTL_LAG_SECONDS,
    Absence,
    Change,
    Entry,
    Facts,
    Record,
)

Value = dict[str, Any]
"""An attribute's value as the API has it, ``{"S": "text"}``."""
Item = dict[str, Value]

ITEM_BYTES = 409_600
"""An item's limit, names of attributes included (Quotas in Amazon DynamoDB: item size)."""
CHANGED = 100
EXPECTED = 20
"""Entries that one request changes, and expects."""


class Rev(NamedTuple):
    """The revision of a record, with what a later write needs to know of it."""

    token: str
    user: str | None
    absolute: int


class Marker(NamedTuple):
    """What a rotation leaves under the old key, for MARKER_SECONDS."""

    to: str
    grace_until: int


def text(value: str) -> Value:
    return {"S": value}


def number(value: int) -> Value:
    return {"N": str(value)}


def entry_value(entry: Entry) -> Value:
    """The text alone, or a list of text and deadline: one field, so neither is without the
    other."""
    if entry.deadline is None:
        return text(entry.text)
    return {"L": [text(entry.text), number(entry.deadline)]}


def entry_values(entries: Mapping[str, Entry]) -> Value:
    return {"M": {name: entry_value(entry) for name, entry in entries.items()}}


def record_item(key: str, record: Record, token: str) -> Item:
    facts = record.facts
    item = {
        "id": text(key),
        "v": entry_values(record.entries),
        "exp": number(record.idle),
        "abs": number(facts.absolute),
        "ttl": number(record.deadline + TTL_LAG_SECONDS),
        "rev": text(token),
        "nonce": text(record.nonce),
        "rid": text(facts.rid),
        "created": number(facts.created),
    }
    if facts.user is not None:
        item["user"] = text(facts.user)
    if facts.authenticated_at is not None:
        item["auth"] = number(facts.authenticated_at)
    return item


def marker_item(key: str, marker: Marker) -> Item:
    ends = clock.now() + MARKER_SECONDS
    return {
        "id": text(key),
        "to": text(marker.to),
        "grace": number(marker.grace_until),
        "exp": number(ends),
        "ttl": number(ends + TTL_LAG_SECONDS),
    }


def is_whole(item: Item | None) -> TypeGuard[Item]:
    """Whether a record is there whole, alive or not."""
    if item is None or "to" in item:
        return False
    return (
        "M" in item.get("v", {})
        and all(text_of(item, name) is not None for name in ("rid", "rev"))
        and all(number_of(item, name) is not None for name in ("created", "exp", "abs"))
    )


def is_live(item: Item | None) -> TypeGuard[Item]:
    """Whether a live record is there whole: what the condition ``live`` says."""
    now = clock.now()
    return is_whole(item) and all((number_of(item, name) or 0) > now for name in ("exp", "abs"))


def marker_of(item: Item | None) -> Marker | None:
    """The marker that stands there within its hour: what the condition ``marker`` says."""
    if item is None or (number_of(item, "exp") or 0) <= clock.now():
        return None
    to, grace_until = text_of(item, "to"), number_of(item, "grace")
    return None if to is None or grace_until is None else Marker(to, grace_until)


def record_of(item: Item) -> Record:
    """A live item's record. Raises CorruptRecord for an entry in no form of ours."""
    facts = Facts(
        rid=item["rid"]["S"],
        created=int(item["created"]["N"]),
        absolute=int(item["abs"]["N"]),
        user=text_of(item, "user"),
        authenticated_at=number_of(item, "auth"),
    )
    now = clock.now()
    entries = {name: _entry(name, value) for name, value in item["v"]["M"].items()}
    return Record(
        entries={name: entry for name, entry in entries.items() if entry.alive(now)},
        facts=facts,
        idle=int(item["exp"]["N"]),
        rev=Rev(item["rev"]["S"], facts.user, facts.absolute),
        nonce=text_of(item, "nonce") or "",
    )


def _entry(name: str, value: Value) -> Entry:
    match value:
        case {"S": str(stored)}:
            return Entry(stored)
        case {"L": [{"S": str(stored)}, {"N": str(deadline)}]}:
            return Entry(stored, int(deadline))
    raise CorruptRecord(f"what is stored for {name!r} has no form that this release writes")


def text_of(item: Item, name: str) -> str | None:
    value: str | None = item.get(name, {}).get("S")
    return value


def number_of(item: Item, name: str) -> int | None:
    value = item.get(name, {}).get("N")
    return None if value is None else int(value)


class Expression(NamedTuple):
    """A condition or a change, with the placeholders that it uses, and no others: DynamoDB
    refuses those."""

    text: str
    names: Mapping[str, str] = NONE
    values: Mapping[str, Value] = NONE

    def __and__(self, other: Expression) -> Expression:
        return Expression(
            f"{self.text} AND {other.text}",
            {**self.names, **other.names},
            {**self.values, **other.values},
        )

    def negated(self) -> Expression:
        return self._replace(text=f"NOT ({self.text})")


ANYTHING = Expression("")
"""No condition."""


def live() -> Expression:
    """A live record is there whole."""
    return Expression(
        "exp > :now AND abs > :now AND attribute_not_exists(#to) AND attribute_type(v, :map)"
        " AND attribute_type(rid, :text) AND attribute_type(rev, :text)"
        " AND attribute_type(created, :number)",
        {"#to": "to"},
        {
            ":now": number(clock.now()),
            ":map": text("M"),
            ":text": text("S"),
            ":number": text("N"),
        },
    )


def marker() -> Expression:
    """A marker stands there within its hour."""
    return Expression(
        "exp > :now AND attribute_type(#to, :text) AND attribute_type(grace, :number)",
        {"#to": "to"},
        {":now": number(clock.now()), ":text": text("S"), ":number": text("N")},
    )


def free() -> Expression:
    """Nothing stands there: no item, half of one, or one whose time is over."""
    return live().negated() & marker().negated()


def equal(name: str, value: str) -> Expression:
    """The attribute is this text."""
    return Expression(f"#{name} = :{name}", {f"#{name}": name}, {f":{name}": text(value)})


def absent(name: str) -> Expression:
    """There is no such attribute."""
    return Expression(f"attribute_not_exists(#{name})", {f"#{name}": name})


def expected(expect: Mapping[str, str | Absence]) -> Iterator[Expression]:
    """Each entry is stored as expected; one past its deadline is absent."""
    for n, (name, stored) in enumerate(expect.items()):
        field, names = f"v.#e{n}", {f"#e{n}": name}
        if stored is ABSENT:
            yield Expression(f"(attribute_not_exists({field}) OR {field}[1] <= :now)", names)
        else:
            yield Expression(
                f"({field} = :e{n} OR ({field}[0] = :e{n} AND {field}[1] > :now))",
                names,
                {f":e{n}": text(str(stored))},
            )


def fits_an_expression(change: Change) -> bool:
    """An expression takes 300 operators and 4 KB (Quotas in Amazon DynamoDB: expression
    parameters); what is expected of an entry takes six."""
    entries = 0 if change.clear else len(change.set) + len(change.remove)
    return entries <= CHANGED and len(change.expect) <= EXPECTED


def changed(change: Change, token: str) -> Expression:
    """What ``change`` sets and removes, the revision included."""
    sets = ["rev = :rev", "nonce = :nonce"]
    removed: list[str] = []
    names: dict[str, str] = {}
    values = {":rev": text(token), ":nonce": text(change.nonce)}
    if change.idle is not None:
        absolute = change.seen.absolute if isinstance(change.seen, Rev) else change.idle
        sets += ["exp = :exp", "#ttl = :ttl"]
        names["#ttl"] = "ttl"
        values[":exp"] = number(change.idle)
        values[":ttl"] = number(min(change.idle, absolute) + TTL_LAG_SECONDS)
    if change.clear:
        sets.append("v = :v")
        values[":v"] = entry_values(change.set)
    else:
        for n, (name, entry) in enumerate(change.set.items()):
            sets.append(f"v.#s{n} = :s{n}")
            names[f"#s{n}"] = name
            values[f":s{n}"] = entry_value(entry)
        for n, name in enumerate(change.remove - change.set.keys()):
            removed.append(f"v.#r{n}")
            names[f"#r{n}"] = name
    removal = f" REMOVE {', '.join(removed)}" if removed else ""
    return Expression(f"SET {', '.join(sets)}{removal}", names, values)


def bytes_of(item: Item) -> int:
    """What an item weighs towards ITEM_BYTES, and not a byte less.

    The rules are those of DynamoDB Item sizes and formats, which say of a number approximately
    what it takes: a byte is added.
    """
    return sum(len(name.encode()) + _bytes(value) for name, value in item.items())


def _bytes(value: Value) -> int:
    match value:
        case {"S": stored}:
            return len(stored.encode())
        case {"N": digits}:
            return len(digits) // 2 + 2
        case {"L": items}:
            return 3 + sum(1 + _bytes(one) for one in items)
        case {"M": fields}:
            return 3 + sum(1 + len(name.encode()) + _bytes(one) for name, one in fields.items())
    raise ValueError(f"nothing here stores a value of type {next(iter(value))}")
