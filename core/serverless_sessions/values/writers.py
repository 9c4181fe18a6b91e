"""How each type is written in the format that Astro reads."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from .encoder import (
    Encoder,
    WriteDialect,
    Writer,
    javascript_order,
    write_fields,
    write_hashed_members,
    write_hashed_pairs,
    write_items,
    write_members,
    write_pairs,
)
from .ordered_set import OrderedSet
from .refusal import Refused, key_step, refuse
from .scalars import date_text, js_date_text, quote
from .types import (
    MAX_ARRAY_LENGTH,
    URL,
    ArrayBuffer,
    Boxed,
    JSDate,
    JSMap,
    JSSet,
    Map,
    NullObject,
    RegExp,
    SparseArray,
    Temporal,
    TypedArray,
    URLSearchParams,
)


def tagged(tag: str, parts: Iterable[str]) -> str:
    return f'["{tag}",{",".join(parts)}]' if parts else f'["{tag}"]'


def object_text(fields: list[tuple[str, int]]) -> str:
    return "{" + ",".join([f"{name}:{place}" for name, place in fields]) + "}"


def has_only_text_keys(value: dict[Any, Any]) -> bool:
    return all(type(key) is str for key in value)


def write_none(_encoder: Encoder, _value: None, _depth: int) -> str:
    return "null"


def write_bool(_encoder: Encoder, value: bool, _depth: int) -> str:
    return "true" if value else "false"


def write_list(encoder: Encoder, value: list[Any], depth: int) -> str:
    return f"[{','.join(write_items(encoder, value, depth))}]"


def write_dict(encoder: Encoder, value: dict[Any, Any], depth: int) -> str:
    if not has_only_text_keys(value):
        return write_map(encoder, value, depth)
    _refuse_prototype(value)
    return object_text(write_fields(encoder, value, javascript_order(value), depth))


def write_null_object(encoder: Encoder, value: NullObject, depth: int) -> str:
    _refuse_prototype(value)
    for key in value:
        if type(key) is not str:
            raise _at_key(key, refuse(key, javascript=True))
    fields = write_fields(encoder, value, javascript_order(value), depth)
    return tagged("null", [f"{name},{place}" for name, place in fields])


def _refuse_prototype(value: dict[str, Any]) -> None:
    if "__proto__" in value:
        raise _at_key("__proto__", Refused("JavaScript cannot have this key; rename it"))


def _at_key(key: object, refused: Refused) -> Refused:
    refused.steps.append(key_step(key))
    return refused


def write_map(encoder: Encoder, value: dict[Any, Any], depth: int) -> str:
    return tagged("Map", write_hashed_pairs(encoder, value, depth))


def write_js_map(encoder: Encoder, value: JSMap, depth: int) -> str:
    return tagged("Map", write_pairs(encoder, value.pairs, depth))


def write_set(encoder: Encoder, value: set[Any], depth: int) -> str:
    members = encoder.sorted_members(value, depth)
    return tagged("Set", write_hashed_members(encoder, members, depth))


def write_ordered_set(encoder: Encoder, value: OrderedSet, depth: int) -> str:
    return tagged("Set", write_hashed_members(encoder, value, depth))


def write_js_set(encoder: Encoder, value: JSSet, depth: int) -> str:
    return tagged("Set", write_members(encoder, value.members, depth))


def write_datetime(_encoder: Encoder, value: datetime, _depth: int) -> str:
    if value.utcoffset() is None:
        raise refuse(value, javascript=False)
    return f'["Date","{date_text(value)}"]'


def write_js_date(_encoder: Encoder, value: JSDate, _depth: int) -> str:
    return f'["Date","{js_date_text(value.ms)}"]'


def write_regexp(_encoder: Encoder, value: RegExp, _depth: int) -> str:
    parts = [value.source, value.flags] if value.flags else [value.source]
    return tagged("RegExp", map(quote, parts))


def write_url(encoder: Encoder, value: URL, depth: int) -> str:
    return f'["URL",{encoder.index(value.href, depth)}]'


def write_search_params(_encoder: Encoder, value: URLSearchParams, _depth: int) -> str:
    return f'["URLSearchParams",{quote(value.query)}]'


def write_temporal(_encoder: Encoder, value: Temporal, _depth: int) -> str:
    return f'["Temporal.{value.kind}",{quote(value.text)}]'


def write_boxed(encoder: Encoder, value: Boxed, depth: int) -> str:
    return f'["Object",{encoder.index(value.value, depth)}]'


def write_buffer(_encoder: Encoder, value: ArrayBuffer, _depth: int) -> str:
    return f'["ArrayBuffer","{b2a_base64(value.data, newline=False).decode()}"]'


def write_typed_array(encoder: Encoder, value: TypedArray, depth: int) -> str:
    view = "" if value.covers_buffer else f",{value.offset},{value.length}"
    return f'["{value.kind}",{encoder.index(value.buffer, depth)}{view}]'


def write_bytes(encoder: Encoder, value: bytes, depth: int) -> str:
    buffer = encoder.keep(ArrayBuffer(value))
    return f'["Uint8Array",{encoder.index(buffer, depth)}]'


def write_sparse(encoder: Encoder, value: SparseArray, depth: int) -> str:
    length = value.length
    if type(length) is not int or not 0 <= length <= MAX_ARRAY_LENGTH:
        raise Refused(f"the length of a SparseArray must be from 0 to {MAX_ARRAY_LENGTH}")
    items: list[tuple[int, int]] = []
    for position in sorted(value.items):
        if type(position) is not int or not 0 <= position < length:
            raise Refused("the positions of a SparseArray must lie below its length")
        try:
            items.append((position, encoder.index(value.items[position], depth)))
        except Refused as refused:
            refused.steps.append(f"[{position}]")
            raise
    digits = len(str(length))
    holes_cost = (length - len(items)) * 3
    pairs_cost = 4 + digits + len(items) * (digits + 1)
    if holes_cost > pairs_cost:
        return f"[{','.join(map(str, [-7, length, *(part for item in items for part in item)]))}]"
    places = [-2] * length
    for position, place in items:
        places[position] = place
    return f"[{','.join(map(str, places))}]"


WRITERS: dict[type, Writer] = {
    type(None): write_none,
    bool: write_bool,
    list: write_list,
    dict: write_dict,
    set: write_set,
    bytes: write_bytes,
    datetime: write_datetime,
    Map: write_map,
    JSMap: write_js_map,
    OrderedSet: write_ordered_set,
    JSSet: write_js_set,
    NullObject: write_null_object,
    JSDate: write_js_date,
    RegExp: write_regexp,
    URL: write_url,
    URLSearchParams: write_search_params,
    Temporal: write_temporal,
    Boxed: write_boxed,
    ArrayBuffer: write_buffer,
    TypedArray: write_typed_array,
    SparseArray: write_sparse,
}

JAVASCRIPT = WriteDialect(WRITERS, javascript=True)
