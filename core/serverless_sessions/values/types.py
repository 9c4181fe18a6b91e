"""Small value classes for what JavaScript has and Python has not."""

from __future__ import annotations

from reprlib import recursive_repr
from typing import Any, NoReturn

MAX_SAFE_INTEGER = 2**53 - 1
MAX_ARRAY_LENGTH = 2**32 - 1
MAX_DATE_MS = 8_640_000_000_000_000
PYTHON_DATES_MS = range(-62_135_596_800_000, 253_402_300_800_000)

ELEMENT_FORMATS = {
    "Int8Array": "b",
    "Uint8Array": "B",
    "Uint8ClampedArray": "B",
    "Int16Array": "h",
    "Uint16Array": "H",
    "Float16Array": "e",
    "Int32Array": "i",
    "Uint32Array": "I",
    "Float32Array": "f",
    "Float64Array": "d",
    "BigInt64Array": "q",
    "BigUint64Array": "Q",
    "DataView": "B",
}
_FORMAT_BYTES = {"b": 1, "h": 2, "e": 2, "i": 4, "f": 4, "d": 8, "q": 8}
ELEMENT_BYTES = {kind: _FORMAT_BYTES[code.lower()] for kind, code in ELEMENT_FORMATS.items()}

TEMPORAL_KINDS = frozenset(
    {
        "Duration",
        "Instant",
        "PlainDate",
        "PlainDateTime",
        "PlainMonthDay",
        "PlainTime",
        "PlainYearMonth",
        "ZonedDateTime",
    }
)


class Undefined:
    """JavaScript's ``undefined``; the only instance is ``UNDEFINED``, and it is falsy."""

    __slots__ = ()
    _instance: Undefined | None = None

    def __new__(cls) -> Undefined:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "UNDEFINED"

    def __reduce__(self) -> str:
        return "UNDEFINED"


UNDEFINED = Undefined()


class Value:
    """Base of the immutable value classes: equal when type and all parts are equal."""

    __slots__: tuple[str, ...] = ()

    def _parts(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def _init(self, *parts: object) -> None:
        for name, part in zip(self.__slots__, parts, strict=True):
            object.__setattr__(self, name, part)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash((type(self), *self._parts()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._parts()))})"

    def __reduce__(self) -> tuple[type[Value], tuple[Any, ...]]:
        return type(self), self._parts()

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} cannot be changed")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} cannot be changed")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


class RegExp(Value):
    """A JavaScript regular expression: its source and flags as text, never compiled here."""

    __slots__ = ("source", "flags")  # noqa: RUF023 the constructor's order
    source: str
    flags: str

    def __init__(self, source: str, flags: str = "") -> None:
        _require(type(source) is str and type(flags) is str, "source and flags must be text")
        self._init(source, flags)


class URL(Value):
    """A JavaScript URL object, kept as its ``href``."""

    __slots__ = ("href",)
    href: str

    def __init__(self, href: str) -> None:
        _require(type(href) is str, "href must be text")
        self._init(href)

    def __str__(self) -> str:
        return self.href


class URLSearchParams(Value):
    """A JavaScript URLSearchParams object, kept as its query text."""

    __slots__ = ("query",)
    query: str

    def __init__(self, query: str = "") -> None:
        _require(type(query) is str, "query must be text")
        self._init(query)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The decoded names and values, in order."""
        from urllib.parse import parse_qsl

        return parse_qsl(self.query, keep_blank_values=True)

    def __str__(self) -> str:
        return self.query


class Temporal(Value):
    """A JavaScript Temporal value: its kind, such as ``PlainDate``, and its ISO text."""

    __slots__ = ("kind", "text")
    kind: str
    text: str

    def __init__(self, kind: str, text: str) -> None:
        _require(kind in TEMPORAL_KINDS, f"kind must be one of {', '.join(sorted(TEMPORAL_KINDS))}")
        _require(type(text) is str, "text must be text")
        self._init(kind, text)

    def __str__(self) -> str:
        return self.text


class JSDate(Value):
    """A JavaScript Date that no ``datetime`` can hold, in milliseconds since 1970 UTC.

    None is JavaScript's "Invalid Date". ValueError for a date that ``datetime`` can hold.
    """

    __slots__ = ("ms",)
    ms: int | None

    def __init__(self, ms: int | None) -> None:
        if ms is not None:
            _require(type(ms) is int and abs(ms) <= MAX_DATE_MS, "ms is beyond JavaScript's dates")
            _require(ms not in PYTHON_DATES_MS, "use an aware datetime for this date")
        self._init(ms)


class BigInt(Value):
    """A JavaScript BigInt small enough to be a number; a larger one is a Python int."""

    __slots__ = ("value",)
    value: int

    def __init__(self, value: int) -> None:
        _require(
            type(value) is int and abs(value) <= MAX_SAFE_INTEGER,
            "an int beyond 2**53 - 1 is stored as a BigInt by itself",
        )
        self._init(value)

    def __int__(self) -> int:
        return self.value

    def __index__(self) -> int:
        return self.value


class Boxed(Value):
    """A JavaScript wrapper object, such as ``new Number(1)``."""

    __slots__ = ("value",)
    value: str | int | float | bool | BigInt

    def __init__(self, value: str | int | float | bool | BigInt) -> None:
        _require(type(value) in (str, int, float, bool, BigInt), "only a primitive can be boxed")
        self._init(value)

    def __eq__(self, other: object) -> bool:
        if type(other) is not Boxed:
            return NotImplemented
        return (type(self.value), self.value) == (type(other.value), other.value)

    def __hash__(self) -> int:
        return hash((Boxed, type(self.value), self.value))


class ArrayBuffer(Value):
    """The bytes that typed arrays look at; views of one buffer stay views of one buffer."""

    __slots__ = ("data",)
    data: bytes
    __hash__ = None  # type: ignore[assignment]  # mutable

    def __init__(self, data: bytes = b"") -> None:
        _require(type(data) is bytes, "data must be bytes")
        self._init(data)


class TypedArray(Value):
    """A view of ``length`` elements on a buffer, from byte ``offset``; also a DataView.

    ``kind`` is JavaScript's class name. ValueError when the view does not fit the buffer.
    """

    __slots__ = ("kind", "buffer", "offset", "length")  # noqa: RUF023 the constructor's order
    kind: str
    buffer: ArrayBuffer
    offset: int
    length: int
    __hash__ = None  # type: ignore[assignment]  # mutable

    def __init__(
        self, kind: str, buffer: ArrayBuffer, offset: int = 0, length: int | None = None
    ) -> None:
        _require(kind in ELEMENT_BYTES, f"kind must be one of {', '.join(ELEMENT_BYTES)}")
        _require(type(buffer) is ArrayBuffer, "buffer must be an ArrayBuffer")
        size, total = ELEMENT_BYTES[kind], len(buffer.data)
        _require(type(offset) is int and 0 <= offset <= total, "offset is outside the buffer")
        _require(offset % size == 0, "offset must be a multiple of the element size")
        if length is None:
            _require((total - offset) % size == 0, "the buffer ends within an element")
            length = (total - offset) // size
        _require(type(length) is int and length >= 0, "length must not be negative")
        _require(offset + length * size <= total, "the view is longer than the buffer")
        self._init(kind, buffer, offset, length)

    @property
    def covers_buffer(self) -> bool:
        return self.offset == 0 and self.length * ELEMENT_BYTES[self.kind] == len(self.buffer.data)

    def __bytes__(self) -> bytes:
        return self.buffer.data[self.offset :][: self.length * ELEMENT_BYTES[self.kind]]

    def elements(self) -> list[int | float]:
        """The elements as Python numbers; a DataView's are its bytes."""
        from struct import unpack

        return list(unpack(f"<{self.length}{ELEMENT_FORMATS[self.kind]}", bytes(self)))


class SparseArray:
    """An array with holes: its length, and the elements that are there by position.

    Mutable. Nothing is allocated for the holes, so a claimed length costs no memory.
    """

    __slots__ = ("items", "length")
    __hash__ = None  # type: ignore[assignment]  # mutable

    def __init__(self, length: int, items: dict[int, Any] | None = None) -> None:
        self.length = length
        self.items = {} if items is None else items

    def __eq__(self, other: object) -> bool:
        if type(other) is not SparseArray:
            return NotImplemented
        return self.length == other.length and self.items == other.items

    @recursive_repr()
    def __repr__(self) -> str:
        return f"SparseArray({self.length!r}, {self.items!r})"


class NullObject(dict[str, Any]):
    """A JavaScript object without a prototype: a dict of text keys."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"NullObject({super().__repr__()})"


class Map(dict[Any, Any]):
    """A JavaScript Map whose keys a dict can hold and keep apart."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Map({super().__repr__()})"


class JSMap:
    """A JavaScript Map whose keys no dict can hold or keep apart, such as 1 and True: its pairs."""

    __slots__ = ("pairs",)
    __hash__ = None  # type: ignore[assignment]  # mutable

    def __init__(self, pairs: list[tuple[Any, Any]] | None = None) -> None:
        self.pairs = [] if pairs is None else pairs

    def __eq__(self, other: object) -> bool:
        return self.pairs == other.pairs if type(other) is JSMap else NotImplemented

    @recursive_repr()
    def __repr__(self) -> str:
        return f"JSMap({self.pairs!r})"


class JSSet:
    """A JavaScript Set whose members no set can hold or keep apart: its members, in order."""

    __slots__ = ("members",)
    __hash__ = None  # type: ignore[assignment]  # mutable

    def __init__(self, members: list[Any] | None = None) -> None:
        self.members = [] if members is None else members

    def __eq__(self, other: object) -> bool:
        return self.members == other.members if type(other) is JSSet else NotImplemented

    @recursive_repr()
    def __repr__(self) -> str:
        return f"JSSet({self.members!r})"
