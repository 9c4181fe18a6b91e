"""What cannot be stored is refused, naming key, path and remedy but never the value."""

from __future__ import annotations

import enum
import json
from collections import OrderedDict, deque, namedtuple
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from serverless_sessions.errors import UnsupportedValue
from serverless_sessions.values import Codec, JSMap, NullObject, OrderedSet, codec, devalue

SECRET = "s3cret"
REFUSED = json.loads(Path(__file__).with_name("vectors.json").read_text("utf-8"))["refused"]


class Text(str):
    __slots__ = ()


class Color(enum.Enum):
    RED = SECRET


class Level(enum.IntEnum):
    HIGH = 1


@dataclass
class Item:
    name: str = SECRET


Point = namedtuple("Point", "x y")


class Plain:
    def __repr__(self) -> str:
        return SECRET


class NoOffset(tzinfo):
    def utcoffset(self, _: datetime | None) -> timedelta | None:
        return None

    dst = utcoffset

    def tzname(self, _: datetime | None) -> None:
        return None


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        (datetime(2024, 1, 1), "timezone"),  # noqa: DTZ001
        (datetime(2024, 1, 1, microsecond=1), "timezone"),  # noqa: DTZ001
        (datetime(2024, 1, 1, tzinfo=NoOffset()), "timezone"),
        (time(1, tzinfo=ZoneInfo("Etc/GMT-2")), "tzinfo=None"),
        (Item(), "dataclasses.asdict(x)"),
        (Point(1, 2), "x._asdict()"),
        (Color.RED, "x.value"),
        (Level.HIGH, "x.value"),
        (Text(SECRET), "str(x)"),
        (OrderedDict(), "dict(x)"),
        (bytearray(SECRET, "utf-8"), "bytes(x)"),
        (range(3), "list(x)"),
        (Plain(), "codec.register"),
        (deque([SECRET]), "codec.register"),
        (lambda: SECRET, "code"),
        (Plain, "code"),
        (1j, "x.real"),
        pytest.param(10**5000, "hex(value)", id="huge int"),
        pytest.param("\ud83d\ude0e", "surrogatepass", id="split pair"),
    ],
)
def test_refused_with_path_and_remedy(value: Any, remedy: str) -> None:
    with pytest.raises(UnsupportedValue) as caught:
        codec.dumps({"items": [1, {"price": value}]}, key="cart")
    message = str(caught.value)
    assert message.startswith("cart.items[1].price: ")
    assert remedy in message
    assert SECRET not in message


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ((1,), "list(x)"),
        (frozenset({1}), "set(x)"),
        (Decimal(1), "str(x)"),
        (UUID(int=1), "str(x)"),
        (date(2024, 1, 1), "x.isoformat()"),
        (time(1), "x.isoformat()"),
        (timedelta(1), "x.total_seconds()"),
        ({"__proto__": 1}, "rename"),
        (NullObject({"__proto__": 1}), "rename"),
    ],
)
@pytest.mark.parametrize("dumps", [devalue.dumps, Codec(astro=True).dumps])
def test_refused_where_astro_reads(dumps: Any, value: Any, remedy: str) -> None:
    with pytest.raises(UnsupportedValue, match=r"^value\.a") as caught:
        dumps({"a": value})
    assert remedy in str(caught.value)


@pytest.mark.parametrize("vector", REFUSED, ids=lambda vector: vector["name"])
def test_what_astro_refuses_has_a_counterpart_here(vector: dict[str, str]) -> None:
    values: dict[str, Any] = {
        "function": lambda: 1,
        "function-nested": {"fun": lambda: 1},
        "class-instance": Plain(),
        "promise": iter([1]),
        "own-proto-key-null": NullObject({"__proto__": 1}),
        "class-in-map": JSMap([("k", Plain())]),
        "proxy-of-function": print,
    }
    path = {".fun": ".fun", '.get("k")': ".k"}.get(vector["path"], "")
    if vector["name"] == "own-proto-key-null":
        path = ".__proto__"
    with pytest.raises(UnsupportedValue) as caught:
        devalue.dumps(values[vector["name"]])
    assert str(caught.value).startswith(f"value{path}: ")


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (Plain(), "k: "),
        ({"two words": Plain()}, 'k["two words"]: '),
        ({"x" * 100: Plain()}, f'k["{"x" * 40}"…]: '),
        ({7: Plain()}, "k[7]: "),
        ({None: Plain()}, "k[None]: "),
        ({(SECRET,): Plain()}, "k[<tuple>]: "),
        ({Color.RED: 1}, "k[<Color>]: "),
        ({(Plain(),)}, "k[<member>][0]: "),
        (OrderedSet([Plain()]), "k[<member>]: "),
    ],
)
def test_steps_of_the_path(value: Any, path: str) -> None:
    with pytest.raises(UnsupportedValue) as caught:
        codec.dumps(value, key="k")
    assert str(caught.value).startswith(path)
    assert SECRET not in str(caught.value)


def test_a_key_cannot_forge_a_line_of_a_log() -> None:
    with pytest.raises(UnsupportedValue) as caught:
        codec.dumps({"a\nb": Plain()}, key="c\nd")
    assert "\n" not in str(caught.value)


def test_cycles_through_tuples_are_refused() -> None:
    inner: list[Any] = []
    value = (inner,)
    inner.append(value)
    with pytest.raises(UnsupportedValue, match="cycle"):
        codec.dumps(value)


@pytest.mark.parametrize("dumps", [codec.dumps, devalue.dumps])
@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: {"a": v}, lambda v: {1: v}])
def test_deep_values_are_refused(dumps: Any, wrap: Any) -> None:
    value: Any = 1
    for _ in range(100_000):
        value = wrap(value)
    with pytest.raises(UnsupportedValue, match="nested deeper") as caught:
        dumps(value)
    assert len(str(caught.value)) < 3_000
    while value != 1:
        value = value[next(iter(value))] if isinstance(value, dict) else value[0]


@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: {"a": v}, lambda v: {1: v}])
@pytest.mark.parametrize("leaf", [2**70, 1.0, None, b"a", "a", ()])
def test_the_deepest_value_that_is_written_is_read(wrap: Any, leaf: Any) -> None:
    value, text = leaf, ""
    for depth in range(1, 250):
        try:
            text = codec.dumps(value)
        except UnsupportedValue:
            assert depth > 190
            break
        assert codec.dumps(codec.loads(text)) == text
        value = wrap(value)
    else:
        pytest.fail("no limit")


def test_keys_that_would_be_written_alike_are_refused() -> None:
    with pytest.raises(UnsupportedValue, match="same text"):
        codec.dumps({float("nan"), float("nan")})


def test_a_key_of_too_many_members_is_refused() -> None:
    key: Any = (1, 2)
    for _ in range(10):
        key = (key, key)
    with pytest.raises(UnsupportedValue, match=r"1,000"):
        codec.dumps({key: 1})
