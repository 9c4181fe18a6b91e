"""The value classes by themselves."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serverless_sessions.values import (
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
    OrderedSet,
    RegExp,
    SparseArray,
    Temporal,
    TypedArray,
    Undefined,
    URLSearchParams,
)

BUFFER = ArrayBuffer(bytes(range(8)))
FROZEN = [
    RegExp("a", "g"),
    URL("https://e.x/"),
    URLSearchParams("a=1"),
    Temporal("PlainDate", "2024-01-02"),
    JSDate(None),
    BigInt(1),
    Boxed(1),
    BUFFER,
    TypedArray("Uint16Array", BUFFER, 2, 1),
]
MUTABLE = [SparseArray(3, {1: "a"}), JSMap([([], 1)]), JSSet([[]]), Map({1: 2}), OrderedSet("ab")]


@pytest.mark.parametrize("value", [*FROZEN, *MUTABLE, NullObject(a=1)], ids=repr)
def test_copies_are_equal_and_repr_tells_the_value(value: Any) -> None:
    assert copy.deepcopy(value) == value
    assert pickle.loads(pickle.dumps(value)) == value
    assert repr(value).startswith(type(value).__name__ + "(")


@pytest.mark.parametrize("value", FROZEN, ids=repr)
def test_frozen_values(value: Any) -> None:
    with pytest.raises(AttributeError):
        setattr(value, value.__slots__[0], 1)
    with pytest.raises(AttributeError):
        value.other = 1
    assert [value == other for other in FROZEN].count(True) == 1


def test_hashes() -> None:
    assert len({RegExp("a"), RegExp("a"), URL("a"), BigInt(1), Boxed(1), Boxed(True)}) == 5
    for value in (BUFFER, FROZEN[-1], *MUTABLE):
        with pytest.raises(TypeError):
            hash(value)


def test_undefined() -> None:
    assert Undefined() is UNDEFINED
    assert not UNDEFINED
    assert copy.deepcopy(UNDEFINED) is UNDEFINED
    assert pickle.loads(pickle.dumps(UNDEFINED)) is UNDEFINED


@pytest.mark.parametrize(
    "make",
    [
        lambda: RegExp(1),  # type: ignore[arg-type]
        lambda: URL(None),  # type: ignore[arg-type]
        lambda: Temporal("Date", "2024-01-02"),
        lambda: JSDate(0),
        lambda: JSDate(8_640_000_000_000_001),
        lambda: BigInt(2**53),
        lambda: BigInt(True),
        lambda: Boxed(None),  # type: ignore[arg-type]
        lambda: ArrayBuffer(bytearray()),  # type: ignore[arg-type]
        lambda: TypedArray("Bytes", BUFFER),
        lambda: TypedArray("Uint16Array", BUFFER, 1),
        lambda: TypedArray("Uint8Array", BUFFER, 9),
        lambda: TypedArray("Uint8Array", BUFFER, 0, 9),
        lambda: TypedArray("Uint8Array", BUFFER, 0, -1),
        lambda: TypedArray("Uint16Array", ArrayBuffer(b"abc")),
    ],
)
def test_impossible_values(make: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        make()


def test_numbers() -> None:
    assert int(BigInt(5)) == 5
    assert [10, 20][BigInt(1)] == 20
    assert BigInt(1) != 1
    assert TypedArray("Uint16Array", BUFFER, 2, 2).elements() == [0x0302, 0x0504]


@pytest.mark.parametrize("value", [SparseArray(1), JSMap(), JSSet()])
def test_repr_of_a_value_that_contains_itself(value: Any) -> None:
    if isinstance(value, SparseArray):
        value.items[0] = value
    elif isinstance(value, JSMap):
        value.pairs.append((1, value))
    else:
        value.members.append(value)
    assert "..." in repr(value)


OPERATIONS = [
    "__or__ __and__ __sub__ __xor__ __ior__ __iand__ __isub__ __ixor__",
    "union intersection difference symmetric_difference",
    "update intersection_update difference_update symmetric_difference_update",
]


@pytest.mark.parametrize("name", " ".join(OPERATIONS).split())
@given(ours=st.lists(st.integers(0, 9)), theirs=st.sets(st.integers(0, 9)))
def test_ordered_set_computes_as_a_set(name: str, ours: list[int], theirs: set[int]) -> None:
    ordered, plain = OrderedSet(ours), set(ours)
    result, expected = getattr(ordered, name)(theirs), getattr(plain, name)(theirs)
    if expected is not None:
        assert type(result) is OrderedSet
        assert result == expected
    assert ordered == plain
    for found in (ordered, result if result is not None else ordered):
        assert sorted(found) == sorted(set(found)) == sorted(x for x in range(10) if x in found)
        kept = [x for x in dict.fromkeys(ours) if x in found]
        assert [x for x in found if x in kept] == kept


@given(st.lists(st.tuples(st.sampled_from(["add", "discard", "remove"]), st.integers(0, 5))))
def test_ordered_set_follows_a_dict(steps: list[tuple[str, int]]) -> None:
    ordered, model = OrderedSet(), dict[int, None]()
    for name, member in steps:
        if name == "add":
            model[member] = None
        elif name == "remove" and member not in model:
            with pytest.raises(KeyError):
                ordered.remove(member)
            continue
        else:
            model.pop(member, None)
        getattr(ordered, name)(member)
    assert list(ordered) == list(model)
    assert list(reversed(ordered)) == list(reversed(model))
    assert len(ordered) == len(model)
    assert ordered.copy() == ordered
    if model:
        assert ordered.pop() == next(iter(model))
    ordered.clear()
    assert list(ordered) == []
    with pytest.raises(KeyError):
        ordered.pop()
