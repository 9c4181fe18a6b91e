"""Why a value cannot be stored, and what to do about it."""

from __future__ import annotations

import json
import sys
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

from ..errors import UnsupportedValue

_SHOWN_KEY_CHARACTERS = 40
_PLAIN_BASES = (bool, int, float, str, bytes, list, dict, set, frozenset, tuple)
_PLAIN_REMEDIES: dict[type, str] = {
    tuple: "store list(x)",
    frozenset: "store set(x)",
    date: "store x.isoformat()",
    time: "store x.isoformat()",
    timedelta: "store x.total_seconds()",
}
_REMEDIES: dict[type, str] = {
    bytearray: "store bytes(x)",
    memoryview: "store bytes(x)",
    range: "store list(x)",
    complex: "store [x.real, x.imag]",
    datetime: "it is naive: give it a timezone, for example datetime.now(timezone.utc)",
    time: "its timezone has no fixed offset: drop it with x.replace(tzinfo=None), "
    "or store a datetime",
}
REGISTER = "store plain data, or register a codec for it with codec.register(...)"


class Refused(Exception):
    """A value that cannot be stored; each container it passes on its way up adds its step."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.steps: list[str] = []

    def error(self, key: str) -> UnsupportedValue:
        root = key if key.isprintable() else json.dumps(key)
        path = root + "".join(reversed(self.steps))
        return UnsupportedValue(f"{path}: {self.reason}")


def key_step(key: object) -> str:
    """A dict key as a step of the path; keys that are not text, numbers or None stay unseen."""
    if type(key) is str:
        if key.isidentifier() and len(key) <= _SHOWN_KEY_CHARACTERS:
            return f".{key}"
        shortened = key[:_SHOWN_KEY_CHARACTERS]
        return f"[{json.dumps(shortened)}{'…' if shortened != key else ''}]"
    if key is None or type(key) is bool:
        return f"[{key!r}]"
    if type(key) is int and key.bit_length() <= 64:
        return f"[{key}]"
    return f"[<{type(key).__name__}>]"


def refuse(value: object, *, javascript: bool) -> Refused:
    """The refusal for a value of a type that has no form in the text."""
    kind = type(value)
    name = f"a value of type {kind.__qualname__}"
    reader = "cannot be stored where Astro reads it" if javascript else "cannot be stored"
    return Refused(f"{name} {reader}; {_remedy(value, kind, javascript=javascript)}")


def _remedy(value: Any, kind: type, *, javascript: bool) -> str:
    if javascript and (remedy := _javascript_remedy(kind)):
        return remedy
    if remedy := _REMEDIES.get(kind):
        return remedy
    if isinstance(value, type) or callable(value):
        return "classes and functions are code: store a name to look it up by"
    if is_loaded_type(kind, "enum", "Enum", subclasses=True):
        return "store x.value or x.name, or register a codec for it"
    if hasattr(kind, "__dataclass_fields__"):
        return "store dataclasses.asdict(x), or register a codec for it"
    if isinstance(value, tuple) and hasattr(kind, "_asdict"):
        return "store x._asdict() or tuple(x), or register a codec for it"
    if hasattr(kind, "model_dump"):
        return "store x.model_dump(), or register a codec for it"
    for base in _PLAIN_BASES:
        if isinstance(value, base):
            return f"subclasses are not kept: store {base.__name__}(x), or register a codec for it"
    if isinstance(value, datetime):
        return "subclasses are not kept: store a datetime, or register a codec for it"
    return REGISTER


def _javascript_remedy(kind: type) -> str | None:
    if is_loaded_type(kind, "decimal", "Decimal") or is_loaded_type(kind, "uuid", "UUID"):
        return "store str(x)"
    return _PLAIN_REMEDIES.get(kind)


def is_loaded_type(kind: type, module: str, name: str, *, subclasses: bool = False) -> bool:
    """Whether ``kind`` is that type, without importing its module: no value of it exists before."""
    loaded = getattr(sys.modules.get(module), name, None)
    if loaded is None:
        return False
    return issubclass(kind, loaded) if subclasses else kind is loaded


def fixed_offset(moment: time) -> bool:
    return moment.tzinfo is None or type(moment.tzinfo) is timezone
