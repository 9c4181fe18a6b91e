"""Ids: random, of one form, and never what a store knows them by."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serverless_sessions import ids


def test_fact_1_an_id_is_256_bits_and_never_repeats() -> None:
    drawn = [ids.draw() for _ in range(100_000)]
    assert len(set(drawn)) == len(drawn)
    assert {len(base64.urlsafe_b64decode(each + "=")) for each in drawn} == {32}
    assert all(map(ids.is_well_formed, drawn))


def test_fact_2_every_bit_of_an_id_is_drawn() -> None:
    numbers = [int.from_bytes(base64.urlsafe_b64decode(ids.draw() + "=")) for _ in range(2000)]
    shares = [sum(n >> bit & 1 for n in numbers) / len(numbers) for bit in range(256)]
    assert 0.35 < min(shares) < max(shares) < 0.65


@pytest.mark.parametrize("text", ["A" * 43, "_" * 43, "-" * 43, "0" * 43, "azAZ09_-" * 5 + "abc"])
def test_what_has_the_form_of_an_id(text: str) -> None:
    assert ids.is_well_formed(text)


HOSTILE = ["", "a" * 42, "a" * 44, "a" * 42 + "\n", "a" * 43 + "\n", "a" * 42 + "=", "é" * 43]
HOSTILE += ["a" * 42 + bad for bad in " +/.%\x00\u0661\uff21"] + ["a" * 10_000]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_has_not(text: str) -> None:
    assert not ids.is_well_formed(text)


@given(st.text())
def test_the_form_is_43_characters_of_base64url(text: str) -> None:
    assert ids.is_well_formed(text) == bool(re.fullmatch(r"(?a:[\w-]){43}", text))


def test_fact_25_a_store_knows_an_id_by_its_sha_256() -> None:
    key = ids.stored_key("a" * 43)
    assert key == hashlib.sha256(b"cookie\0" + b"a" * 43).hexdigest()
    assert re.fullmatch("[0-9a-f]{64}", key)


def test_fact_6_a_stored_key_has_not_the_form_of_an_id() -> None:
    assert not ids.is_well_formed(ids.stored_key(ids.draw()))


def test_a_handle_and_a_nonce_are_no_ids() -> None:
    for draw in (ids.draw_handle, ids.draw_nonce):
        drawn = {draw() for _ in range(1000)}
        assert len(drawn) == 1000
        assert not any(map(ids.is_well_formed, drawn))
