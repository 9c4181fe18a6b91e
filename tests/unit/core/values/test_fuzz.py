"""Any text at all loads or raises CorruptRecord, and what loads dumps again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serverless_sessions.errors import CorruptRecord, UnsupportedValue
from serverless_sessions.values import codec, devalue

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text("utf-8"))
PYTHON_TEXTS = [
    codec.dumps({"a": (1, 1.0, {2, "b"}, frozenset({(3,)})), 7: b"bytes", "big": 2**80}),
    '[["py:tuple",1,2,3,4],["py:Decimal","1.5"],["py:timedelta",1,2,3],["py:time","01:00:00"],'
    '["py:UUID","00000000-0000-0000-0000-000000000001"]]',
]
SEEDS = [
    *[text for v in VECTORS["values"] for text in (v["stringify"], v["stored"])],
    *[v["devalue"] for v in VECTORS["random"]],
    *[v["text"] for v in VECTORS["decode"]],
    *PYTHON_TEXTS,
]
TAGS = [
    *("Map", "Set", "Date", "BigInt", "Object", "null", "URL", "RegExp", "x"),
    *("Uint8Array", "ArrayBuffer", "DataView", "py:tuple", "py:frozenset", "py:float"),
    *("py:Map", "py:JSMap", "py:JSSet", "py:OrderedSet"),
]
PIECES = [*"0129-[]{}:,", '"', "-2", "-7", "true", "null", '"a"', "\\u003C"]
DIALECTS = pytest.mark.parametrize(
    ("loads", "dumps"),
    [(devalue.loads, devalue.dumps), (codec.loads, codec.dumps)],
    ids=["plain", "python"],
)
Loads = Callable[[str], Any]
Dumps = Callable[[Any], str]

SLOT_NUMBERS = st.integers(-8, 8) | st.just(True) | st.just(1.5) | st.text(max_size=3)
SLOTS = st.one_of(
    st.text(max_size=5),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
    st.lists(st.integers(-7, 8), max_size=5),
    st.lists(SLOT_NUMBERS, max_size=5),
    st.dictionaries(st.text(max_size=5), st.integers(-6, 8), max_size=4),
    st.builds(lambda tag, rest: [tag, *rest], st.sampled_from(TAGS), st.lists(SLOT_NUMBERS)),
    st.builds(
        lambda tag, rest: [tag, *rest],
        st.sampled_from(TAGS),
        st.lists(st.integers(0, 8), max_size=4),
    ),
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 4)))
        piece = draw(st.sampled_from(PIECES))
        text = text[:start] + piece + text[end:]
    return str(text)


@DIALECTS
@given(text=st.text() | mutated() | st.lists(SLOTS, min_size=1, max_size=10).map(json.dumps))
def test_any_text_loads_and_dumps_again_or_is_corrupt(
    loads: Loads, dumps: Dumps, text: str
) -> None:
    try:
        value = loads(text)
    except CorruptRecord:
        return
    again = dumps(value)
    again.encode("utf-8")
    assert dumps(loads(again)) == again


def test_a_value_too_deep_to_dump_is_too_deep_to_load() -> None:
    for depth in range(150, 260):
        text = "[" + ",".join([f"[{n}]" for n in range(1, depth)] + ["[]"]) + "]"
        try:
            value = codec.loads(text)
        except CorruptRecord:
            assert depth > 190
            break
        try:
            assert codec.dumps(value) == text
        except UnsupportedValue:
            pytest.fail("loaded but not dumped")
    else:
        pytest.fail("no limit")
