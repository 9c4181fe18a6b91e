"""Texts of large values made smaller, where the handler asks for it."""

from __future__ import annotations

from typing import Final

from .errors import CorruptRecord, SessionTooLarge
from .keyring import to_bytes, to_text

MARK: Final = "z"
"""No text of a value begins with it."""
MAX_BYTES: Final = 1_000_000
"""Of one value before compression: what is stored can make nobody allocate more."""


def compressed(name: str, text: str) -> str:
    """``text`` by zlib, as text. Raises SessionTooLarge for one that ``expanded`` would refuse."""
    import zlib

    data = text.encode()
    if len(data) > MAX_BYTES:
        raise SessionTooLarge(
            f"{name!r} takes {len(data)} bytes; {MAX_BYTES} are allowed before compression"
        )
    return MARK + to_text(zlib.compress(data))


def is_compressed(text: str) -> bool:
    return text.startswith(MARK)


def expanded(text: str) -> str:
    """The text that a value was encoded to. Raises CorruptRecord."""
    if not is_compressed(text):
        return text
    import zlib

    stream = zlib.decompressobj()
    try:
        data = stream.decompress(to_bytes(text[len(MARK) :]), MAX_BYTES + 1)
        if len(data) > MAX_BYTES or not stream.eof or stream.unused_data:
            raise ValueError("more, or less, than one whole stream within the limit")
        return data.decode()
    except (ValueError, zlib.error) as error:
        raise CorruptRecord("the stored value cannot be decompressed") from error


def packed(text: str) -> bytes:
    """``text`` for a cipher, which a compressed one need not reach in base64."""
    return MARK.encode() + to_bytes(text[len(MARK) :]) if is_compressed(text) else text.encode()


def unpacked(data: bytes) -> str:
    """What ``packed`` made ``data`` of."""
    mark = MARK.encode()
    return MARK + to_text(data[len(mark) :]) if data.startswith(mark) else data.decode()
