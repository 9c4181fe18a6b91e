"""Python's own types on top of devalue, for stores that Astro does not read.

A datetime keeps its instant and its offset from UTC, not the name of its zone nor ``fold``;
where a clock change repeats an hour, Python calls such a datetime of a zone unequal to any
other. Objects keep the order of their keys, as nothing but Python reads them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

from . import readers, writers
from .decoder import Decoder, ReadDialect, Reader, corrupt
from .encoder import (
    Encoder,
    WriteDialect,
    Writer,
    write_fields,
    write_hashed_members,
    write_hashed_pairs,
    write_items,
    write_members,
    write_pairs,
)
from .ordered_set import OrderedSet
from .readers import fill_members, fill_pairs, only_text, refuse_alike, with_hash
from .refusal import fixed_offset, is_loaded_type, refuse
from .types import (
    MAX_SAFE_INTEGER,
    JSMap,
    JSSet,
    Map,
    TypedArray,
)
from .writers import has_only_text_keys, object_text, tagged


def _write_dict(encoder: Encoder, value: dict[Any, Any], depth: int) -> str:
    if not has_only_text_keys(value) or "__proto__" in value:
        return writers.write_map(encoder, value, depth)
    return object_text(write_fields(encoder, value, value, depth))


def _write_map(encoder: Encoder, value: Map, depth: int) -> str:
    return tagged("py:Map", write_hashed_pairs(encoder, value, depth))


def _write_js_map(encoder: Encoder, value: JSMap, depth: int) -> str:
    return tagged("py:JSMap", write_pairs(encoder, value.pairs, depth))


def _write_ordered_set(encoder: Encoder, value: OrderedSet, depth: int) -> str:
    return tagged("py:OrderedSet", write_hashed_members(encoder, value, depth))


def _write_js_set(encoder: Encoder, value: JSSet, depth: int) -> str:
    return tagged("py:JSSet", write_members(encoder, value.members, depth))


def _write_tuple(encoder: Encoder, value: tuple[Any, ...], depth: int) -> str:
    return tagged("py:tuple", write_items(encoder, value, depth))


def _write_frozenset(encoder: Encoder, value: frozenset[Any], depth: int) -> str:
    members = encoder.sorted_members(value, depth)
    return tagged("py:frozenset", write_hashed_members(encoder, members, depth))


def _write_datetime(encoder: Encoder, value: datetime, depth: int) -> str:
    offset = value.utcoffset()
    if offset is not None and (offset or value.microsecond % 1000):
        return f'["py:datetime","{value.isoformat()}"]'
    return writers.write_datetime(encoder, value, depth)


def _write_date(_encoder: Encoder, value: date, _depth: int) -> str:
    return f'["py:date","{value.isoformat()}"]'


def _write_time(_encoder: Encoder, value: time, _depth: int) -> str:
    if not fixed_offset(value):
        raise refuse(value, javascript=False)
    return f'["py:time","{value.isoformat()}"]'


def _write_timedelta(_encoder: Encoder, value: timedelta, _depth: int) -> str:
    return f'["py:timedelta",{value.days},{value.seconds},{value.microseconds}]'


def _write_decimal(_encoder: Encoder, value: Any, _depth: int) -> str:
    return f'["py:Decimal","{value}"]'


def _write_uuid(_encoder: Encoder, value: Any, _depth: int) -> str:
    return f'["py:UUID","{value}"]'


def _write_typed_array(encoder: Encoder, value: TypedArray, depth: int) -> str:
    # The short form of a Uint8Array is that of bytes here.
    if value.kind != "Uint8Array":
        return writers.write_typed_array(encoder, value, depth)
    return f'["Uint8Array",{encoder.index(value.buffer, depth)},{value.offset},{value.length}]'


def is_late_type(kind: type) -> bool:
    """Whether ``kind`` is a stored type whose module is imported only when a value needs it."""
    return is_loaded_type(kind, "decimal", "Decimal") or is_loaded_type(kind, "uuid", "UUID")


def find_late_writer(value: Any) -> Writer | None:
    kind = type(value)
    if not is_late_type(kind):
        return None
    return _write_decimal if kind.__name__ == "Decimal" else _write_uuid


WRITERS: dict[type, Writer] = {
    **writers.WRITERS,
    dict: _write_dict,
    Map: _write_map,
    JSMap: _write_js_map,
    OrderedSet: _write_ordered_set,
    JSSet: _write_js_set,
    tuple: _write_tuple,
    frozenset: _write_frozenset,
    datetime: _write_datetime,
    date: _write_date,
    time: _write_time,
    timedelta: _write_timedelta,
    TypedArray: _write_typed_array,
}
BUILT = frozenset({tuple, frozenset})


def _read_map(decoder: Decoder, raw: list[Any], place: int, depth: int) -> Any:
    into: dict[Any, Any] | JSMap = (
        {} if readers.hashable_keys(decoder, raw, place, depth) else JSMap()
    )
    return fill_pairs(decoder, raw, place, depth, into)


def _read_set(decoder: Decoder, raw: list[Any], place: int, depth: int) -> Any:
    into: set[Any] | JSSet = set() if decoder.all_hashable(raw[1:], depth) else JSSet()
    return fill_members(decoder, raw, place, depth, into)


def _read_js_map(decoder: Decoder, raw: list[Any], place: int, depth: int) -> Any:
    if len(raw) % 2 == 0:
        raise corrupt(f"slot {place} has a key without a value")
    return fill_pairs(decoder, raw, place, depth, JSMap())


def _read_js_set(decoder: Decoder, raw: list[Any], place: int, depth: int) -> Any:
    return fill_members(decoder, raw, place, depth, JSSet())


def _read_items(decoder: Decoder, places: Iterable[Any], depth: int) -> list[Any]:
    return [decoder.value(item, depth) for item in places]


def _read_tuple(decoder: Decoder, raw: list[Any], _place: int, depth: int) -> tuple[Any, ...]:
    return tuple(_read_items(decoder, raw[1:], depth))


def _read_frozenset(decoder: Decoder, raw: list[Any], place: int, depth: int) -> frozenset[Any]:
    if not decoder.all_hashable(raw[1:], depth):
        raise corrupt(f"slot {place} has members that cannot be hashed or kept apart")
    refuse_alike(decoder, raw[1:], place, depth)
    members: set[Any] = set()
    with_hash(members.update, _read_items(decoder, raw[1:], depth))
    return frozenset(members)


def _read_bytes(decoder: Decoder, raw: list[Any], place: int, depth: int) -> bytes | TypedArray:
    view = readers.read_typed_array(decoder, raw, place, depth)
    return view.buffer.data if len(raw) == 2 else view


def _read_float(_decoder: Decoder, raw: list[Any], place: int, _depth: int) -> float:
    number = readers.only_slot(raw, place)
    if type(number) is not int or not -MAX_SAFE_INTEGER <= number <= MAX_SAFE_INTEGER:
        raise corrupt(f"slot {place} is no integral float")
    return float(number)


def _read_iso(kind: Any, raw: list[Any], place: int) -> Any:
    text = only_text(raw, place)
    try:
        value = kind.fromisoformat(text)
    except ValueError:
        value = None
    if value is None or value.isoformat() != text:
        raise corrupt(f"slot {place} is no {kind.__name__}")
    return value


def _read_datetime(_decoder: Decoder, raw: list[Any], place: int, _depth: int) -> datetime:
    moment: datetime = _read_iso(datetime, raw, place)
    if moment.tzinfo is None:
        raise corrupt(f"slot {place} is a naive datetime")
    return moment


def _read_date(_decoder: Decoder, raw: list[Any], place: int, _depth: int) -> Any:
    return _read_iso(date, raw, place)


def _read_time(_decoder: Decoder, raw: list[Any], place: int, _depth: int) -> Any:
    return _read_iso(time, raw, place)


def _read_timedelta(_decoder: Decoder, raw: list[Any], place: int, _depth: int) -> timedelta:
    if len(raw) == 4 and all(type(part) is int for part in raw[1:]):
        days, seconds, microseconds = raw[1:]
        if abs(days) < 10**9 and 0 <= seconds < 86_400 and 0 <= microseconds < 10**6:
            return timedelta(days, seconds, microseconds)
    raise corrupt(f"slot {place} is no timedelta")


def _read_decimal(_decoder: Decoder, raw: list[Any], place: int, _depth: int) -> Any:
    from decimal import Decimal

    text = only_text(raw, place)
    try:
        value = Decimal(text)
    except (ArithmeticError, ValueError):
        value = None
    # The letter case of the exponent depends on the decimal context.
    if value is None or str(value).lower() != text.lower():
        raise corrupt(f"slot {place} is no Decimal")
    return value


def _read_uuid(_decoder: Decoder, raw: list[Any], place: int, _depth: int) -> Any:
    from uuid import UUID

    text = only_text(raw, place)
    try:
        value = UUID(text)
    except ValueError:
        value = None
    if str(value) != text:
        raise corrupt(f"slot {place} is no UUID")
    return value


READERS: dict[str, Reader] = {
    **readers.READERS,
    "Map": _read_map,
    "Set": _read_set,
    "Uint8Array": _read_bytes,
    "py:Map": readers.read_map,
    "py:JSMap": _read_js_map,
    "py:OrderedSet": readers.read_set,
    "py:JSSet": _read_js_set,
    "py:tuple": _read_tuple,
    "py:frozenset": _read_frozenset,
    "py:float": _read_float,
    "py:datetime": _read_datetime,
    "py:date": _read_date,
    "py:time": _read_time,
    "py:timedelta": _read_timedelta,
    "py:Decimal": _read_decimal,
    "py:UUID": _read_uuid,
}
_LEAVES = ("float", "datetime", "date", "time", "timedelta", "Decimal", "UUID")
HASHABLE = readers.HASHABLE | {f"py:{name}" for name in _LEAVES} | {"Uint8Array"}
NESTED = frozenset({"py:tuple", "py:frozenset"})


def write_dialect() -> WriteDialect:
    """A dialect of one's own, to register types in."""
    return WriteDialect(dict(WRITERS), javascript=False, built=BUILT, find=find_late_writer)


def read_dialect() -> ReadDialect:
    return ReadDialect(dict(READERS), HASHABLE, NESTED)
