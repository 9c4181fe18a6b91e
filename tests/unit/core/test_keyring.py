"""The text form of encryption keys."""

from __future__ import annotations

import re

import pytest

from serverless_sessions import keyring


def test_a_drawn_key_is_256_bits_in_43_characters_and_never_the_same() -> None:
    keys = [keyring.draw() for _ in range(1000)]
    assert len(set(keys)) == 1000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", key) for key in keys)
    assert all(len(key) == 32 for key in keyring.read(keys[:10]))


KEY = "A" * 43
WRONG = {
    "empty": "",
    "31 bytes": "A" * 42,
    "33 bytes": "A" * 44,
    "padded": KEY + "=",
    "not canonical": "A" * 42 + "B",
    "plain base64": "+/" + "A" * 41,
    "odd characters": "!" * 43,
    "not ASCII": "é" * 43,
    "a space in it": " " + "A" * 42,
    "hexadecimal": "0f" * 32,
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_a_key_of_another_form_is_refused_by_its_place_and_never_shown(text: str) -> None:
    with pytest.raises(ValueError, match="key 2 of 2 is not") as refused:
        keyring.read([KEY, text])
    assert not text or text not in str(refused.value)
    assert KEY not in str(refused.value)


def test_a_key_that_is_there_twice_is_refused() -> None:
    other = keyring.draw()
    with pytest.raises(ValueError, match="key 3 of 3 repeats key 1"):
        keyring.read([KEY, other, KEY])
    assert len(keyring.read([KEY, other])) == 2


def test_a_key_that_is_not_text_is_refused() -> None:
    with pytest.raises(ValueError, match="key 1 of 1"):
        keyring.read([b"A" * 43])  # type: ignore[list-item]  # read as bytes
