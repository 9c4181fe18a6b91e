"""devalue, the text format of Astro's sessions, byte for byte as Astro writes it.

Python's types are written as far as Astro can read them: an integral float comes back as
int, a datetime is cut to milliseconds in UTC, a set comes back as an ``OrderedSet``, and a
dict whose keys are not text as a ``Map``.
"""

from __future__ import annotations

from typing import Any

from . import readers, writers
from .decoder import decode
from .encoder import MAX_DEPTH, encode

_MAX_SESSION_DEPTH = MAX_DEPTH + 2  # Astro's map of {data, expires} lies around each value


def dumps(value: Any) -> str:
    """The text of ``value``; UnsupportedValue for what Astro could not read."""
    return encode(value, writers.JAVASCRIPT, "value", _MAX_SESSION_DEPTH)


def loads(text: str) -> Any:
    """The value of ``text``; CorruptRecord where it is damaged or not in this format."""
    return decode(text, readers.JAVASCRIPT, _MAX_SESSION_DEPTH)
