"""A set that keeps the order in which its members came, as a JavaScript Set does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any


class OrderedSet(set[Any]):
    """A ``set`` in every respect, iterated in insertion order; equal to a set of its members."""

    __slots__ = ("_order",)

    def __init__(self, members: Iterable[Any] = ()) -> None:
        self._order: dict[Any, None] = dict.fromkeys(members)
        super().__init__(self._order)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._order)

    def __reversed__(self) -> Iterator[Any]:
        return iter(list(reversed(self._order)))

    def __repr__(self) -> str:
        return f"OrderedSet({list(self._order)!r})"

    def __reduce__(self) -> tuple[type[OrderedSet], tuple[list[Any]]]:
        return type(self), (list(self._order),)

    def add(self, member: Any, /) -> None:
        super().add(member)
        self._order[member] = None

    def discard(self, member: Any, /) -> None:
        super().discard(member)
        self._order.pop(member, None)

    def remove(self, member: Any, /) -> None:
        super().remove(member)
        del self._order[member]

    def pop(self) -> Any:
        """Remove and return the oldest member; KeyError when empty."""
        if not self._order:
            raise KeyError("pop from an empty OrderedSet")
        oldest = next(iter(self._order))
        self.remove(oldest)
        return oldest

    def clear(self) -> None:
        super().clear()
        self._order.clear()

    def copy(self) -> OrderedSet:
        return OrderedSet(self._order)

    def update(self, *others: Iterable[Any]) -> None:
        for member in chain(*others):
            self.add(member)

    def intersection_update(self, *others: Iterable[Any]) -> None:
        self._replace(self.intersection(*others))

    def difference_update(self, *others: Iterable[Any]) -> None:
        self._replace(self.difference(*others))

    def symmetric_difference_update(self, other: Iterable[Any], /) -> None:
        self._replace(self.symmetric_difference(other))

    def union(self, *others: Iterable[Any]) -> OrderedSet:
        return OrderedSet(chain(self, *others))

    def intersection(self, *others: Iterable[Any]) -> OrderedSet:
        kept = set(self._order).intersection(*others)
        return OrderedSet(member for member in self if member in kept)

    def difference(self, *others: Iterable[Any]) -> OrderedSet:
        kept = set(self._order).difference(*others)
        return OrderedSet(member for member in self if member in kept)

    def symmetric_difference(self, other: Iterable[Any], /) -> OrderedSet:
        ours, theirs = set(self._order), dict.fromkeys(other)
        return OrderedSet(
            chain((m for m in self if m not in theirs), (m for m in theirs if m not in ours))
        )

    def __or__(self, other: object) -> Any:
        return self.union(other) if isinstance(other, (set, frozenset)) else NotImplemented

    def __and__(self, other: object) -> Any:
        return self.intersection(other) if isinstance(other, (set, frozenset)) else NotImplemented

    def __sub__(self, other: object) -> Any:
        return self.difference(other) if isinstance(other, (set, frozenset)) else NotImplemented

    def __xor__(self, other: object) -> Any:
        if not isinstance(other, (set, frozenset)):
            return NotImplemented
        return self.symmetric_difference(other)

    def __ior__(self, other: object) -> Any:
        return self._assign(self | other) if isinstance(other, (set, frozenset)) else NotImplemented

    def __iand__(self, other: object) -> Any:
        return self._assign(self & other) if isinstance(other, (set, frozenset)) else NotImplemented

    def __isub__(self, other: object) -> Any:
        return self._assign(self - other) if isinstance(other, (set, frozenset)) else NotImplemented

    def __ixor__(self, other: object) -> Any:
        return self._assign(self ^ other) if isinstance(other, (set, frozenset)) else NotImplemented

    def _assign(self, members: OrderedSet) -> OrderedSet:
        self._replace(members)
        return self

    def _replace(self, members: OrderedSet) -> None:
        self.clear()
        self.update(members)
