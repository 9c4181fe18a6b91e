"""The bytes of Deno KV: keys in order, strings as V8 has them, and messages cut anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serverless_sessions.errors import StoreUnavailable
from serverless_sessions_adapters import _deno_wire as wire

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
KEYS = st.lists(TEXTS, min_size=1, max_size=3)
READ = bytes.fromhex("0a0f 0a0d 0a016b 1203ff0f22 1801 220176 2001 4001")


@given(TEXTS)
def test_a_string_comes_back(text: str) -> None:
    assert wire.deserialized(wire.serialized(text)) == text


@pytest.mark.parametrize(
    ("text", "serialized"),
    [
        ("", "ff0f2200"),
        ("ab", "ff0f22026162"),
        ("é", "ff0f2201e9"),
        ("鍵", "ff0f63027593"),
        ("鍵" * 64, "ff0f00638001" + "7593" * 64),
    ],
)
def test_a_string_is_what_v8_makes_of_it(text: str, serialized: str) -> None:
    assert wire.serialized(text).hex() == serialized


@pytest.mark.parametrize(
    "data",
    ["", "ff", "ff0f", "ff0f22", "ff0f2202ff", "ff0f220161ff", "ff0f4906", "ff0f6301ff", "2200"],
)
def test_what_is_no_string_is_none(data: str) -> None:
    assert wire.deserialized(bytes.fromhex(data)) is None


def test_a_string_in_utf_8_and_in_another_version_is_read() -> None:
    assert wire.deserialized(b"\xff\x0eS\x03\xe9\x8d\xb5") == "鍵"


@given(KEYS, KEYS)
def test_keys_are_in_the_order_of_their_parts_and_apart(a: list[str], b: list[str]) -> None:
    first, second = ([part.encode() for part in key] for key in (a, b))
    assert (wire.key_of(a) < wire.key_of(b)) == (first < second)
    assert (wire.key_of(a) == wire.key_of(b)) == (a == b)


def test_an_answer_is_read() -> None:
    value = wire.Value(b"\xff\x0f\x22", wire.V8, b"v")
    assert wire.read_answer(READ) == wire.ReadAnswer(True, value)
    assert wire.read_answer(b"\x0a\x00\x20\x01\x40\x01") == wire.ReadAnswer(True, None)
    assert wire.write_answer(b"\x08\x01\x12\x01v") == wire.WriteAnswer(wire.WRITTEN, b"v")


@pytest.mark.parametrize("extra", ["1d00000000", "190000000000000000", "f801ffffffff0f", "fa0100"])
def test_fields_that_we_do_not_know_are_passed_over(extra: str) -> None:
    assert wire.read_answer(bytes.fromhex(extra) + READ) == wire.read_answer(READ)


@given(st.binary(max_size=60) | st.builds(lambda n: READ[:n], st.integers(0, len(READ) - 1)))
def test_whatever_comes_is_an_answer_or_an_error(data: bytes) -> None:
    for parse in (wire.read_answer, wire.write_answer):
        try:
            parse(data)
        except StoreUnavailable:
            continue


@pytest.mark.parametrize("cut", range(1, len(READ) - 4))
def test_an_answer_that_was_cut_is_none_to_use(cut: int) -> None:
    try:
        answer = wire.read_answer(READ[:cut])
    except StoreUnavailable:
        return
    assert not answer.is_usable
