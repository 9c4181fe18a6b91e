"""A session as an entity of Azure Tables: what comes back, what it is called, what it weighs."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serverless_sessions.errors import CorruptRecord, SessionTooLarge
from serverless_sessions.store import Change, Entry, Facts, Record, size_of
from serverless_sessions.testing.cases.base import fresh_key
from serverless_sessions.testing.cases.entries import AWKWARD_TEXTS, HOSTILE_NAMES
from serverless_sessions_adapters._azure_entities import (
    MAX_BYTES,
    MAX_ENTITY_BYTES,
    MAX_PROPERTIES,
    Properties,
    Stored,
    changed,
    size_in_table,
    whole,
)

KEY = fresh_key()
NOW = 1_000
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12) | st.sampled_from(
    HOSTILE_NAMES
)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(
    (*AWKWARD_TEXTS, "🔑" * 17_000)
)
ENTRIES = st.dictionaries(
    NAMES, st.builds(Entry, TEXTS, st.none() | st.integers(NOW + 1, 2**40)), max_size=5
)
CHANGES = st.builds(
    lambda entries, names, clear: Change(set=entries, remove=names, clear=clear),
    ENTRIES,
    st.frozensets(NAMES, max_size=3),
    st.booleans(),
)
CHARACTERS = ("x", "é", "鍵", "🔑", "\0", '"')


def record(entries: Mapping[str, Entry], user: str | None = None) -> Record:
    facts = Facts("handle of 16 char", NOW, 2**40, user, None if user is None else NOW)
    return Record(entries, facts, 2**40, nonce="nonce of 12c")


def stored(properties: Properties) -> Stored:
    return Stored(KEY, "etag", properties)


def merged(before: Stored, change: Change) -> Stored:
    """As the service does it; what comes back is also held to its rules."""
    standing = before.standing(NOW)
    assert isinstance(standing, Record)
    write = changed(before, standing, change)
    kept = {} if write.replaces else before.properties
    after = stored({**kept, **write.properties})
    assert_storable(after.properties)
    return after


def assert_storable(properties: Properties) -> None:
    assert len(properties) <= MAX_PROPERTIES
    assert size_in_table(KEY, properties) <= MAX_ENTITY_BYTES
    for name, value in properties.items():
        assert re.fullmatch("[A-Za-z_][A-Za-z0-9_]{0,254}", name)
        assert isinstance(value, int) or len(value.encode("utf-16-le")) <= 65_536


def entries_of(found: Stored) -> dict[str, Entry]:
    standing = found.standing(NOW)
    assert isinstance(standing, Record)
    return dict(standing.entries)


@given(ENTRIES)
def test_any_entries_come_back(entries: dict[str, Entry]) -> None:
    properties = whole(KEY, record(entries))
    assert_storable(properties)
    assert stored(properties).standing(NOW) == record(entries)._replace(rev=stored(properties))


@given(ENTRIES, st.lists(CHANGES, max_size=4))
def test_any_changes_leave_what_they_say(entries: dict[str, Entry], changes: list[Change]) -> None:
    found, expected = stored(whole(KEY, record(entries))), entries
    for change in changes:
        present = change._replace(remove=change.remove | set(list(expected)[:1]))
        expected = present.applied_to(expected)
        found = merged(found, present)
        assert entries_of(found) == expected


def test_two_session_keys_never_share_a_property() -> None:
    entries = {name: Entry(name) for name in HOSTILE_NAMES}
    assert len(whole(KEY, record(entries))) == len(whole(KEY, record({}))) + len(entries)


def test_more_keys_than_properties_are_kept_in_one_and_changed_one_by_one() -> None:
    entries = {f"name {n}": Entry(str(n)) for n in range(1000)}
    found = stored(whole(KEY, record(entries)))
    assert entries_of(found) == entries

    for n in range(0, 300, 2):
        change = Change(set={f"name {n}": Entry("new")}, remove=frozenset({f"name {n + 1}"}))
        standing = found.standing(NOW)
        assert isinstance(standing, Record)
        write = changed(found, standing, change)
        assert write.replaces or len(write.properties) == 5
        entries = change.applied_to(entries)
        found = merged(found, change)
        assert entries_of(found) == entries


def test_what_was_removed_is_swept_out_before_it_fills_the_entity() -> None:
    found = stored(whole(KEY, record({})))
    replaced = 0
    for n in range(1000):
        before = found.properties
        found = merged(found, Change(set={f"name {n}": Entry("x" * 9000)}))
        found = merged(found, Change(remove=frozenset({f"name {n}"})))
        replaced += len(found.properties) < len(before)
    assert entries_of(found) == {}
    assert 0 < replaced < 20


def test_an_entry_that_has_ended_is_swept_out_with_the_rest() -> None:
    found = stored(whole(KEY, record({"brief": Entry("x" * 400_000, NOW)})))
    found = merged(found, Change(set={"a": Entry("x" * 400_000)}))
    assert set(entries_of(found)) == {"a"}
    assert size_in_table(KEY, found.properties) < 900_000


def test_a_value_past_64_kib_leaves_no_part_when_it_shrinks() -> None:
    found = stored(whole(KEY, record({"a": Entry("é" * 100_000)})))
    for change in (
        Change(set={"a": Entry("x" * 20_000)}),
        Change(set={"a": Entry("")}),
        Change(set={"a": Entry("🔑" * 70_000)}),
        Change(remove=frozenset({"a"})),
        Change(set={"a": Entry("y")}),
    ):
        found = merged(found, change)
        assert entries_of(found) == change.applied_to({})


def test_removing_what_is_not_there_adds_nothing() -> None:
    found = stored(whole(KEY, record({"a": Entry("1")})))
    after = merged(found, Change(remove=frozenset({"b", "c"})))
    assert after.properties.keys() == found.properties.keys()


def test_the_size_of_an_entity_is_what_the_formula_says() -> None:
    """4 + 2 a character of the keys; for each property 8 + 2 a character of its name + value."""
    properties: Properties = {"ends": 2**40, "user": "ann🔑"}
    of_keys = 4 + 2 * (1 + 64)
    assert size_in_table(KEY, properties) == of_keys + (8 + 8 + 8) + (8 + 8 + 4 + 2 * 5)


@settings(max_examples=60)
@given(
    st.integers(1, 1500),
    st.integers(1, 1024),
    st.lists(st.sampled_from(CHARACTERS), min_size=2, max_size=2),
    st.none() | st.integers(2**33, 2**34),
)
def test_the_declared_size_always_fits(
    keys: int, name_bytes: int, characters: list[str], deadline: int | None
) -> None:
    """However the bytes are spread over up to 1,500 session keys and their values."""
    name_bytes = min(name_bytes, MAX_BYTES // keys)
    stem = characters[0] * ((name_bytes - 4) // len(characters[0].encode()))
    names = [f"{stem}{n:04}" for n in range(keys)]
    left = MAX_BYTES - sum(len(name.encode()) for name in names)
    each = max(0, left // keys // len(characters[1].encode()))
    entries = {name: Entry(characters[1] * each, deadline) for name in names}
    entries[names[0]] = Entry(entries[names[0]].text + "x" * (MAX_BYTES - size_of(entries)))
    assert size_of(entries) == MAX_BYTES
    assert_storable(whole(KEY, record(entries, user="u" * 1000)))


def test_one_byte_more_is_refused_with_both_numbers() -> None:
    with pytest.raises(SessionTooLarge, match=f"480001 of {MAX_BYTES} bytes"):
        whole(KEY, record({"a": Entry("x" * MAX_BYTES)}))


def test_overhead_that_no_entity_can_hold_is_refused_with_its_size() -> None:
    entries = {f"{n:05}": Entry("") for n in range(60_000)}
    with pytest.raises(SessionTooLarge, match=r"\d{7} bytes in the table.* 1048576 at most"):
        whole(KEY, record(entries))
    with pytest.raises(SessionTooLarge, match="the name of the user"):
        whole(KEY, record({}, user="u" * 40_000))


def test_a_change_that_no_longer_fits_is_refused() -> None:
    found = stored(whole(KEY, record({"a": Entry("x" * 300_000)})))
    standing = found.standing(NOW)
    assert isinstance(standing, Record)
    with pytest.raises(SessionTooLarge, match=f"of {MAX_BYTES} bytes"):
        changed(found, standing, Change(set={"b": Entry("x" * 300_000)}))


@pytest.mark.parametrize("text", ["text", ":4:", "1:1", ":x:1:a", ":1:1:ab:"])
def test_a_property_that_another_program_wrote_is_no_empty_session(text: str) -> None:
    properties = {**whole(KEY, record({"a": Entry("1")})), "k0": text}
    with pytest.raises(CorruptRecord) as refused:
        stored(properties).standing(NOW)
    assert text not in str(refused.value)


def test_other_properties_of_other_programs_do_not_matter() -> None:
    foreign: Properties = {"kitten": "x", "k0": 5, "k_x": "x", "Note": "x"}
    found = stored({**whole(KEY, record({"a": Entry("1")})), **foreign})
    assert entries_of(found) == {"a": Entry("1")}


def test_nothing_of_a_session_shows_in_a_repr() -> None:
    found = stored(whole(KEY, record({"name": Entry("text")})))
    assert not {"name", "text", KEY} & set(re.findall(r"\w+", repr(found)))
