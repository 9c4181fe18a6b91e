"""Damaged and hostile texts raise CorruptRecord, and the error shows nothing of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from serverless_sessions.errors import CorruptRecord
from serverless_sessions.values import codec, devalue

DIALECTS = pytest.mark.parametrize(
    ("loads", "dumps"),
    [(devalue.loads, devalue.dumps), (codec.loads, codec.dumps)],
    ids=["plain", "python"],
)
Loads = Callable[[str], Any]
Dumps = Callable[[Any], str]

CORRUPT = {
    "empty": "",
    "truncated": '[{"a":1},',
    "bytes order mark": "\ufeff[1]",
    "trailing text": "[1] x",
    "NaN": "[NaN]",
    "Infinity": "[Infinity]",
    "-Infinity": "[[1],-Infinity]",
    "top hole": "-2",
    "top sparse": "-7",
    "top unknown": "-8",
    "top fraction": "-1.0",
    "top true": "true",
    "raw surrogate": '["\ud800"]',
    "control character": '["\n"]',
    "index past the end": "[[1]]",
    "fractional index": "[[1.0],2]",
    "fractional hole": "[[-2.0]]",
    "boolean index": "[[true],1]",
    "text index": '[{"a":"1"},1]',
    "null index": '[{"a":null}]',
    "list index": "[[[1]],1]",
    "hole in object": '[{"a":-2}]',
    "hole in map": '[["Map",-2,-2]]',
    "sparse marker as index": "[[1,-7],1]",
    "unknown constant": "[[-8]]",
    "unknown tag": '[["Nope",1],1]',
    "empty tag": '[[""]]',
    "prototype": '[{"__proto__":1},1]',
    "null object prototype": '[["null","__proto__",1],1]',
    "null object odd": '[["null","a"]]',
    "map odd": '[["Map",1],1]',
    "url to itself": '[["URL",0]]',
    "url to url": '[["URL",1],["URL",0]]',
    "boxed list": '[["Object",1],[]]',
    "boxed undefined": '[["Object",-1]]',
    "boxed itself": '[["Object",0]]',
    "view of itself": '[["Uint8Array",0]]',
    "view of number": '[["Uint8Array",1],1000000000000]',
    "view past the end": '[["Uint8Array",1,0,4294967295],["ArrayBuffer","AAAA"]]',
    "view before the start": '[["Uint8Array",1,-1,1],["ArrayBuffer","AAAA"]]',
    "view of negative length": '[["Uint8Array",1,0,-1],["ArrayBuffer","AAAA"]]',
    "view misaligned": '[["Uint16Array",1,1,1],["ArrayBuffer","AAAA"]]',
    "view offset true": '[["Uint8Array",1,true,1],["ArrayBuffer","AAAA"]]',
    "buffer not base64": '[["ArrayBuffer","A?=="]]',
    "buffer with a stray character": '[["ArrayBuffer","AA?AA"]]',
    "bigint as a long number": '[["BigInt",' + "9" * 4100 + "]]",
    "buffer not padded": '[["ArrayBuffer","AA"]]',
    "buffer not ascii": '[["ArrayBuffer","é==="]]',
    "buffer of slots": '[["ArrayBuffer",1],"AA=="]',
    "sparse without length": "[[-7]]",
    "sparse negative": "[[-7,-1]]",
    "sparse too long": "[[-7,4294967296]]",
    "sparse fraction": "[[-7,1.5]]",
    "sparse true": "[[-7,true]]",
    "sparse outside": "[[-7,5,5,1],1]",
    "sparse odd": "[[-7,5,1],1]",
    "date impossible": '[["Date","2024-02-30T00:00:00.000Z"]]',
    "date loose": '[["Date","2024-02-03"]]',
    "date too late": '[["Date","+275760-09-13T00:00:00.001Z"]]',
    "date minus zero": '[["Date","-000000-01-01T00:00:00.000Z"]]',
    "date digits not ascii": '[["Date","\u0662024-02-03T00:00:00.000Z"]]',
    "bigint word": '[["BigInt","1e5"]]',
    "bigint too long": '[["BigInt","' + "9" * 5000 + '"]]',
    "bigint far too long": '[["BigInt","' + "9" * 1_000_000 + '"]]',
    "number too long": "[" + "9" * 1_000_000 + "]",
    "number out of range": "[" + "9" * 400 + "]",
    "json bomb": "[" * 1_000_000,
    "closed json bomb": "[" * 100_000 + "]" * 100_000,
    "object bomb": '{"a":' * 100_000,
}
PYTHON_CORRUPT = {
    "tuple of itself": '[["py:tuple",0]]',
    "tuple of list of tuple": '[["py:tuple",1],[0]]',
    "frozenset of itself": '[["py:frozenset",0]]',
    "set of itself in tuple": '[["Set",1],["py:tuple",1]]',
    "frozenset of lists": '[["py:frozenset",1],[]]',
    "float of fraction": '[["py:float",1.5]]',
    "float too large": '[["py:float",9007199254740993]]',
    "float true": '[["py:float",true]]',
    "naive datetime": '[["py:datetime","2024-01-01T00:00:00"]]',
    "date of week": '[["py:date","2024-W01-1"]]',
    "time": '[["py:time","1"]]',
    "timedelta too large": '[["py:timedelta",1000000000,0,0]]',
    "timedelta true": '[["py:timedelta",true,0,0]]',
    "decimal word": '[["py:Decimal","abc"]]',
    "decimal with spaces": '[["py:Decimal"," 1 "]]',
    "signaling decimal as key": '[["Set",1],["py:Decimal","sNaN"]]',
    "uuid in braces": '[["py:UUID","{00000000-0000-0000-0000-000000000001}"]]',
    "JSMap odd": '[["py:JSMap",1],1]',
    "key of too many members": '[["Set",1],["py:tuple",'
    + ",".join(["2"] * 1000)
    + '],["py:tuple",-1]]',
}


@DIALECTS
@pytest.mark.parametrize("text", CORRUPT.values(), ids=CORRUPT)
def test_corrupt(loads: Loads, dumps: Dumps, text: str) -> None:
    with pytest.raises(CorruptRecord) as caught:
        loads(text)
    assert_nothing_leaks(caught.value)


@pytest.mark.parametrize("text", PYTHON_CORRUPT.values(), ids=PYTHON_CORRUPT)
def test_corrupt_in_the_python_dialect(text: str) -> None:
    with pytest.raises(CorruptRecord) as caught:
        codec.loads(text)
    assert_nothing_leaks(caught.value)


def assert_nothing_leaks(error: CorruptRecord) -> None:
    assert "set or delete its key" in str(error)
    assert len(str(error)) < 200
    assert not isinstance(error.__context__, json.JSONDecodeError)


def test_bytes_are_not_text() -> None:
    with pytest.raises(CorruptRecord):
        codec.loads(b"[1]")  # type: ignore[arg-type]


def test_the_last_of_equal_keys_wins() -> None:
    assert devalue.loads('[{"a":1,"a":2},1,2]') == {"a": 2}
