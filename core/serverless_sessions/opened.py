"""The values of entries whose texts have been opened."""

from __future__ import annotations

from typing import Any

from .compression import expanded
from .errors import CorruptRecord
from .values.codecs import Codec


def decoded(codec: Codec, name: str, text: str) -> Any:
    """The value that the entry ``name`` has. Raises CorruptRecord naming it."""
    try:
        return codec.loads(expanded(text))
    except CorruptRecord as error:
        raise CorruptRecord(f"{name!r}: {error}") from error
