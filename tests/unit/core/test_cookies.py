"""The session cookie: which values are found in raw header lines, and what is sent."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serverless_sessions import SessionConfig, ids
from serverless_sessions.cookies import clear, find_ids, issue

NAME = "__Host-session"
A, B, C = "a" * 43, "b" * 43, "c" * 43
FORM = st.from_regex(r"[A-Za-z0-9_-]{43}", fullmatch=True)


def found(*lines: str) -> list[str]:
    return find_ids(lines, NAME)[0]


def is_refused(*lines: str) -> bool:
    return find_ids(lines, NAME)[1]


@pytest.mark.parametrize(
    "line",
    [
        f"{NAME}={A}",
        f" \t{NAME} \t= \t{A}\t ",
        f"theme=dark; {NAME}={A}; lang=en",
        f"theme=dark;{NAME}={A};",
        f";;= ; =;x;{NAME}={A}",
        f"theme=é\u2028\x00; {NAME}={A}",
    ],
)
def test_the_cookie_is_found_among_others(line: str) -> None:
    assert find_ids([line], NAME) == ([A], False)


def test_no_cookie_is_no_refusal() -> None:
    for lines in ([], [""], ["theme=dark"], [NAME], [f"theme={A}"]):
        assert find_ids(lines, NAME) == ([], False)


OTHER_NAMES = [NAME.upper(), NAME.lower(), NAME[:-1], f"{NAME}s", f"x{NAME}", f'"{NAME}"']
OTHER_NAMES += [NAME.replace("_", "%5F"), f"${NAME}", NAME.swapcase()]
OTHER_NAMES += [f"\u2000{NAME}", f"{NAME}\xa0", f"\x0b{NAME}", f"{NAME}\x0c", f"\ufeff{NAME}"]
OTHER_NAMES += [NAME.replace("s", "\u017f", 1), NAME.replace("-", "\u2010"), f"{NAME}\x00", ""]


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_guarantee_4_a_name_is_compared_byte_for_byte(name: str) -> None:
    assert find_ids([f"{name}={A}"], NAME) == ([], False)


OTHER_VALUES = [f'"{A}"', f"'{A}'", f"%61{A[1:]}", quote(A[:-1] + "\n"), f"={A}", f"{A}=", f"{A},"]
OTHER_VALUES += [space + A for space in "\u2000\x0b\x0c\xa0\u3000\x85\u200b\ufeff\r\n\x1c"]
OTHER_VALUES += [A + space for space in "\u2000\x0b\x0c\xa0\u3000\x85\u200b\ufeff\r\n\x1c\x00"]
OTHER_VALUES += [A[1:], A + "a", "", "a" * 10_000, "\uff41" * 43, "é" * 43, "+" * 43, "/" * 43]
OTHER_VALUES += [f"{A}, {B}", f"{A} {B}", "../" * 14 + "x", ids.stored_key(A), "\u0660" * 43]


@pytest.mark.parametrize("value", OTHER_VALUES)
def test_guarantee_4_a_value_of_another_spelling_is_refused(value: str) -> None:
    assert find_ids([f"{NAME}={value}"], NAME) == ([], True)


def test_a_space_or_tab_round_the_value_is_no_part_of_it() -> None:
    assert found(f"{NAME}= \t{A} \t; x=1") == [A]


def test_guarantee_4_the_first_two_well_formed_are_tried_in_order() -> None:
    bad = f"{NAME}=bad"
    assert found(f"{NAME}={B}; {NAME}={A}; {NAME}={C}") == [B, A]
    assert found(f"{NAME}={A}", f"{bad}; {NAME}={A}", f"x=1; {NAME}={B}") == [A, B]
    assert is_refused(f"{NAME}={A}; {bad}")
    assert not is_refused(f"{NAME}={A}; {NAME}={B}; {NAME}={C}")


def test_a_header_full_of_ids_is_read_in_one_pass() -> None:
    """Compared each with each, as many as these keep a processor busy for minutes."""
    made_up = [f"{number:043d}" for number in range(100_000)]
    line = "; ".join(f"{NAME}={value}" for value in made_up)
    assert find_ids([line], NAME) == (made_up[:2], False)


@given(st.lists(st.text() | st.binary().map(lambda raw: raw.decode("latin-1"))))
def test_no_header_crashes_the_parser_or_yields_anything_but_ids(lines: list[str]) -> None:
    for line in ([*lines], [f"{NAME}={line}" for line in lines]):
        offered, _ = find_ids(line, NAME)
        assert len(offered) <= 2
        assert all(ids.is_well_formed(value) for value in offered)


noise = st.text(st.characters(exclude_characters=";", codec="utf-8"), max_size=30).filter(
    lambda text: text.partition("=")[0].strip(" \t") != NAME
)


@given(st.lists(noise), FORM, st.lists(noise), st.text(" \t", max_size=3))
def test_one_cookie_is_found_whatever_stands_beside_it(
    before: list[str], value: str, after: list[str], blank: str
) -> None:
    pairs = [*before, f"{blank}{NAME}{blank}={blank}{value}{blank}", *after]
    assert find_ids([";".join(pairs)], NAME) == ([value], False)
    assert find_ids(pairs, NAME) == ([value], False)


@given(FORM, st.integers(0, 43), st.characters(exclude_characters="; \t", codec="utf-8"))
def test_one_foreign_character_in_it_is_one_too_many(value: str, at: int, extra: str) -> None:
    assert find_ids([f"{NAME}={value[:at]}{extra}{value[at:]}"], NAME) == ([], True)


SCOPED: dict[str, Any] = {
    "cookie_name": "__Secure-sid",
    "cookie_domain": "example.com",
    "cookie_path": "/shop",
    "cookie_samesite": "None",
    "cookie_partitioned": True,
}
SCOPES: list[tuple[dict[str, Any], str]] = [
    ({}, "; Path=/; Secure; HttpOnly; SameSite=Lax"),
    ({"cookie_samesite": "Strict"}, "; Path=/; Secure; HttpOnly; SameSite=Strict"),
    ({"cookie_secure": False}, "; Path=/; HttpOnly; SameSite=Lax"),
    (
        SCOPED,
        "; Path=/shop; Domain=example.com; Secure; HttpOnly; SameSite=None; Partitioned",
    ),
]
EPOCH = "Thu, 01 Jan 1970 00:00:00 GMT"


@pytest.mark.parametrize(("settings", "scope"), SCOPES)
def test_facts_8_and_11_the_same_scope_when_it_is_issued_and_when_it_is_cleared(
    settings: dict[str, Any], scope: str
) -> None:
    config = SessionConfig(**settings)
    assert issue(config, A, None) == f"{config.cookie_name}={A}{scope}"
    assert clear(config) == f"{config.cookie_name}=; Max-Age=0; Expires={EPOCH}{scope}"


def test_a_cookie_that_persists_says_how_long() -> None:
    assert issue(SessionConfig(), A, 77).startswith(f"{NAME}={A}; Max-Age=77; Path=/")


def test_fact_10_the_longest_name_still_fits_a_browsers_limit() -> None:
    config = SessionConfig(cookie_name="n" * (4096 - 43))
    pair = issue(config, ids.draw(), 1).partition(";")[0]
    assert len(pair.replace("=", "", 1)) == 4096
