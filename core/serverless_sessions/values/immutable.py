"""Which values cannot be changed in place, so that nobody needs to watch them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from .python import is_late_type
from .types import UNDEFINED, Value

_SCALARS = frozenset(
    {str, int, float, bool, bytes, datetime, date, time, timedelta, type(None), type(UNDEFINED)}
)


def is_immutable(value: Any) -> bool:
    """Whether ``value`` cannot change; tuples and frozensets only if no member can."""
    kind = type(value)
    if kind is not tuple and kind is not frozenset:
        return _is_immutable_type(kind)
    pending, seen = [value], {id(value)}
    while pending:
        for member in pending.pop():
            kind = type(member)
            if kind is tuple or kind is frozenset:
                if id(member) not in seen:
                    seen.add(id(member))
                    pending.append(member)
            elif not _is_immutable_type(kind):
                return False
    return True


def _is_immutable_type(kind: type) -> bool:
    return kind in _SCALARS or kind.__base__ is Value or is_late_type(kind)
