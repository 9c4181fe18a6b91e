"""How each tag of the format that Astro writes is read."""

from __future__ import annotations

from binascii import a2b_base64
from typing import Any

from .decoder import Decoder, ReadDialect, Reader, corrupt
from .encoder import are_spread
from .ordered_set import OrderedSet
from .scalars import parse_bigint, parse_date
from .types import (
    ELEMENT_BYTES,
    MAX_SAFE_INTEGER,
    TEMPORAL_KINDS,
    URL,
    ArrayBuffer,
    BigInt,
    Boxed,
    JSMap,
    JSSet,
    Map,
    NullObject,
    RegExp,
    Temporal,
    TypedArray,
    URLSearchParams,
)

_BOXED_CONSTANTS = range(-6, -2)
_BOXED_TAGS = ("BigInt", "py:float")


def only_text(raw: list[Any], place: int) -> str:
    """The one text after the tag."""
    if len(raw) != 2 or type(raw[1]) is not str:
        raise corrupt(f"slot {place} should hold one text after its tag")
    return raw[1]


def only_slot(raw: list[Any], place: int) -> Any:
    """The one slot number after the tag, not checked yet."""
    if len(raw) != 2:
        raise corrupt(f"slot {place} should hold one slot after its tag")
    return raw[1]


def read_date(_decoder: Decoder, raw: list[Any], place: int, _depth: int) -> Any:
    moment = parse_date(only_text(raw, place))
    if moment is None:
        raise corrupt(f"slot {place} is no date")
    return moment


def read_regexp(_decoder: Decoder, raw: list[Any], place: int, _depth: int) -> RegExp:
    if not 2 <= len(raw) <= 3 or not all(type(part) is str for part in raw):
        raise corrupt(f"slot {place} is no regular expression")
    return RegExp(*raw[1:])


def read_bigint(_decoder: Decoder, raw: list[Any], place: int, _depth: int) -> int | BigInt:
    value = parse_bigint(only_slot(raw, place))
    if value is None:
        raise corrupt(f"slot {place} is no BigInt, or too long")
    return BigInt(value) if -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER else value


def read_url(decoder: Decoder, raw: list[Any], place: int, depth: int) -> URL:
    href = only_slot(raw, place)
    if type(href) is int and 0 <= href < len(decoder.slots) and type(decoder.slots[href]) is str:
        href = decoder.value(href, depth)
    if type(href) is not str:
        raise corrupt(f"slot {place} is no URL")
    return URL(href)


def read_search_params(
    _decoder: Decoder, raw: list[Any], place: int, _depth: int
) -> URLSearchParams:
    return URLSearchParams(only_text(raw, place))


def read_temporal(_decoder: Decoder, raw: list[Any], place: int, _depth: int) -> Temporal:
    return Temporal(raw[0].removeprefix("Temporal."), only_text(raw, place))


def read_boxed(decoder: Decoder, raw: list[Any], place: int, depth: int) -> Boxed:
    inner = only_slot(raw, place)
    if type(inner) is not int or inner >= len(decoder.slots) or not _can_be_boxed(decoder, inner):
        raise corrupt(f"slot {place} boxes something else than a primitive")
    return Boxed(decoder.value(inner, depth))


def _can_be_boxed(decoder: Decoder, inner: int) -> bool:
    if inner < 0:
        return inner in _BOXED_CONSTANTS
    raw = decoder.slots[inner]
    if type(raw) is list:
        return bool(raw) and raw[0] in _BOXED_TAGS
    return type(raw) in (str, int, float, bool)


def read_buffer(_decoder: Decoder, raw: list[Any], place: int, _depth: int) -> ArrayBuffer:
    try:
        return ArrayBuffer(a2b_base64(only_text(raw, place), strict_mode=True))
    except ValueError:
        pass
    raise corrupt(f"slot {place} is not base64")


def read_typed_array(decoder: Decoder, raw: list[Any], place: int, depth: int) -> TypedArray:
    if len(raw) not in (2, 4):
        raise corrupt(f"slot {place} is no typed array")
    buffer = raw[1]
    is_buffer = (
        type(buffer) is int
        and 0 <= buffer < len(decoder.slots)
        and type(decoder.slots[buffer]) is list
        and decoder.slots[buffer][:1] == ["ArrayBuffer"]
    )
    if not is_buffer:
        raise corrupt(f"slot {place} does not view an ArrayBuffer")
    if len(raw) == 4 and not (type(raw[2]) is int and type(raw[3]) is int):
        raise corrupt(f"slot {place} is no typed array")
    try:
        return TypedArray(raw[0], decoder.value(buffer, depth), *raw[2:])
    except ValueError:
        pass
    raise corrupt(f"slot {place} does not fit its ArrayBuffer")


def read_null_object(decoder: Decoder, raw: list[Any], place: int, depth: int) -> NullObject:
    names, items = raw[1::2], raw[2::2]
    if len(names) != len(items) or not all(type(name) is str for name in names):
        raise corrupt(f"slot {place} is no object without prototype")
    if "__proto__" in names:
        raise corrupt(f"slot {place} has the key __proto__")
    fields = decoder.values[place] = NullObject()
    for name, item in zip(names, items, strict=True):
        fields[name] = decoder.value(item, depth)
    return fields


def fill_pairs(
    decoder: Decoder, raw: list[Any], place: int, depth: int, into: dict[Any, Any] | JSMap
) -> Any:
    """Read key and value in turn into an empty container."""
    decoder.values[place] = into
    if not isinstance(into, JSMap):
        refuse_alike(decoder, raw[1::2], place, depth)
    for key_place, item_place in zip(raw[1::2], raw[2::2], strict=True):
        key = decoder.value(key_place, depth)
        item = decoder.value(item_place, depth)
        if isinstance(into, JSMap):
            into.pairs.append((key, item))
        else:
            with_hash(into.__setitem__, key, item)
    return into


def fill_members(
    decoder: Decoder, raw: list[Any], place: int, depth: int, into: set[Any] | JSSet
) -> Any:
    """Read the members into an empty container."""
    decoder.values[place] = into
    if not isinstance(into, JSSet):
        refuse_alike(decoder, raw[1:], place, depth)
    for member_place in raw[1:]:
        member = decoder.value(member_place, depth)
        if isinstance(into, JSSet):
            into.members.append(member)
        else:
            with_hash(into.add, member)
    return into


def refuse_alike(decoder: Decoder, places: list[Any], place: int, depth: int) -> None:
    keys = [decoder.value(key, depth) for key in places]
    spread: list[bool] = []
    with_hash(lambda: spread.append(are_spread(keys)))
    if not spread[0]:
        raise corrupt(f"slot {place} has too many keys or members with the same hash")


def with_hash(insert: Any, *arguments: Any) -> None:
    """Call ``insert``, which hashes its first argument, maybe of a user's type."""
    try:
        insert(*arguments)
    except Exception as error:
        raise corrupt("a key or set member cannot be hashed") from error


def hashable_keys(decoder: Decoder, raw: list[Any], place: int, depth: int) -> bool:
    if len(raw) % 2 == 0:
        raise corrupt(f"slot {place} has a key without a value")
    return decoder.all_hashable(raw[1::2], depth)


def read_map(decoder: Decoder, raw: list[Any], place: int, depth: int) -> Map | JSMap:
    into = Map() if hashable_keys(decoder, raw, place, depth) else JSMap()
    found: Map | JSMap = fill_pairs(decoder, raw, place, depth, into)
    return found


def read_set(decoder: Decoder, raw: list[Any], place: int, depth: int) -> OrderedSet | JSSet:
    into = OrderedSet() if decoder.all_hashable(raw[1:], depth) else JSSet()
    found: OrderedSet | JSSet = fill_members(decoder, raw, place, depth, into)
    return found


READERS: dict[str, Reader] = {
    "Date": read_date,
    "RegExp": read_regexp,
    "Map": read_map,
    "Set": read_set,
    "BigInt": read_bigint,
    "Object": read_boxed,
    "null": read_null_object,
    "ArrayBuffer": read_buffer,
    "URL": read_url,
    "URLSearchParams": read_search_params,
    **dict.fromkeys(ELEMENT_BYTES, read_typed_array),
    **{f"Temporal.{kind}": read_temporal for kind in TEMPORAL_KINDS},
}
HASHABLE = frozenset(
    {"Date", "RegExp", "BigInt", "Object", "URL", "URLSearchParams"}
    | {f"Temporal.{kind}" for kind in TEMPORAL_KINDS}
)

JAVASCRIPT = ReadDialect(READERS, HASHABLE)
