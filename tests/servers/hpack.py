"""HTTP/2's header compression, as far as reading the headers of gRPC's own client takes it.

RFC 7541. That client neither Huffman-codes nor refers to the static table for what it repeats.
"""

from __future__ import annotations

STATIC_ENTRIES = 61

Field = tuple[bytes, bytes]


class HeaderTable:
    """The headers that a connection's peer refers to by number, newest last.

    Old ones stay, though the peer has forgotten them: it counts from the newest, and never to one
    that it had to forget.
    """

    def __init__(self) -> None:
        self._entries: list[Field] = []

    def decoded(self, block: bytes) -> dict[bytes, bytes]:
        """The headers of a block; those of the static table are left out."""
        headers = {}
        reader = _Reader(block)
        while reader.has_more:
            first = reader.peek()
            if first & 0x80:
                name, value = self._entry(reader.integer(7))
            elif first & 0xE0 == 0x20:  # a new size of the table
                reader.integer(5)
                continue
            else:
                remembered = bool(first & 0x40)
                index = reader.integer(6 if remembered else 4)
                name = self._entry(index)[0] if index else reader.text()
                value = reader.text()
                if remembered:
                    self._entries.append((name, value))
            headers[name] = value
        return headers

    def _entry(self, index: int) -> Field:
        return (b"", b"") if index <= STATIC_ENTRIES else self._entries[STATIC_ENTRIES - index]


class _Reader:
    def __init__(self, block: bytes) -> None:
        self._block = block
        self._at = 0

    @property
    def has_more(self) -> bool:
        return self._at < len(self._block)

    def peek(self) -> int:
        return self._block[self._at]

    def integer(self, bits: int) -> int:
        """A number that begins in the low bits of a byte, and goes on in the next where it must."""
        full = (1 << bits) - 1
        number = self._byte() & full
        if number < full:
            return number
        shift = 0
        while True:
            byte = self._byte()
            number += (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    def text(self) -> bytes:
        length = self.integer(7)
        self._at += length
        return self._block[self._at - length : self._at]

    def _byte(self) -> int:
        self._at += 1
        return self._block[self._at - 1]
