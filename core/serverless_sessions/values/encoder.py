"""From a value to the slots of devalue's text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from math import copysign, inf
from typing import Any, Protocol

from .refusal import Refused, key_step, refuse
from .scalars import bigint_text, number_text, quote
from .types import MAX_SAFE_INTEGER, UNDEFINED, BigInt

MAX_DEPTH = 200
MAX_KEY_MEMBERS = 1_000
MAX_OF_ONE_HASH = 1_000
MAX_SORTED_CHARACTERS = 4_000_000
_MAX_ARRAY_INDEX = 2**32 - 2
_ARRAY_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")
_DIGITS = frozenset("0123456789")
_UNFILLED = ""


class Writer(Protocol):
    """Returns the text of the slot of a value; its children lie at ``depth``."""

    def __call__(self, encoder: Encoder, value: Any, depth: int, /) -> str: ...


class WriteDialect:
    """Which types can be written, and how. ``built`` are the types that exist only complete."""

    __slots__ = ("built", "find", "javascript", "writers")

    def __init__(
        self,
        writers: dict[type, Writer],
        *,
        javascript: bool,
        built: frozenset[type] = frozenset(),
        find: Callable[[Any], Writer | None] = lambda _: None,
    ) -> None:
        self.writers = writers
        self.javascript = javascript
        self.built = set(built)
        self.find = find


class Encoder:
    """Gives every value its slot: scalars by value, everything else by identity."""

    __slots__ = (
        "dialect",
        "kept",
        "max_depth",
        "orders",
        "places",
        "scalars",
        "slots",
        "sorted_characters",
    )

    def __init__(self, dialect: WriteDialect, max_depth: int = MAX_DEPTH) -> None:
        self.dialect = dialect
        self.max_depth = max_depth
        self.slots: list[str] = []
        self.scalars: dict[Any, int] = {}
        self.places: dict[int, int] = {}
        self.kept: list[Any] = []  # an id is only unique while its object lives
        self.orders: dict[int, tuple[Any, list[Any]]] = {}
        self.sorted_characters = [0]

    def index(self, value: Any, depth: int) -> int:
        kind = type(value)
        if kind is str:
            place = self.scalars.get(value)
            return self._add_scalar(value, quote(value)) if place is None else place
        if kind is int:
            return self._integer(value, depth)
        if kind is float:
            return self._float(value, depth)
        if value is UNDEFINED:
            return -1
        if kind is BigInt:
            return self._bigint(value.value, depth)
        found = self.places.get(id(value))
        if found is not None:
            if kind in self.dialect.built and self.slots[found] == _UNFILLED:
                raise Refused(f"a cycle through a {kind.__name__} cannot be stored; break it")
            return found
        writer = self.dialect.writers.get(kind) or self.dialect.find(value)
        if writer is None:
            raise refuse(value, javascript=self.dialect.javascript)
        if value is not None and kind is not bool:
            self._check_depth(depth)
        place = self.places[id(value)] = len(self.slots)
        self.slots.append(_UNFILLED)
        self.slots[place] = writer(self, value, depth + 1)
        return place

    def _check_depth(self, depth: int) -> None:
        if depth >= self.max_depth:
            raise too_deep(self.max_depth)

    def _add_scalar(self, key: Any, text: str) -> int:
        place = self.scalars[key] = len(self.slots)
        self.slots.append(text)
        return place

    def _integer(self, value: int, depth: int) -> int:
        if not -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
            return self._bigint(value, depth)
        place = self.scalars.get(value)
        return self._add_scalar(value, str(value)) if place is None else place

    def _bigint(self, value: int, depth: int) -> int:
        text = bigint_text(value)
        key = (BigInt, text)  # ints can be chosen such that thousands have one hash
        place = self.scalars.get(key)
        if place is not None:
            return place
        self._check_depth(depth)
        return self._add_scalar(key, f'["BigInt","{text}"]')

    def _float(self, value: float, depth: int) -> int:
        if value != value:
            return -3
        if value in (inf, -inf):
            return -4 if value > 0 else -5
        if value == 0 and copysign(1, value) < 0:
            return -6
        text = number_text(value)
        if self.dialect.javascript or abs(value) > MAX_SAFE_INTEGER or not value.is_integer():
            place = self.scalars.get(value)
            return self._add_scalar(value, text) if place is None else place
        key = (float, value)
        place = self.scalars.get(key)
        if place is not None:
            return place
        self._check_depth(depth)
        return self._add_scalar(key, f'["py:float",{text}]')

    def keep(self, value: Any) -> Any:
        self.kept.append(value)
        return value

    def sorted_members(self, members: Iterable[Any], depth: int) -> list[Any]:
        """The members in the order of the texts they have by themselves.

        A part that members share counts in the text of each: where that grows beyond measure,
        they stay as they come.
        """
        known = self.orders.get(id(members))
        if known is not None:
            return known[1]
        order = list(members)
        texts: list[str] = []
        for member in order:
            if self.sorted_characters[0] > MAX_SORTED_CHARACTERS:
                break
            texts.append(self._text_alone(member, depth))
            self.sorted_characters[0] += len(texts[-1])
        else:
            ranks = sorted(range(len(order)), key=texts.__getitem__)
            order = [order[rank] for rank in ranks]
        self.orders[id(members)] = (members, order)
        return order

    def _text_alone(self, member: Any, depth: int) -> str:
        if type(member) is str:
            return quote(member)
        alone = Encoder(self.dialect, self.max_depth)
        alone.orders = self.orders
        alone.kept = self.kept
        alone.sorted_characters = self.sorted_characters
        try:
            return alone.text(alone.index(member, depth))
        except Refused as refused:
            refused.steps.append(MEMBER_STEP)
            raise

    def text(self, root: int) -> str:
        return str(root) if root < 0 else f"[{','.join(self.slots)}]"


MEMBER_STEP = "[<member>]"


def encode(value: Any, dialect: WriteDialect, key: str, max_depth: int = MAX_DEPTH) -> str:
    """The text of ``value``; UnsupportedValue naming ``key`` and the path below it."""
    encoder = Encoder(dialect, max_depth)
    try:
        return encoder.text(encoder.index(value, 0))
    except Refused as refused:
        error, cause = refused.error(key), refused.__cause__
    except RecursionError:
        error, cause = too_deep(max_depth).error(key), None
    raise error from cause


def too_deep(limit: int) -> Refused:
    return Refused(f"it is nested deeper than {limit} levels; store it flatter, or as text")


def write_items(encoder: Encoder, items: Iterable[Any], depth: int) -> list[str]:
    """The slot numbers of the items of a sequence."""
    places: list[str] = []
    try:
        for item in items:
            places.append(str(encoder.index(item, depth)))
    except Refused as refused:
        refused.steps.append(f"[{len(places)}]")
        raise
    return places


def write_members(encoder: Encoder, members: Iterable[Any], depth: int) -> list[str]:
    """The slot numbers of the members of a set."""
    places: list[str] = []
    try:
        for member in members:
            places.append(str(encoder.index(member, depth)))
    except Refused as refused:
        refused.steps.append(MEMBER_STEP)
        raise
    return places


def write_pairs(encoder: Encoder, pairs: Iterable[tuple[Any, Any]], depth: int) -> list[str]:
    """The slot numbers of keys and values, in turn."""
    places: list[str] = []
    key: object = None
    try:
        for key, value in pairs:
            places.append(str(encoder.index(key, depth)))
            places.append(str(encoder.index(value, depth)))
    except Refused as refused:
        refused.steps.append(key_step(key))
        raise
    return places


def write_hashed_members(encoder: Encoder, members: Iterable[Any], depth: int) -> list[str]:
    """As ``write_members``, of a set that is to be a set again when read."""
    for member in members:
        check_key(member)
    _refuse_one_hash(members)
    places = write_members(encoder, members, depth)
    _refuse_alike(encoder, places)
    return places


def write_hashed_pairs(encoder: Encoder, pairs: dict[Any, Any], depth: int) -> list[str]:
    """As ``write_pairs``, of a dict that is to be a dict again when read."""
    for key in pairs:
        check_key(key)
    _refuse_one_hash(pairs)
    places = write_pairs(encoder, pairs.items(), depth)
    _refuse_alike(encoder, places[::2])
    return places


def are_spread(keys: Iterable[Any]) -> bool:
    """Whether a dict or set of these keys takes time that grows with their number only."""
    return max(Counter(map(hash, keys)).values(), default=0) <= MAX_OF_ONE_HASH


def _refuse_one_hash(keys: Iterable[Any]) -> None:
    if not are_spread(keys):
        raise Refused(f"over {MAX_OF_ONE_HASH:,} keys or members have the same hash")


def _refuse_alike(encoder: Encoder, places: list[str]) -> None:
    slots = encoder.slots
    texts = {place if place[0] == "-" else slots[int(place)] for place in places}
    if len(texts) != len(places):
        raise Refused("two of its keys or members have the same text, such as two NaN; keep one")


def write_fields(
    encoder: Encoder, fields: dict[str, Any], keys: Iterable[str], depth: int
) -> list[tuple[str, int]]:
    """The quoted names and the slot numbers of an object's fields."""
    places: list[tuple[str, int]] = []
    key = ""
    try:
        for key in keys:
            places.append((quote(key), encoder.index(fields[key], depth)))
    except Refused as refused:
        refused.steps.append(key_step(key))
        raise
    return places


def check_key(key: Any) -> None:
    """Hashing nested tuples costs time per path, not per tuple, so their members are limited."""
    if type(key) is not tuple and type(key) is not frozenset:
        return
    pending, count = [key], 0
    while pending:
        item = pending.pop()
        count += 1
        if count > MAX_KEY_MEMBERS:
            raise Refused(f"a key or set member with over {MAX_KEY_MEMBERS:,} nested members")
        if type(item) is tuple or type(item) is frozenset:
            pending.extend(item)


def javascript_order(keys: Iterable[str]) -> list[str]:
    """The order in which a JavaScript object has these keys: array indexes first, ascending."""
    names = list(keys)
    indexes = [name for name in names if name[:1] in _DIGITS and _is_array_index(name)]
    if not indexes:
        return names
    known = set(indexes)
    return [*sorted(indexes, key=int), *(name for name in names if name not in known)]


def _is_array_index(name: str) -> bool:
    return _ARRAY_INDEX.fullmatch(name) is not None and int(name) <= _MAX_ARRAY_INDEX
