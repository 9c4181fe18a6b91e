"""The bytes of Deno KV: its keys, its strings, and the few messages of KV Connect that we need.

Keys are tuples as FoundationDB writes them, a string is what V8 serialises it to, and messages
are Protocol Buffers; the numbers below are those of KV Connect's published schema.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from serverless_sessions.errors import StoreUnavailable

V8, SET, DELETE = 1, 1, 2
_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_V8_HEADER = b"\xff\x0f"
_LATIN_1, _UTF_16, _UTF_8, _PADDING = b'"', b"c", b"S", 0


class Value(NamedTuple):
    data: bytes
    encoding: int
    versionstamp: bytes


class ReadAnswer(NamedTuple):
    """``is_usable``: the endpoint may answer for this database, and does so consistently."""

    is_usable: bool
    value: Value | None


class WriteAnswer(NamedTuple):
    """``status`` is one of those below; any other says that nothing was written."""

    status: int
    versionstamp: bytes


WRITTEN, CHECK_FAILED, WRITE_DISABLED = 1, 2, 5


def key_of(parts: Sequence[str]) -> bytes:
    return b"".join(b"\x02" + part.encode().replace(b"\0", b"\0\xff") + b"\0" for part in parts)


def serialized(text: str) -> bytes:
    """One byte a character as far as Latin-1 goes, else UTF-16 at an even place."""
    try:
        content = text.encode("latin-1")
    except UnicodeEncodeError:
        content = text.encode("utf-16-le")
        start = _UTF_16 + _varint(len(content))
        padding = b"\0" * (len(_V8_HEADER + start) % 2)
        return _V8_HEADER + padding + start + content
    return _V8_HEADER + _LATIN_1 + _varint(len(content)) + content


def deserialized(data: bytes) -> str | None:
    """The string of a serialised one; None where something else is there."""
    try:
        if data[:1] != b"\xff":
            return None
        _, at = _read_varint(data, 1)
        while data[at] == _PADDING:
            at += 1
        tag = data[at : at + 1]
        length, at = _read_varint(data, at + 1)
        content = data[at:]
        if len(content) != length:
            return None
        encodings = {_LATIN_1: "latin-1", _UTF_16: "utf-16-le", _UTF_8: "utf-8"}
        return content.decode(encodings[tag])
    except (LookupError, UnicodeDecodeError):
        return None


def read_request(key: bytes) -> bytes:
    """Ask for the one value under ``key``."""
    return _field(1, _field(1, key) + _field(2, key + b"\0") + _field(3, 1))


def read_answer(data: bytes) -> ReadAnswer:
    """Raises StoreUnavailable for what is no answer."""
    message = _Message(data)
    ranges = message.all_data(1)
    is_usable = (
        len(ranges) == 1
        and message.integer(2) == 0
        and message.integer(4) == 1
        and message.integer(8) in (0, 1)
    )
    values = _Message(ranges[0]).all_data(1) if ranges else []
    if not values:
        return ReadAnswer(is_usable, None)
    value = _Message(values[0])
    return ReadAnswer(is_usable, Value(value.data(2), value.integer(3), value.data(4)))


def write_request(
    key: bytes, value: bytes | None, *, check: bytes | None, expires_ms: int = 0
) -> bytes:
    """Set or delete (None) what is under ``key``, if its versionstamp is ``check``; an empty one
    stands for a key that is not there, None for any."""
    checks = b"" if check is None else _field(1, _field(1, key) + _field(2, check))
    if value is None:
        return checks + _field(2, _field(1, key) + _field(3, DELETE))
    kept = _field(1, value) + _field(2, V8)
    mutation = _field(1, key) + _field(2, kept) + _field(3, SET)
    return checks + _field(2, mutation + (_field(4, expires_ms) if expires_ms else b""))


def write_answer(data: bytes) -> WriteAnswer:
    """Raises StoreUnavailable for what is no answer."""
    message = _Message(data)
    return WriteAnswer(message.integer(1), message.data(2))


class _Message:
    """The fields of a message, of which the last counts where one is repeated."""

    def __init__(self, data: bytes) -> None:
        try:
            self._fields = list(_fields(data))
        except IndexError:
            raise StoreUnavailable("Deno KV sent what is no answer of KV Connect") from None

    def integer(self, number: int) -> int:
        found = [value for n, value in self._fields if n == number and isinstance(value, int)]
        return found[-1] if found else 0

    def data(self, number: int) -> bytes:
        found = self.all_data(number)
        return found[-1] if found else b""

    def all_data(self, number: int) -> list[bytes]:
        return [value for n, value in self._fields if n == number and isinstance(value, bytes)]


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Raises IndexError where the data are cut short or no message."""
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, at = _read_varint(data, at)
            yield number, value
            continue
        if kind == _BYTES:
            length, at = _read_varint(data, at)
        elif kind in (_FIXED_64, _FIXED_32):
            length = 8 if kind == _FIXED_64 else 4
        else:
            raise IndexError
        if at + length > len(data):
            raise IndexError
        yield number, data[at : at + length]
        at += length


def _field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3 | _VARINT) + _varint(value)
    return _varint(number << 3 | _BYTES) + _varint(len(value)) + value


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number and where the next begins. Raises IndexError past the end, and past 64 bits."""
    number = 0
    for shift in range(0, 64, 7):
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
    raise IndexError
