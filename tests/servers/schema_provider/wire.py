"""Protocol buffers, as much of them as tfplugin6.proto takes."""

from __future__ import annotations

from collections.abc import Iterable

Fields = dict[int, list[bytes]]


def field(number: int, value: int | str | bytes) -> bytes:
    """A field of a message; nothing for zero, which is what an absent number means."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value) if value else b""
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def repeated(number: int, values: Iterable[bytes]) -> bytes:
    return b"".join(field(number, value) for value in values)


def fields(message: bytes) -> Fields:
    """Texts, bytes and messages by number; numbers are passed over. Raises ValueError."""
    found: Fields = {}
    at = 0
    while at < len(message):
        tag, at = _read_varint(message, at)
        value, at = _read_varint(message, at)
        match tag & 7:
            case 0:
                pass
            case 2:
                found.setdefault(tag >> 3, []).append(message[at : at + value])
                at += value
            case kind:
                raise ValueError(f"no message of Terraform has a field of wire type {kind}")
    return found


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while message[at] & 0x80:
        number |= (message[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
    return number | message[at] << shift, at + 1
