"""Time and memory stay within the size of the text, whatever it claims."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import pytest

from serverless_sessions.errors import CorruptRecord
from serverless_sessions.values import SparseArray, codec, devalue

DIALECTS = pytest.mark.parametrize(
    ("loads", "dumps"),
    [(devalue.loads, devalue.dumps), (codec.loads, codec.dumps)],
    ids=["plain", "python"],
)
Loads = Callable[[str], Any]
Dumps = Callable[[Any], str]


@DIALECTS
@pytest.mark.parametrize(
    "link",
    [
        lambda n: f"[{n}]",
        lambda n: f'{{"a":{n}}}',
        lambda n: f'["Set",{n}]',
        lambda n: f'["Map",{n},{n}]',
        lambda n: f'["py:tuple",{n}]',
        lambda n: f'["py:frozenset",{n}]',
        lambda n: f'["null","a",{n}]',
        lambda n: f"[-7,1,0,{n}]",
    ],
)
def test_a_long_chain_of_slots(loads: Loads, dumps: Dumps, link: Callable[[int], str]) -> None:
    text = "[" + ",".join(link(n) for n in range(1, 200_000)) + ",1]"
    with pytest.raises(CorruptRecord):
        loads(text)


@DIALECTS
def test_a_claimed_length_allocates_nothing(loads: Loads, dumps: Dumps) -> None:
    text = "[[-7,4294967295]]"
    peak = peak_bytes(lambda: loads(text))
    assert peak < 100_000
    assert loads(text) == SparseArray(4_294_967_295)
    assert dumps(loads(text)) == text
    assert peak_bytes(lambda: dumps(SparseArray(4_294_967_295))) < 100_000


@pytest.mark.parametrize("tag", ["", '"Set",', '"py:tuple",'])
def test_shared_references_are_not_multiplied(tag: str) -> None:
    slots = [f"[{tag}{n},{n}]" for n in range(1, 100)]
    text = "[" + ",".join([*slots, '"lol"']) + "]"
    assert peak_bytes(lambda: codec.loads(text)) < 500_000
    assert peak_bytes(lambda: codec.dumps(codec.loads(text))) < 500_000


@pytest.mark.parametrize("tag", ["Set", "Map", "py:frozenset", "py:OrderedSet"])
def test_hashing_shared_tuples_is_refused_not_tried(tag: str) -> None:
    slots = [f'["{tag}",1{",1" if tag == "Map" else ""}]']
    slots += [f'["py:tuple",{n},{n}]' for n in range(2, 100)]
    with pytest.raises(CorruptRecord, match="too large"):
        codec.loads("[" + ",".join([*slots, '"lol"']) + "]")


def joined(slots: Iterable[str]) -> str:
    return "[" + ",".join(slots) + "]"


def numbers(start: int, stop: int) -> str:
    return ",".join(map(str, range(start, stop)))


def sets_of_one_tuple(size: int) -> str:
    heavy = f'["py:tuple",{",".join(["-1"] * 900)}]'
    return joined([f"[{numbers(2, size)}]", heavy, *['["Set",1]'] * size])


@pytest.mark.parametrize(
    "text_of_size",
    [
        lambda n: joined([joined(["1"] * n), "1"]),
        lambda n: joined([f'["Set",{numbers(1, n)}]', *["[]"] * n]),
        lambda n: joined([f'["Set",{numbers(1, n)}]', *['["BigInt","1"]'] * n]),
        sets_of_one_tuple,
        lambda n: joined(['"' + "\\ud800" * n + '"']),
        lambda n: joined(['["BigInt","' + "9" * n + '"]']),
    ],
)
def test_time_grows_with_the_text_not_its_square(text_of_size: Callable[[int], str]) -> None:
    small, large = text_of_size(5_000), text_of_size(80_000)
    assert seconds(large) < 0.2 + seconds(small) * 16 * 10


def seconds(text: str) -> float:
    def once() -> float:
        start = time.process_time()
        with suppress(CorruptRecord):
            codec.loads(text)
        return time.process_time() - start

    return min(once() for _ in range(3))


def peak_bytes(call: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
