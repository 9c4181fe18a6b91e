"""Values as text: devalue, Astro's format, and Python's own types on top of it."""

from __future__ import annotations

from . import devalue
from .codecs import Codec
from .immutable import is_immutable
from .ordered_set import OrderedSet
from .types import (
    UNDEFINED,
    URL,
    ArrayBuffer,
    BigInt,
    Boxed,
    JSDate,
    JSMap,
    JSSet,
    Map,
    NullObject,
    RegExp,
    SparseArray,
    Temporal,
    TypedArray,
    Undefined,
    URLSearchParams,
)

codec = Codec()
"""The codec of stores that Astro does not read; register types here before the first request."""

__all__ = [
    "UNDEFINED",
    "URL",
    "ArrayBuffer",
    "BigInt",
    "Boxed",
    "Codec",
    "JSDate",
    "JSMap",
    "JSSet",
    "Map",
    "NullObject",
    "OrderedSet",
    "RegExp",
    "SparseArray",
    "Temporal",
    "TypedArray",
    "URLSearchParams",
    "Undefined",
    "codec",
    "devalue",
    "is_immutable",
]
