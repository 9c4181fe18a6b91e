"""From devalue's text to a value, whoever wrote the text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import partial
from math import inf, nan
from typing import Any, NoReturn, Protocol

from ..errors import CorruptRecord
from .encoder import MAX_DEPTH, MAX_KEY_MEMBERS
from .scalars import number_value
from .types import UNDEFINED, SparseArray

HOLE = -2
SPARSE = -7
_CONSTANTS: dict[int, Any] = {-1: UNDEFINED, -3: nan, -4: inf, -5: -inf, -6: -0.0}
_MISSING = object()
_BUILDING = object()
_UNHASHABLE = 0


class Reader(Protocol):
    """Builds the value of a tagged slot; containers enter ``values`` before their children."""

    def __call__(self, decoder: Decoder, raw: list[Any], place: int, depth: int, /) -> Any: ...


class ReadDialect:
    """Which tags can be read, and which of them become hashable values.

    Of ``nested`` tags the elements count: they are hashable if all of these are.
    """

    __slots__ = ("hashable", "nested", "readers")

    def __init__(
        self, readers: dict[str, Reader], hashable: Iterable[str], nested: Iterable[str] = ()
    ) -> None:
        self.readers = readers
        self.hashable = set(hashable)
        self.nested = frozenset(nested)


def corrupt(reason: str) -> CorruptRecord:
    return CorruptRecord(
        f"the stored value cannot be decoded: {reason}; set or delete its key to replace it"
    )


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError


_json = json.JSONDecoder(parse_constant=_refuse_constant)


def decode(text: str, dialect: ReadDialect, max_depth: int = MAX_DEPTH) -> Any:
    """The value of ``text``; CorruptRecord where it is not what an encoder writes."""
    slots = _parse(text)
    if type(slots) is int and slots in _CONSTANTS:
        return _CONSTANTS[slots]
    if type(slots) is not list or not slots:
        raise corrupt("it is not a list of slots")
    try:
        return Decoder(slots, dialect, max_depth).value(0, 0)
    except RecursionError:
        pass
    raise corrupt(f"it is nested deeper than {max_depth} levels")


def _parse(text: str) -> Any:
    # Raised outside of the handlers: a JSONDecodeError carries the whole text.
    if type(text) is not str:
        raise corrupt("it is not text")
    try:
        if not text.isascii():
            text.encode()
        return _json.decode(text)
    except UnicodeEncodeError:
        reason = "it is not valid UTF-8"
    except ValueError:
        reason = "it is not JSON"
    except RecursionError:
        reason = "it is nested too deeply"
    raise corrupt(reason)


class Decoder:
    """Builds each slot at most once, when it is first referred to."""

    __slots__ = ("_weights", "dialect", "max_depth", "slots", "values")

    def __init__(self, slots: list[Any], dialect: ReadDialect, max_depth: int) -> None:
        self.max_depth = max_depth
        self.slots = slots
        self.values: list[Any] = [_MISSING] * len(slots)
        self.dialect = dialect
        self._weights: dict[int, int] = {}

    def value(self, place: Any, depth: int) -> Any:
        if type(place) is not int or place >= len(self.slots):
            raise corrupt("it refers to a slot that does not exist")
        if place < 0:
            return self._constant(place)
        value = self.values[place]
        if value is not _MISSING:
            if value is _BUILDING:
                raise corrupt(f"slot {place} contains itself")
            return value
        raw = self.slots[place]
        if type(raw) is dict or type(raw) is list:
            if depth >= self.max_depth:
                raise corrupt(f"it is nested deeper than {self.max_depth} levels")
            self.values[place] = _BUILDING
            read = self._object if isinstance(raw, dict) else self._reader(raw, place)
            raw = read(raw, place, depth + 1)
        elif type(raw) is int or type(raw) is float:
            raw = number_value(raw)
            if raw is None:
                raise corrupt(f"slot {place} is a number out of range")
        self.values[place] = raw
        return raw

    def _constant(self, place: int) -> Any:
        if place not in _CONSTANTS:
            raise corrupt("it refers to an unknown constant")
        return _CONSTANTS[place]

    def _reader(self, raw: Any, place: int) -> Callable[[Any, int, int], Any]:
        first = raw[0] if raw else None
        if type(first) is str:
            reader = self.dialect.readers.get(first)
            if reader is None:
                raise corrupt(
                    f"slot {place} has a tag that is neither standard nor registered here"
                )
            return partial(reader, self)
        if type(first) is int and first == SPARSE:
            return self._sparse
        return self._with_holes if HOLE in raw else self._list

    def _list(self, raw: list[Any], place: int, depth: int) -> list[Any]:
        items: list[Any] = []
        self.values[place] = items
        for item in raw:
            items.append(self.value(item, depth))
        return items

    def _object(self, raw: Any, place: int, depth: int) -> dict[str, Any]:
        if "__proto__" in raw:
            raise corrupt(f"slot {place} has the key __proto__")
        fields: dict[str, Any] = {}
        self.values[place] = fields
        for key, item in raw.items():
            fields[key] = self.value(item, depth)
        return fields

    def _with_holes(self, raw: list[Any], place: int, depth: int) -> SparseArray:
        array = self.values[place] = SparseArray(len(raw))
        for position, item in enumerate(raw):
            if type(item) is not int or item != HOLE:
                array.items[position] = self.value(item, depth)
        return array

    def _sparse(self, raw: list[Any], place: int, depth: int) -> SparseArray:
        length = raw[1] if len(raw) > 1 else None
        if type(length) is not int or not 0 <= length < 2**32 or len(raw) % 2:
            raise corrupt(f"slot {place} is no sparse array")
        array = self.values[place] = SparseArray(length)
        for position, item in zip(raw[2::2], raw[3::2], strict=True):
            if type(position) is not int or not 0 <= position < length:
                raise corrupt(f"slot {place} has an element outside the array")
            array.items[position] = self.value(item, depth)
        return array

    def all_hashable(self, places: list[Any], depth: int) -> bool:
        """Whether the slots become values that a dict or set can hold and keep apart."""
        for place in places:
            if type(place) is not int or place >= len(self.slots):
                raise corrupt("it refers to a slot that does not exist")
            if self._weight(place, depth) == _UNHASHABLE:
                return False
        if len(set(places)) != len(places):
            return False
        return len(set(map(self._likeness, places))) == len(places)

    def _likeness(self, place: int) -> Any:
        """Equal for slots whose values are equal. A text stands for what could be chosen such
        that thousands have one hash: Python salts the hashes of texts only."""
        raw = self._constant(place) if place < 0 else self.slots[place]
        if type(raw) is list:
            return repr(raw)
        return number_value(raw) if type(raw) is int else raw

    def _weight(self, place: int, depth: int) -> int:
        """The members that hashing the slot's value visits; 0 if it cannot be hashed."""
        raw = None if place < 0 else self.slots[place]
        if type(raw) is dict:
            return _UNHASHABLE
        if type(raw) is not list:
            return 1
        tag = raw[0] if raw and type(raw[0]) is str else None
        if tag not in self.dialect.nested:
            is_view = tag == "Uint8Array" and len(raw) > 2
            return _UNHASHABLE if is_view or tag not in self.dialect.hashable else 1
        known = self._weights.get(place)
        if known is None:
            self._weights[place] = MAX_KEY_MEMBERS + 1  # a tuple that contains itself
            known = self._weights[place] = self._nested_weight(raw[1:], depth + 1)
        if known > MAX_KEY_MEMBERS or depth >= self.max_depth:
            raise corrupt(f"slot {place} is too large for a key or set member")
        return known

    def _nested_weight(self, places: list[Any], depth: int) -> int:
        total = 1
        for place in places:
            if type(place) is not int or place >= len(self.slots):
                raise corrupt("it refers to a slot that does not exist")
            weight = self._weight(place, depth)
            if weight == _UNHASHABLE:
                return _UNHASHABLE
            total += weight
        return total
