"""Compressed texts: whole, bounded, and told apart from all others."""

from __future__ import annotations

import tracemalloc
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serverless_sessions import CorruptRecord, SessionTooLarge, codec
from serverless_sessions.compression import (
    MARK,
    MAX_BYTES,
    compressed,
    expanded,
    is_compressed,
    packed,
    unpacked,
)
from serverless_sessions.keyring import to_text

TEXTS = st.text(st.characters(exclude_categories=["Cs"])).map(lambda text: codec.dumps(text))


@given(TEXTS)
def test_a_text_comes_back(text: str) -> None:
    small = compressed("k", text)
    assert is_compressed(small)
    assert not is_compressed(text)
    assert expanded(small) == expanded(text) == text
    assert unpacked(packed(small)) == small
    assert unpacked(packed(text)) == text
    assert len(packed(small)) < len(small)


def test_what_repeats_becomes_small() -> None:
    assert len(compressed("k", '["' + "x" * 100_000 + '"]')) < 300


def test_more_than_the_limit_is_refused_when_it_is_set_and_when_it_is_read() -> None:
    assert expanded(compressed("k", "[" * MAX_BYTES)) == "[" * MAX_BYTES
    with pytest.raises(SessionTooLarge, match=f"'k' takes {MAX_BYTES + 1} bytes"):
        compressed("k", "[" * (MAX_BYTES + 1))
    with pytest.raises(CorruptRecord):
        expanded(MARK + to_text(zlib.compress(b"[" * (MAX_BYTES + 1))))


def test_a_zip_bomb_allocates_no_more_than_the_limit() -> None:
    bomb = MARK + to_text(zlib.compress(bytes(200 * MAX_BYTES), 9))
    tracemalloc.start()
    try:
        with pytest.raises(CorruptRecord):
            expanded(bomb)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5 * MAX_BYTES


WHOLE = zlib.compress(b"[1]")
DAMAGED = {
    "nothing": "",
    "no base64": "!!",
    "no stream": to_text(b"[1]"),
    "cut short": to_text(WHOLE[:-1]),
    "more behind": to_text(WHOLE + b"x"),
    "a wrong sum": to_text(WHOLE[:-1] + bytes([WHOLE[-1] ^ 1])),
    "no UTF-8": to_text(zlib.compress(b"\xff")),
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_text_is_corrupt(text: str) -> None:
    with pytest.raises(CorruptRecord):
        expanded(MARK + text)


@given(st.text())
def test_no_text_crashes_the_reader(text: str) -> None:
    with suppress(CorruptRecord):
        expanded(MARK + text)
