"""How FirestoreStore lays out sessions of any text and size, and reads documents of any kind."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from google.cloud.firestore_v1.field_path import FieldPath
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serverless_sessions import clock
from serverless_sessions.errors import SessionTooLarge
from serverless_sessions.store import TTL_LAG_SECONDS, Change, Entry, Facts, Record, size_of
from serverless_sessions.testing import FrozenClock
from serverless_sessions.testing.cases.base import created, loaded, session, texts
from serverless_sessions_adapters._firestore_client import Snapshot
from serverless_sessions_adapters._firestore_documents import (
    MAX_BYTES,
    Version,
    is_due,
    of_change,
    of_marker,
    of_record,
    version,
)
from serverless_sessions_adapters._firestore_errors import DOCUMENT_BYTES
from serverless_sessions_adapters.firestore import FirestoreStore
from servers.firestore_emulator import FirestoreEmulator
from support.firestore import empty_store

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = TEXT.filter(lambda name: 0 < len(name.encode()) <= 1024)
SHORT_NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
ENTRIES = st.dictionaries(NAMES, st.builds(Entry, TEXT, st.none() | st.integers(1, 2**62)))
MOMENTS = st.integers(1, 2**62)
FACTS = st.builds(Facts, TEXT, MOMENTS, MOMENTS, st.none() | TEXT, st.none() | MOMENTS)
AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(
    firestore_emulator: FirestoreEmulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FirestoreStore]:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_emulator.host)
    with closing(empty_store()) as store:
        yield store


def read_back(fields: dict[str, Any]) -> Version:
    return version(Snapshot("key", AT, fields))


@given(ENTRIES, FACTS, MOMENTS, TEXT)
def test_any_record_reads_back(
    entries: dict[str, Entry], facts: Facts, idle: int, nonce: str
) -> None:
    record = Record(entries, facts, idle, nonce=nonce)
    assert read_back(of_record(record)).holds == record


@given(ENTRIES, st.frozensets(NAMES))
def test_a_change_names_its_own_entries_and_no_field_of_ours(
    entries: dict[str, Entry], removed: frozenset[str]
) -> None:
    update = of_change(Change(set=entries, remove=removed))
    paths = {FieldPath.from_api_repr(path).parts for path in update}
    assert paths == {("nonce",), ("rev",)} | {("v", f"k{name}") for name in {*entries, *removed}}


@settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    before=st.dictionaries(SHORT_NAMES, TEXT, max_size=5),
    after=st.dictionaries(SHORT_NAMES, TEXT, max_size=5),
    removed=st.frozensets(SHORT_NAMES, max_size=3),
)
def test_any_names_and_texts_round_trip_through_firestore(
    store: FirestoreStore, before: dict[str, str], after: dict[str, str], removed: frozenset[str]
) -> None:
    key = created(store, session(before))
    removed |= set(list(before)[:1])
    store.update(key, Change({name: Entry(text) for name, text in after.items()}, removed))
    kept = {name: text for name, text in before.items() if name not in removed}
    assert texts(loaded(store, key)) == kept | after


def test_a_carriage_return_in_a_name_is_no_line_feed(store: FirestoreStore) -> None:
    key = created(store, session({"a\n": "1", "a\r": "2", r"a\r": "3"}))
    store.update(key, Change({"a\r": Entry("4"), "\r\n": Entry("5")}, frozenset({"a\n"})))
    assert texts(loaded(store, key)) == {"a\r": "4", "\r\n": "5", r"a\r": "3"}


def test_our_count_is_firestores_but_for_some_bytes(store: FirestoreStore) -> None:
    """Thousands of entries, to the last one that passes here; a little more is refused there."""
    entry = Entry("é" * 100, 2**40)

    def full(count: int) -> Record:
        return session({})._replace(entries={f"{n:04}": entry for n in range(count)})

    fits = bisect_left(range(9999), True, key=lambda count: is_refused(full(count))) - 1
    with clock.call_limit(30):
        key = created(store, full(fits))
        assert len(loaded(store, key).entries) == fits > 3000
        with pytest.raises(SessionTooLarge, match="InvalidArgument"):
            store.update(key, Change(set={"more": Entry("x" * 3000)}))
        assert len(loaded(store, key).entries) == fits


def is_refused(record: Record) -> bool:
    try:
        of_record(record)
    except SessionTooLarge:
        return True
    return False


def test_a_session_past_the_limit_is_told_with_its_size() -> None:
    large = session({"a": "x" * MAX_BYTES})
    with pytest.raises(SessionTooLarge, match=f"{size_of(large.entries)} of {MAX_BYTES}"):
        of_record(large)
    many = session({})._replace(entries={f"{n:06}": Entry("", 2**40) for n in range(70_000)})
    with pytest.raises(SessionTooLarge, match=f"as Firestore counts them, {DOCUMENT_BYTES}"):
        of_record(many)


def test_firestore_may_remove_a_session_a_while_after_its_end() -> None:
    with FrozenClock():
        record = session(idle=100, absolute=50)
        ends = clock.now() + 50 + TTL_LAG_SECONDS
        assert of_record(record)["expires_at"] == datetime.fromtimestamp(ends, UTC)
        assert of_marker("to", 0)["expires_at"].timestamp() == clock.now() + 3600 + TTL_LAG_SECONDS


def test_a_deadline_past_all_calendars_is_kept() -> None:
    record = session(idle=2**61, absolute=2**61)
    fields = of_record(record)
    assert fields["expires_at"].year == 9999
    assert read_back(fields).holds == record._replace(rev=None)


@pytest.mark.parametrize(
    "fields",
    [
        {"v": "text"},
        {"v": {"kname": 7}},
        {"v": {"kname": ["text"]}},
        {"v": {"kname": ["text", "soon"]}},
        {"rid": 7, "user": 7, "auth": "7", "nonce": None},
    ],
)
def test_a_field_of_another_type_is_no_crash(fields: dict[str, Any]) -> None:
    found = read_back({"created": 1, "abs": 2**40, "exp": 2**40, **fields})
    assert isinstance(found.standing, Record)
    assert set(texts(found.standing).values()) <= {""}


@pytest.mark.parametrize(
    ("wanted", "idle", "slack", "due"),
    [
        (109, 100, 10, False),
        (110, 100, 10, True),
        (100, 100, 10, False),
        (99, 100, 10, True),
        (101, 100, 0, True),
        (100, 100, 0, False),
        (99, 100, 0, True),
    ],
)
def test_a_touch_is_due(wanted: int, idle: int, slack: int, due: bool) -> None:
    assert is_due(wanted, idle, slack) is due


def test_what_a_version_holds_does_not_show() -> None:
    shown = repr(read_back(of_record(session({"name of a key": "text of a value"}))))
    assert "name of a key" not in shown
    assert "text of a value" not in shown
