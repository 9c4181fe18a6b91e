"""Every value that a real Astro session wrote loads, means the same and dumps to the same bytes."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import chain
from math import isnan
from pathlib import Path
from typing import Any

import pytest

from serverless_sessions.errors import CorruptRecord
from serverless_sessions.values import (
    UNDEFINED,
    URL,
    ArrayBuffer,
    BigInt,
    Boxed,
    Codec,
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
    URLSearchParams,
    codec,
    devalue,
)

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text("utf-8"))
LONE_SURROGATE = "string-lone-surrogate-high"
VALUES = [vector for vector in VECTORS["values"] if vector["name"] != LONE_SURROGATE]
MEANINGS = [
    *[(vector["stringify"], vector["meaning"]) for vector in VALUES],
    *[(vector["devalue"], vector["meaning"]) for vector in VECTORS["random"]],
]
TEXTS = [
    *[text for text, _ in MEANINGS],
    *[vector["stored"] for vector in VECTORS["values"]],
    *[record["stored"] for record in VECTORS["real_app_records"]],
]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def test_the_data_is_there() -> None:
    assert len(VALUES) == 72
    assert len(VECTORS["random"]) == 120


@pytest.mark.parametrize("text", TEXTS)
def test_plain_text_survives_byte_for_byte(text: str) -> None:
    assert devalue.dumps(devalue.loads(text)) == text
    shared = Codec(astro=True)
    assert shared.dumps(shared.loads(text)) == text


@pytest.mark.parametrize("text", TEXTS)
def test_what_astro_wrote_survives_the_python_dialect(text: str) -> None:
    value = devalue.loads(text)
    assert devalue.dumps(codec.loads(codec.dumps(value))) == text


@pytest.mark.parametrize(("text", "meaning"), MEANINGS)
def test_meaning(text: str, meaning: dict[str, Any]) -> None:
    assert_means(devalue.loads(text), meaning, {})


def test_lone_surrogate_is_written_as_an_escape() -> None:
    text = devalue.dumps("x\ud800y<\udfff")
    assert text == '["x\\ud800y\\u003C\\udfff"]'
    assert devalue.loads(text) == "x\ud800y<\udfff"


@pytest.mark.parametrize(
    "vector", [v for v in VECTORS["decode"] if v["result"]], ids=lambda v: v["name"]
)
def test_hostile_text_is_refused_where_astro_refuses(vector: dict[str, Any]) -> None:
    if "error" in vector["result"] or vector["name"] == "Object wrap undefined":
        with pytest.raises(CorruptRecord):
            devalue.loads(vector["text"])
    else:
        assert_means(devalue.loads(vector["text"]), vector["result"], {})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("top -1", UNDEFINED),
        ("top -2", CorruptRecord),
        ("empty array", CorruptRecord),
        ("object top", CorruptRecord),
        ("string top", CorruptRecord),
        ("null top", CorruptRecord),
        ("Date missing", CorruptRecord),
        ("Date number", CorruptRecord),
        ("RegExp bad", RegExp("(")),
        ("slot literal -1", -1),
        ("dup slots", "a"),
        ("trailing unreferenced slots", "a"),
    ],
)
def test_texts_whose_result_astro_does_not_tell(name: str, expected: object) -> None:
    text = next(v["text"] for v in VECTORS["decode"] if v["name"] == name)
    if expected is CorruptRecord:
        with pytest.raises(CorruptRecord):
            devalue.loads(text)
    else:
        assert devalue.loads(text) == expected


def assert_means(value: Any, meaning: dict[str, Any], known: dict[int, Any]) -> None:
    kind = meaning["t"]
    if kind == "ref":
        assert value is known[meaning["id"]]
        return
    if "id" in meaning:
        known[meaning["id"]] = value
    if kind in LEAVES:
        LEAVES[kind](value, meaning)
    elif kind.startswith("Temporal."):
        assert value == Temporal(kind.removeprefix("Temporal."), meaning["v"])
    elif kind == "view":
        assert_view(value, meaning, known)
    elif kind == "boxed":
        assert type(value) is Boxed
        assert_means(value.value, meaning["v"], known)
    else:
        assert_container(value, kind, meaning, known)


def assert_container(value: Any, kind: str, meaning: dict[str, Any], known: dict[int, Any]) -> None:
    if "length" in meaning:
        assert type(value) is SparseArray
        assert value.length == meaning["length"]
        assert_all(list(value.items.items()), meaning.get("sparse", []), known)
    elif kind in ("object", "null-object"):
        assert type(value) is (dict if kind == "object" else NullObject)
        assert_all(list(value.items()), meaning["v"], known)
    elif kind == "map":
        assert type(value) in (Map, JSMap)
        pairs = list(value.items()) if type(value) is Map else value.pairs
        assert_all(list(chain(*pairs)), list(chain(*meaning["v"])), known)
    else:
        assert type(value) in ([list] if kind == "array" else [OrderedSet, JSSet])
        assert_all(value.members if type(value) is JSSet else list(value), meaning["v"], known)


def assert_all(values: list[Any], meanings: list[Any], known: dict[int, Any]) -> None:
    assert len(values) == len(meanings)
    for value, meaning in zip(values, meanings, strict=True):
        if isinstance(meaning, list):
            assert value[0] == meaning[0]
            assert_means(value[1], meaning[1], known)
        else:
            assert_means(value, meaning, known)


def assert_number(value: Any, meaning: dict[str, Any]) -> None:
    assert type(value) in (int, float)
    if meaning["v"] == "NaN":
        assert isnan(value)
    else:
        assert struct.pack(">d", value).hex() == meaning["f64"]


def assert_bigint(value: Any, meaning: dict[str, Any]) -> None:
    assert int(value) == int(meaning["v"])
    assert type(value) is (BigInt if abs(int(meaning["v"])) < 2**53 else int)


def assert_date(value: Any, meaning: dict[str, Any]) -> None:
    if type(value) is JSDate:
        assert value.ms == meaning["ms"]
    else:
        assert type(value) is datetime
        assert value.tzinfo is UTC
        assert (value - EPOCH).total_seconds() * 1000 == meaning["ms"]


def assert_search_params(value: Any, meaning: dict[str, Any]) -> None:
    assert value == URLSearchParams(meaning["v"])
    assert [list(pair) for pair in value.pairs] == meaning["pairs"]


def assert_view(value: Any, meaning: dict[str, Any], known: dict[int, Any]) -> None:
    assert type(value) is TypedArray
    assert (value.kind, value.offset) == (meaning["kind"], meaning["byteOffset"])
    assert len(bytes(value)) == meaning["byteLength"]
    assert_means(value.buffer, meaning["buffer"], known)
    if meaning["elements"] is not None:
        assert [str(float(e)).lower() for e in value.elements()] == [
            str(float(e)).lower() for e in meaning["elements"]
        ]


def assert_exactly(value: Any, expected: Any) -> None:
    assert type(value) is type(expected)
    assert value == expected


LEAVES: dict[str, Callable[[Any, dict[str, Any]], None]] = {
    "undefined": lambda value, _: assert_exactly(value, UNDEFINED),
    "null": lambda value, _: assert_exactly(value, None),
    "boolean": lambda value, meaning: assert_exactly(value, meaning["v"]),
    "string": lambda value, meaning: assert_exactly(value, meaning["v"]),
    "number": assert_number,
    "bigint": assert_bigint,
    "date": assert_date,
    "regexp": lambda value, m: assert_exactly(value, RegExp(m["source"], m["flags"])),
    "url": lambda value, meaning: assert_exactly(value, URL(meaning["v"])),
    "urlsearchparams": assert_search_params,
    "arraybuffer": lambda value, m: assert_exactly(value, ArrayBuffer(bytes.fromhex(m["hex"]))),
}
