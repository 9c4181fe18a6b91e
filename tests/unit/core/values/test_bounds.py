"""Time and memory stay within the size of the text, whatever it claims."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import pytest

from serverless_sessions.errors import CorruptRecord, UnsupportedValue
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
    assert takes_at_most(0.2 + seconds(reading(small)) * 16 * 10, reading(large))


def reading(text: str) -> Callable[[], None]:
    return lambda: attempt(text)


def seconds(call: Callable[[], object]) -> float:
    """The least of some: a garbage collection, or another thread, may fall into any."""
    return min(seconds_once(call) for _ in range(3))


def takes_at_most(limit: float, call: Callable[[], object]) -> bool:
    return any(seconds_once(call) < limit for _ in range(3))


def seconds_once(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def peak_bytes(call: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


WIDE = ['["URL",{many}]', '["py:tuple",{many}]', '["BigInt",{many}]']


@pytest.mark.parametrize("slot", WIDE)
def test_a_slot_named_many_times_is_not_copied_each_time(slot: str) -> None:
    many = ",".join(["2"] * 900)
    text = joined([f'["Set",{",".join(["1"] * 20_000)}]', slot.format(many=many), '"x"'])
    assert peak_bytes(lambda: attempt(text)) < 10_000_000


def test_a_part_that_members_share_is_not_written_out_for_each() -> None:
    members = {(n, "x" * 100_000) for n in range(1_000)}
    assert peak_bytes(lambda: codec.dumps(members)) < 20_000_000
    assert codec.loads(codec.dumps(members)) == members


def test_sets_that_share_a_member_do_not_each_pay_for_it() -> None:
    shared = "x" * 100_000
    sets = [{shared, n} for n in range(4_000)]
    once = seconds(lambda: codec.dumps([shared] * 4_000))
    assert takes_at_most(0.5 + once * 20, lambda: codec.dumps(sets))


MODULUS = 2**61 - 1
"""Python's hash of a number is its remainder by this."""


@pytest.mark.parametrize("key", ['["BigInt","{n}"]', '["py:Decimal","{n}"]', "{n}"])
def test_keys_chosen_to_share_a_hash_take_no_longer(key: str) -> None:
    def text(size: int, step: int) -> str:
        keys = [key.format(n=MODULUS * 4096 + n * step) for n in range(1, size)]
        return joined([f'["Set",{numbers(1, size)}]', *keys])

    limit = 0.1 + seconds(reading(text(8_000, 4096))) * 4
    assert takes_at_most(limit, reading(text(8_000, MODULUS)))


@pytest.mark.parametrize("tag", ["Set", "Map", "py:frozenset", "py:OrderedSet", "py:Map"])
def test_too_many_keys_with_one_hash_are_refused_both_ways(tag: str) -> None:
    keys = [f'["BigInt","{MODULUS * n}"]' for n in range(5_000, 6_001)]
    places = ",".join(f"{n},{n}" if "Map" in tag else str(n) for n in range(1, 1_002))
    with pytest.raises(CorruptRecord, match="the same hash"):
        codec.loads(joined([f'["{tag}",{places}]', *keys]))
    with pytest.raises(UnsupportedValue, match="the same hash"):
        codec.dumps({MODULUS * n for n in range(5_000, 6_001)})


def test_a_visitors_numbers_that_share_a_hash_are_written_as_fast_as_others() -> None:
    """A list of them may come from the JSON body of a request."""

    def writing(step: int) -> Callable[[], str]:
        numbers_ = [MODULUS * 4096 + n * step for n in range(8_000)]
        return lambda: codec.dumps(numbers_)

    assert takes_at_most(0.1 + seconds(writing(1)) * 4, writing(MODULUS))


def attempt(text: str) -> None:
    with suppress(CorruptRecord):
        codec.loads(text)
