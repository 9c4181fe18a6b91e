"""What goes in comes back: equal, of the same type, with the same identities and order."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serverless_sessions.errors import UnsupportedValue
from serverless_sessions.values import (
    UNDEFINED,
    ArrayBuffer,
    BigInt,
    Boxed,
    Codec,
    JSDate,
    JSMap,
    JSSet,
    Map,
    OrderedSet,
    TypedArray,
    codec,
    devalue,
    is_immutable,
)

OFFSETS = st.integers(-86_399, 86_399).map(lambda s: timezone(timedelta(seconds=s)))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**200), 2**200),
    st.floats(),
    st.floats().filter(lambda x: x == x and abs(x) < 1e30).map(lambda x: float(round(x))),
    st.text(),
    # CPython may keep one object for all bytes of one value, which an encoding then shares.
    st.binary().filter(lambda value: len(value) != 1),
    st.decimals(allow_nan=False),
    st.uuids(),
    st.dates(),
    st.times(),
    st.times(timezones=OFFSETS),
    st.timedeltas(),
    st.datetimes(timezones=st.just(UTC)),
    st.datetimes(timezones=OFFSETS),
)
KEYS = st.recursive(
    SCALARS.filter(lambda x: x == x),
    lambda keys: st.lists(keys, max_size=3).map(tuple) | st.frozensets(keys, max_size=3),
    max_leaves=5,
)
VALUES = st.recursive(
    SCALARS,
    lambda values: st.one_of(
        st.lists(values, max_size=4),
        st.lists(values, max_size=4).map(tuple),
        st.dictionaries(st.text(max_size=5), values, max_size=4),
        st.dictionaries(KEYS, values, max_size=4),
        st.sets(KEYS, max_size=4),
        st.frozensets(KEYS, max_size=4),
        st.lists(KEYS, max_size=4).map(OrderedSet),
        st.dictionaries(KEYS, values, max_size=4).map(Map),
    ),
    max_leaves=15,
)


def exact(value: Any) -> Any:
    """A form in which only values of equal type, content and order are equal."""
    kind = type(value)
    if isinstance(value, dict):
        return kind, [(exact(k), exact(v)) for k, v in value.items()]
    if kind in (list, tuple, OrderedSet):
        return kind, [exact(item) for item in value]
    if kind in (set, frozenset):
        return kind, sorted((exact(item) for item in value), key=repr)
    if kind is datetime or kind is time:
        return kind, value.replace(fold=0).isoformat(), value.utcoffset()
    return kind, repr(value)


@given(VALUES)
def test_python_values_come_back(value: Any) -> None:
    text = codec.dumps(value)
    text.encode("utf-8")
    back = codec.loads(text)
    assert exact(back) == exact(value)
    assert codec.dumps(back) == text


@given(VALUES)
def test_plain_text_is_stable_after_one_reading(value: Any) -> None:
    try:
        text = devalue.dumps(value)
    except UnsupportedValue:
        return
    assert devalue.dumps(devalue.loads(text)) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_plain_numbers_keep_their_value(number: float) -> None:
    back = devalue.loads(devalue.dumps(number))
    assert back == number
    assert type(back) is (
        int if number.is_integer() and abs(number) < 2**53 and repr(number) != "-0.0" else float
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([1, 1.0, True, "1"], '[[1,2,3,4],1,["py:float",1],true,"1"]'),
        ((1, (2,)), '[["py:tuple",1,2],1,["py:tuple",3],2]'),
        ({2, 10}, '[["Set",1,2],10,2]'),
        (frozenset({"b", "a"}), '[["py:frozenset",1,2],"a","b"]'),
        (b"\x00\x01", '[["Uint8Array",1],["ArrayBuffer","AAE="]]'),
        ({"b": 1, "1": 2}, '[{"b":1,"1":2},1,2]'),
        ({"__proto__": 1}, '[["Map",1,2],"__proto__",1]'),
        ({1: "x"}, '[["Map",1,2],1,"x"]'),
        (2**53, '[["BigInt","9007199254740992"]]'),
        (datetime(2024, 1, 2, tzinfo=UTC), '[["Date","2024-01-02T00:00:00.000Z"]]'),
        (
            datetime(2024, 1, 2, 0, 0, 0, 1, tzinfo=UTC),
            '[["py:datetime","2024-01-02T00:00:00.000001+00:00"]]',
        ),
        (Decimal("1.10"), '[["py:Decimal","1.10"]]'),
        (UUID(int=1), '[["py:UUID","00000000-0000-0000-0000-000000000001"]]'),
        (timedelta(-1, 2, 3), '[["py:timedelta",-1,2,3]]'),
        (OrderedSet("ba"), '[["py:OrderedSet",1,2],"b","a"]'),
        (BigInt(5), '[["BigInt","5"]]'),
    ],
)
def test_python_text(value: Any, text: str) -> None:
    assert codec.dumps(value) == text
    assert exact(codec.loads(text)) == exact(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "[1]"),
        ([1, 1.0], "[[1,1],1]"),
        (datetime(2024, 1, 2, 3, 4, 5, 6789, tzinfo=timezone(timedelta(hours=1))), None),
        ({"b": 1, "10": 2, "9": 3, "01": 4}, '[{"9":1,"10":2,"b":3,"01":4},3,2,1,4]'),
        ({1: 2}, '[["Map",1,2],1,2]'),
        ({"b", "a"}, '[["Set",1,2],"a","b"]'),
    ],
)
def test_plain_text(value: Any, text: str | None) -> None:
    assert devalue.dumps(value) == (text or '[["Date","2024-01-02T02:04:05.006Z"]]')


def test_a_date_that_leaves_pythons_years_in_utc() -> None:
    moment = datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))
    text = devalue.dumps(moment)
    assert text == '[["Date","0000-12-31T23:00:00.000Z"]]'
    assert devalue.loads(text) == JSDate(-62_135_600_400_000)
    assert codec.loads(codec.dumps(moment)) == moment


def test_a_zone_is_kept_as_its_offset() -> None:
    moment = datetime(2024, 7, 1, 12, tzinfo=ZoneInfo("Etc/GMT-2"))
    back = codec.loads(codec.dumps(moment))
    assert back == moment
    assert back.utcoffset() == timedelta(hours=2)
    assert type(back.tzinfo) is timezone


@pytest.mark.parametrize("loads", [devalue.loads, codec.loads])
def test_shared_objects_stay_shared(loads: Any) -> None:
    shared: list[int] = [1]
    back = loads(codec.dumps({"a": shared, "b": shared, "c": [1]}))
    assert back["a"] is back["b"]
    assert back["a"] is not back["c"]


def test_cycles_come_back() -> None:
    outer: list[Any] = []
    outer.append({"outer": outer, "in tuple": (outer,)})
    back = codec.loads(codec.dumps(outer))
    assert back[0]["outer"] is back
    assert back[0]["in tuple"][0] is back


def test_javascript_values_keep_their_types_in_the_python_dialect() -> None:
    buffer = ArrayBuffer(b"abcd")
    value = [
        UNDEFINED,
        TypedArray("Uint8Array", buffer),
        TypedArray("Uint16Array", buffer, 2, 1),
        Boxed(1.0),
        Boxed(True),
        JSMap([(1, "n"), (True, "t"), ([], "l")]),
        JSSet([[], 1, True]),
        Map({"a": 1}),
        -0.0,
    ]
    back = codec.loads(codec.dumps(value))
    assert repr(back) == repr(value)
    assert back[1].buffer is back[2].buffer


def test_text_does_not_depend_on_the_order_of_a_set() -> None:
    program = (
        "from serverless_sessions.values import codec, devalue;"
        "print(codec.dumps({'a', 'b', 'c', ('d', frozenset('xyz'))}), devalue.dumps(set('abcdef')))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(texts) == 1


def test_nested_frozensets_are_written_in_bounded_time() -> None:
    value: Any = frozenset()
    for number in range(8):
        value = frozenset({(value, number), (value, -1)})
    assert codec.loads(codec.dumps(value)) == value


def test_importing_and_using_the_codec_loads_no_slow_module() -> None:
    program = (
        "import sys; from serverless_sessions.values import codec;"
        "codec.loads(codec.dumps({'a': [1, 2.5, (3,)]}));"
        "print({'decimal','uuid','fractions','zoneinfo','urllib'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("value", "immutable"),
    [
        (None, True),
        ("a", True),
        (Decimal(1), True),
        (date(2024, 1, 1), True),
        (BigInt(1), True),
        (UNDEFINED, True),
        ((1, ("a", frozenset({2}))), True),
        ((1, ([],)), False),
        ([], False),
        ({}, False),
        (OrderedSet(), False),
        (JSMap(), False),
        (bytearray(), False),
    ],
)
def test_is_immutable(value: Any, immutable: bool) -> None:
    assert is_immutable(value) is immutable


def test_is_immutable_visits_shared_tuples_once() -> None:
    value: Any = ()
    for _ in range(100):
        value = (value, value)
    assert is_immutable(value)


def test_shared_dialect_reads_what_plain_devalue_writes() -> None:
    value = {"a": [1, {"b"}], "c": 2**70}
    assert Codec(astro=True).dumps(value) == devalue.dumps(value)
