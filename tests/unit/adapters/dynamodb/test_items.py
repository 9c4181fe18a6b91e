"""The layout of an item: any text under any name, weighed as DynamoDB weighs it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serverless_sessions import clock
from serverless_sessions.errors import SessionTooLarge
from serverless_sessions.store import (
    MARKER_SECONDS,
    TTL_LAG_SECONDS,
    Change,
    Entry,
    Facts,
    Record,
    size_of,
)
from serverless_sessions.testing.cases.base import created, fresh_key, loaded, session, texts
from serverless_sessions.testing.clock import FrozenClock
from serverless_sessions_adapters._dynamodb_items import (
    ITEM_BYTES,
    Item,
    Marker,
    bytes_of,
    is_live,
    marker_item,
    marker_of,
    record_item,
    record_of,
)
from serverless_sessions_adapters._dynamodb_operations import MAX_BYTES
from serverless_sessions_adapters.dynamodb import DynamoDBStore
from servers.moto_server import DynamoDBServer
from support.dynamodb import client_of_dynalite, empty_table, items

START = 1_800_000_123
FOREVER = 2_000_000_123
KEY = "k" * 64
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=300)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=50)
DEADLINES = st.none() | st.integers(min_value=START + 1, max_value=2**40)
ENTRIES = st.dictionaries(NAMES, st.builds(Entry, TEXTS, DEADLINES), max_size=10)
FACTS = st.builds(
    Facts,
    rid=TEXTS,
    created=st.integers(0, START),
    absolute=st.integers(START + 1, 2**40),
    user=st.none() | TEXTS,
    authenticated_at=st.none() | st.integers(0, START),
)
RECORDS = st.builds(
    Record, ENTRIES, FACTS, idle=st.integers(START + 1, 2**40), rev=st.none(), nonce=TEXTS
)


@pytest.fixture(autouse=True)
def time() -> Iterator[FrozenClock]:
    with FrozenClock(START) as frozen:
        yield frozen


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(record=RECORDS)
def test_an_item_is_the_whole_record(record: Record) -> None:
    item = record_item(KEY, record, "token")
    assert is_live(item)
    found = record_of(item)
    assert found._replace(rev=None) == record
    assert int(item["ttl"]["N"]) == record.deadline + TTL_LAG_SECONDS


@settings(
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(first=ENTRIES, second=ENTRIES)
def test_any_text_under_any_name_is_changed_and_expected(
    store: DynamoDBStore, first: dict[str, Entry], second: dict[str, Entry]
) -> None:
    """Control characters, reserved words, dots and all."""
    key = fresh_key()
    store.create(key, session({})._replace(entries=first))
    expect = {name: entry.text for name, entry in first.items()}
    store.update(key, Change(set=second, expect=expect))
    assert dict(loaded(store, key).entries) == {**first, **second}
    store.update(key, Change(remove=frozenset(first)))
    kept = {name: entry for name, entry in second.items() if name not in first}
    assert dict(loaded(store, key).entries) == kept


def test_dynamodb_removes_a_session_when_it_is_long_over(store: DynamoDBStore) -> None:
    """By the deadline that comes first, as far as the write knows it: never before that."""

    def ttl() -> int:
        (item,) = items(store)
        return int(item["ttl"]["N"]) - TTL_LAG_SECONDS

    key = created(store, session(idle=100, absolute=500))
    assert ttl() == START + 100
    store.update(key, Change(idle=START + 200))
    assert ttl() == START + 200
    store.update(key, Change(idle=START + 900))
    assert ttl() == START + 900
    store.update(key, Change(idle=START + 900, seen=loaded(store, key).rev))
    assert ttl() == START + 500
    store.update(key, Change(set={"a": Entry("1")}))
    assert ttl() == START + 500


def test_a_marker_ends_after_an_hour(time: FrozenClock) -> None:
    item = marker_item(KEY, Marker("new", START + 10))
    assert int(item["ttl"]["N"]) == START + MARKER_SECONDS + TTL_LAG_SECONDS
    time.advance(MARKER_SECONDS - 1)
    assert marker_of(item) == Marker("new", START + 10)
    assert not is_live(item)
    time.advance(1)
    assert marker_of(item) is None


SHAPES = {
    "one text": {"a": Entry("")},
    "one with a deadline": {"a": Entry("", FOREVER)},
    "many": {f"name {n}": Entry("e") for n in range(1000)} | {"a": Entry("")},
    "many with a deadline": {"k" * n: Entry("x", FOREVER) for n in range(1, 100)}
    | {"a": Entry("")},
}


def weighing(entries: dict[str, Entry], target: int) -> Item:
    """An item of exactly ``target`` bytes by our arithmetic."""
    facts = Facts("handle", START, FOREVER, user="ann", authenticated_at=START)
    record = Record(entries, facts, FOREVER, nonce="nonce")
    rest = target - bytes_of(record_item(KEY, record, "token"))
    longer = {**entries, "a": entries["a"]._replace(text="x" * rest)}
    return record_item(KEY, record._replace(entries=longer), "token")


@pytest.mark.parametrize("entries", SHAPES.values(), ids=SHAPES)
def test_an_item_weighs_what_dynamodb_says(
    dynalite: DynamoDBServer, entries: dict[str, Entry]
) -> None:
    """To the byte, but for a byte more that we take a number for. ASCII, because dynalite counts
    characters."""
    numbers = 5 + sum(entry.deadline is not None for entry in entries.values())
    with client_of_dynalite(dynalite.endpoint) as client, empty_table(client) as store:
        fits = weighing(entries, ITEM_BYTES)
        passes = weighing(entries, ITEM_BYTES + numbers + 1)
        client.put_item(TableName=store.table, Item=fits)
        with pytest.raises(client.exceptions.ClientError, match="Item size has exceeded"):
            client.put_item(TableName=store.table, Item=passes)
        assert items(store) == [fits]


def test_text_weighs_its_bytes() -> None:
    item: Item = {"é": {"S": "鍵"}, "v": {"M": {"🔑": {"S": ""}}}}
    assert bytes_of(item) == 2 + 3 + len("v") + 3 + 1 + 4


def test_a_thousand_entries_fill_a_session_to_its_limit(store: DynamoDBStore) -> None:
    many = {f"{n:03}": Entry("x" * 397) for n in range(1000)}
    assert size_of(many) == MAX_BYTES
    store.create(KEY, session({})._replace(entries=many))
    assert len(loaded(store, KEY).entries) == 1000


def test_so_many_small_entries_that_their_number_weighs_are_refused_before(
    store: DynamoDBStore,
) -> None:
    many = {f"{n:05}": Entry("x" * 9, FOREVER) for n in range(28_000)}
    assert size_of(many) < MAX_BYTES
    with pytest.raises(SessionTooLarge, match=f"of {ITEM_BYTES} bytes"):
        store.create(KEY, session({})._replace(entries=many))
    assert items(store) == []


def test_what_cannot_grow_further_can_still_be_changed_and_rotated(store: DynamoDBStore) -> None:
    text = "x" * (MAX_BYTES - len("a"))
    key = created(store, session({"a": text}, user="ann"))
    seen = loaded(store, key)
    store.rotate(key, KEY, seen._replace(nonce="rotated"), seen.rev, clock.now())
    store.update(KEY, Change(set={"a": Entry("short")}))
    assert texts(loaded(store, KEY)) == {"a": "short"}
