"""Texts that Astro wrote: what they are to us, and what of them our writes leave as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serverless_sessions import clock
from serverless_sessions.document import DocumentStore
from serverless_sessions.errors import CorruptRecord, SessionGone, Unsupported
from serverless_sessions.store import ABSENT, Change, Entry
from serverless_sessions.testing import FrozenClock
from serverless_sessions.testing.cases.base import (
    created,
    entries,
    fresh_key,
    loaded,
    renewed,
    session,
    texts,
)
from serverless_sessions.values import devalue
from support.documents import MemoryDocuments

VECTORS = json.loads((Path(__file__).parent / "values" / "vectors.json").read_text("utf-8"))
LONE_SURROGATE = "string-lone-surrogate-high"
RECORDS = {
    vector["name"]: vector["stored"]
    for vector in (*VECTORS["values"], *VECTORS["real_app_records"])
    if vector["name"] != LONE_SURROGATE
}
REAL = '[["Map",1,2],"cart",{"data":3,"expires":-1},[4],{"sku":5,"qty":6},"a",2]'
FAR = 4_102_444_800_000


@pytest.fixture
def documents() -> MemoryDocuments:
    return MemoryDocuments()


@pytest.fixture
def store(documents: MemoryDocuments) -> DocumentStore:
    return DocumentStore(documents)


@pytest.fixture(autouse=True)
def time() -> Iterator[FrozenClock]:
    with FrozenClock() as time:
        yield time


def planted(documents: MemoryDocuments, text: str) -> str:
    key = fresh_key()
    version = documents.get(key)
    documents.put(key, text, if_version=version[1] if version else ABSENT, expires=None)
    return key


def without_ours(documents: MemoryDocuments, key: str) -> str:
    """What is stored, without the entries that are not Astro's."""
    found = devalue.loads(documents.texts[key][0])
    for name in [name for name in found if isinstance(name, str) and name.startswith("_sls.")]:
        del found[name]
    return devalue.dumps(found)


@pytest.mark.parametrize("name", RECORDS)
def test_what_we_do_not_change_stays_byte_for_byte(
    name: str, store: DocumentStore, documents: MemoryDocuments
) -> None:
    key = planted(documents, RECORDS[name])
    before = loaded(store, key)
    assert before.entries
    store.update(key, Change(set=entries(ours='["x"]')))
    store.update(key, Change(remove=frozenset({"ours"})))
    assert without_ours(documents, key) == RECORDS[name]
    after = loaded(store, key)
    assert after.entries == before.entries
    new = fresh_key()
    store.rotate(key, new, renewed(after), after.rev, clock.now())
    assert without_ours(documents, new) == RECORDS[name]


def test_a_session_that_astro_began_is_alive_and_gets_facts_by_the_first_write(
    store: DocumentStore, documents: MemoryDocuments, time: FrozenClock
) -> None:
    key = planted(documents, REAL)
    seen = loaded(store, key)
    assert texts(seen) == {"cart": '[[1],{"sku":2,"qty":3},"a",2]'}
    assert seen.facts.user is None
    assert documents.texts[key][0] == REAL
    store.update(key, Change(idle=clock.now() + 100, rid=seen.facts.rid))
    kept = loaded(store, key)
    assert kept.facts.rid == seen.facts.rid
    assert kept.idle == clock.now() + 100
    time.advance(100)
    assert not isinstance(store.load(key), type(kept))


def test_a_session_that_astro_began_is_none_where_nothing_is_adopted(
    documents: MemoryDocuments,
) -> None:
    key = planted(documents, REAL)
    store = DocumentStore(documents, adopts=False)
    assert store.load(key) is None
    with pytest.raises(SessionGone):
        store.update(key, Change(set=entries(a="1")))
    assert documents.texts[key][0] == REAL
    assert not store.guarantees.shared_with_astro
    assert DocumentStore(documents).guarantees.shared_with_astro


def test_facts_survive_that_astro_writes_the_session_anew_and_in_another_order(
    store: DocumentStore, documents: MemoryDocuments
) -> None:
    key = created(store, session({"a": "[1]"}, user="ann"))
    before = loaded(store, key)
    found = devalue.loads(documents.texts[key][0])
    rewritten = type(found)()
    rewritten["new"] = {"data": "x", "expires": devalue.loads("-1")}
    for name in reversed(list(found)):
        rewritten[name] = found[name]
    documents.texts[key] = devalue.dumps(rewritten), 10_000
    after = loaded(store, key)
    assert after.facts == before.facts
    assert texts(after) == {"a": "[1]", "new": '["x"]'}


def test_deadlines_are_milliseconds_and_anything_but_a_number_is_none(
    store: DocumentStore, documents: MemoryDocuments
) -> None:
    now = clock.now()
    text = devalue.dumps(
        devalue.loads(
            '[["Map",1,2,3,4,5,6,7,8,9,10],"late",{"data":11,"expires":12},'
            '"over",{"data":11,"expires":13},"text",{"data":11,"expires":14},'
            '"none",{"data":11},"null",{"data":11,"expires":15},'
            f'1,{now * 1000 + 60_500},{now * 1000},"{now}",null]'
        )
    )
    key = planted(documents, text)
    assert loaded(store, key).entries == {
        "late": Entry("[1]", now + 60),
        "text": Entry("[1]"),
        "none": Entry("[1]"),
        "null": Entry("[1]"),
    }
    store.update(key, Change(set=entries(a="[2]")))
    assert str(now * 1000 + 60_500) in documents.texts[key][0]
    assert str(now * 1000) + "," not in documents.texts[key][0]


EXTRA = (
    '[["Map",1,2,3,4],"a",{"data":5,"expires":-1,"extra":6},7,{"data":5,"expires":8},1,"kept",9,'
    f"{FAR}]"
)


def test_fields_that_are_nobodys_survive_a_change_and_a_rotation(
    store: DocumentStore, documents: MemoryDocuments
) -> None:
    key, new = planted(documents, EXTRA), fresh_key()
    store.update(key, Change(set=entries(b="[2]")))
    found = loaded(store, key)
    assert texts(found) == {"a": "[1]", "b": "[2]"}
    assert '"extra":' in documents.texts[key][0]
    store.rotate(key, new, renewed(found), found.rev, clock.now())
    assert '"extra":' in documents.texts[new][0]
    store.update(new, Change(set=entries(a="[3]")))
    assert '"extra":' not in documents.texts[new][0]


def test_a_key_that_is_no_text_survives_a_change_and_goes_with_the_rest(
    store: DocumentStore, documents: MemoryDocuments
) -> None:
    key = planted(documents, EXTRA)
    store.update(key, Change(set=entries(a="[2]"), remove=frozenset({"7"})))
    assert 7 in devalue.loads(documents.texts[key][0])
    store.update(key, Change(clear=True, set=entries(b="[2]")))
    assert set(devalue.loads(documents.texts[key][0])) == {"b", "_sls.facts"}


LEGACY: dict[str, tuple[str, str]] = {
    "a URL of devalue": ('["URL","https://a.example/"]', '[["URL",1],"https://a.example/"]'),
    "a BigInt as a number": ('["BigInt",1]', '[["BigInt","1"]]'),
}


@pytest.mark.parametrize("name", LEGACY)
def test_what_older_versions_wrote_is_read(
    name: str, store: DocumentStore, documents: MemoryDocuments
) -> None:
    stored, text = LEGACY[name]
    key = planted(documents, f'[["Map",1,2],"a",{{"data":3,"expires":-1}},{stored}]')
    assert texts(loaded(store, key)) == {"a": text}


CORRUPT = {
    "two writers at once": REAL + ',"base",2]',
    "half": REAL[:20],
    "no JSON": "session",
    "no map": '[{"a":1},1]',
    "entries that are none": '[["Map",1,2],"a",3,4]',
    "entries without data": '[["Map",1,2],"a",{"expires":-1}]',
    "an unknown tag": '[["Map",1,2],"a",{"data":3},["Worm",1]]',
    "a constant": "-1",
    "too deep": "[" * 5000 + "]" * 5000,
}


@pytest.mark.parametrize("name", CORRUPT)
def test_a_damaged_text_is_an_error_that_nothing_overwrites_but_a_log_out(
    name: str, store: DocumentStore, documents: MemoryDocuments
) -> None:
    key, sound = planted(documents, CORRUPT[name]), planted(documents, REAL)
    with pytest.raises(CorruptRecord, match="stays until a log-out"):
        store.load(key)
    with pytest.raises(CorruptRecord):
        store.update(key, Change(set=entries(a="[1]"), clear=True))
    with pytest.raises(CorruptRecord):
        store.rotate(key, fresh_key(), session(), None, clock.now())
    with pytest.raises(CorruptRecord):
        store.create(key, session())
    assert store.purge() == 0
    assert [found for found, _ in store.scan()] == [sound]
    assert documents.texts[key][0] == CORRUPT[name]
    store.delete(key)
    assert key not in documents.texts


def test_a_text_that_is_no_value_of_astros_comes_back_as_it_was(
    store: DocumentStore, documents: MemoryDocuments
) -> None:
    """As of a site of its own: our tags, what is sealed, and spellings that Astro has not."""
    given = {"t": '[["tuple",1],2]', "sealed": "e1.x", "empty": "", "spaced": "[ 1 ]", "one": "[1]"}
    key, new = created(store, session(given)), fresh_key()
    found = loaded(store, key)
    assert texts(found) == given
    store.rotate(key, new, renewed(found), found.rev, clock.now())
    assert texts(loaded(store, new)) == given
    raw: Any = devalue.loads(documents.texts[new][0])
    assert [name for name in given if raw[name]["data"] == 1 or raw[name]["data"] == [2]] == ["one"]


def test_there_is_no_index_of_users(store: DocumentStore) -> None:
    assert not store.guarantees.lists_users
    with pytest.raises(Unsupported, match="sessions of a user"):
        store.list_user("ann")
