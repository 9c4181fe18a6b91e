"""Values as text: devalue, Astro's format, and Python's own types on top of it."""

from __future__ import annotations

from serverless_sessions.values import devalue
from serverless_sessions.values.codec import Codec
from serverless_sessions.values.immutable import is_immutable
from serverless_sessions.values.ordered_set import OrderedSet
from serverless_sessions.values.types import (
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
