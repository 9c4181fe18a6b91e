"""What one record holds: values of any text under names of any text, changed by parts."""

from __future__ import annotations

import string

import pytest

from ... import clock, ids
from ...errors import Conflict, SessionGone, SessionTooLarge, Unsupported
from ...store import ABSENT, Change, Entry, Facts, Record, SessionStore
from ..clock import FrozenClock
from .base import (
    Cases,
    assert_nothing_lives,
    created,
    entries,
    fresh_key,
    key_beside,
    loaded,
    renewed,
    session,
    texts,
)

HOSTILE_NAMES = (
    *string.punctuation,
    *(f"a{mark}b" for mark in string.punctuation),
    *(
        ".",
        "..",
        "../x",
        "a.b.c",
        "a/b",
        "%2e",
        "%",
        " ",
        " a ",
        "\n",
        "\r",
        "\r\n",
        "\t",
        "\0",
        "a\0b",
    ),
    *("A", "a", "0", "01", "1", "k", "v", "id", "to", "ttl", "exp", "abs", "rev", "rid", "key"),
    *("ключ", "鍵", "é", "e\u0301", "🔑", "\u202e", "\ufeff", "\x7f"),
    *("__proto__", "constructor", "__name__", "__id__", "null", "size", "select", "PartitionKey"),
    *("Timestamp", "odata.etag", "_sl", "k" * 1024, "鍵" * 341),
)
AWKWARD_TEXTS = (
    *("", " ", "0", "null", "{}", '"', "'", "\\", "\0", "\r\n", "a\0b", "%00", "<a>&amp;"),
    *("é", "e\u0301", "🔑", "\ufeff", "\u2028", "\x7f\x1b[0m", "鍵" * 1000),
)
LARGE_TEXT = "0123456789abcdef" * 4096 + "鍵"


class EntryCases(Cases):
    def test_a_record_comes_back_as_it_was_stored(self, store: SessionStore) -> None:
        now = clock.now()
        facts = Facts("handle", now - 5, now + 500, user="ann@example.com", authenticated_at=now)
        stored = {"a": Entry("1"), "b": Entry("2", deadline=now + 50)}
        key = created(store, Record(stored, facts, now + 100, nonce="n1"))

        record = loaded(store, key)

        assert dict(record.entries) == stored
        assert (record.facts, record.idle, record.nonce) == (facts, now + 100, "n1")

    def test_a_record_without_entries_or_user_lives(self, store: SessionStore) -> None:
        record = loaded(store, created(store, session({})))
        assert not record.entries
        assert record.facts.user is None
        assert record.facts.authenticated_at is None

    def test_a_record_handed_out_is_the_callers_own(self, store: SessionStore) -> None:
        given = {"a": Entry("1")}
        template = session()
        key = created(store, Record(given, template.facts, template.idle, nonce="n"))
        given["a"] = Entry("changed")
        handed_out = loaded(store, key).entries
        if isinstance(handed_out, dict):
            handed_out["a"] = Entry("changed")

        assert texts(loaded(store, key)) == {"a": "1"}

    def test_names_of_any_text_round_trip(self, store: SessionStore) -> None:
        first = {name: str(n) for n, name in enumerate(HOSTILE_NAMES)}
        key = created(store, session(first))
        assert texts(loaded(store, key)) == first

        changed = {name: f"changed {text}" for name, text in first.items()}
        removed = frozenset(HOSTILE_NAMES[::3])
        kept = {name: text for name, text in changed.items() if name not in removed}
        store.update(key, Change(set={name: Entry(text) for name, text in kept.items()}))
        store.update(key, Change(remove=removed))
        assert texts(loaded(store, key)) == kept

    def test_one_hostile_name_changes_no_other_entry(self, store: SessionStore) -> None:
        key = created(store, session({"plain": "1"}))
        expected = {"plain": "1"}
        for name in ("..", "__proto__", "a.b", "a", "\0", "#", ":", "k" * 1024):
            store.update(key, Change(set={name: Entry("x")}))
            expected[name] = "x"
        assert texts(loaded(store, key)) == expected

    @pytest.mark.parametrize("text", AWKWARD_TEXTS, ids=ascii)
    def test_values_of_any_text_round_trip(self, store: SessionStore, text: str) -> None:
        key = created(store, session({"a": text}))
        store.update(key, Change(set=entries(b=text)))
        assert texts(loaded(store, key)) == {"a": text, "b": text}

    def test_a_value_past_64_kib_round_trips_and_shrinks(self, store: SessionStore) -> None:
        limit = store.guarantees.max_bytes or self.refused_bytes
        if limit is not None and limit < 3 * len(LARGE_TEXT):
            pytest.skip(f"the limit of this store is {limit} bytes")
        key = created(store, session({"a": LARGE_TEXT}))
        store.update(key, Change(set=entries(b=LARGE_TEXT)))
        assert texts(loaded(store, key)) == {"a": LARGE_TEXT, "b": LARGE_TEXT}

        store.update(key, Change(set=entries(a="small"), remove=frozenset({"b"})))
        assert texts(loaded(store, key)) == {"a": "small"}

    def test_many_entries_in_one_record(self, store: SessionStore) -> None:
        expected = {f"name {n}": str(n) for n in range(300)}
        key = created(store, session({}))
        store.update(key, Change(set={name: Entry(text) for name, text in expected.items()}))
        assert texts(loaded(store, key)) == expected

        store.update(key, Change(set=entries(one="more")))
        assert texts(loaded(store, key)) == {**expected, "one": "more"}

    def test_remove_takes_what_it_names(self, store: SessionStore) -> None:
        key = created(store, session({"a": "1", "b": "2"}))
        store.update(key, Change(remove=frozenset({"a", "never there"})))
        assert texts(loaded(store, key)) == {"b": "2"}

    def test_clear_takes_all_and_set_comes_after(self, store: SessionStore) -> None:
        key = created(store, session({"a": "1", "b": "2"}))
        store.update(key, Change(clear=True, set=entries(b="3")))
        assert texts(loaded(store, key)) == {"b": "3"}

        store.update(key, Change(clear=True))
        assert texts(loaded(store, key)) == {}
        store.update(key, Change(set=entries(c="4")))
        assert texts(loaded(store, key)) == {"c": "4"}

    def test_set_wins_over_remove_of_the_same_name(self, store: SessionStore) -> None:
        key = created(store, session({"a": "1"}))
        store.update(key, Change(set=entries(a="2"), remove=frozenset({"a"})))
        assert texts(loaded(store, key)) == {"a": "2"}

    def test_changes_of_different_keys_both_survive(self, store: SessionStore) -> None:
        key = created(store, session({}))
        first, second = loaded(store, key), loaded(store, key)
        store.update(key, Change(set=entries(x="1"), rid=first.facts.rid))
        store.update(key, Change(set=entries(y="2"), rid=second.facts.rid))
        assert texts(loaded(store, key)) == {"x": "1", "y": "2"}

    def test_an_entry_ends_at_its_own_deadline(
        self, store: SessionStore, time: FrozenClock
    ) -> None:
        key = created(store, session({"a": "1"}))
        store.update(key, Change(set={"b": Entry("2", deadline=clock.now() + 10)}))
        time.advance(9.999)
        assert texts(loaded(store, key)) == {"a": "1", "b": "2"}
        time.advance(0.001)
        assert texts(loaded(store, key)) == {"a": "1"}

        store.update(key, Change(set=entries(b="3")))
        time.advance(100)
        assert texts(loaded(store, key)) == {"a": "1", "b": "3"}

    def test_expect_holds_or_nothing_is_written(
        self, store: SessionStore, time: FrozenClock
    ) -> None:
        if not store.guarantees.conditional:
            pytest.skip("this store declares no conditional writes")
        key = created(store, session({"a": "1"}))
        store.update(
            key, Change(set={"brief": Entry("x", clock.now() + 10)}, expect={"a": "1", "b": ABSENT})
        )
        for unmet in ({"a": "2"}, {"a": ABSENT}, {"b": "1"}, {"a": "1", "b": "1"}, {"a": ""}):
            rev = loaded(store, key).rev
            with pytest.raises(Conflict):
                store.update(key, Change(set=entries(a="9"), clear=True, expect=unmet))
            assert texts(loaded(store, key)) == {"a": "1", "brief": "x"}
            assert loaded(store, key).rev == rev

        with pytest.raises(Conflict):
            store.update(key, Change(set=entries(a="9"), expect={"brief": ABSENT}))
        time.advance(10)
        with pytest.raises(Conflict):
            store.update(key, Change(set=entries(a="9"), expect={"brief": "x"}))
        store.update(key, Change(set=entries(a="2"), expect={"brief": ABSENT, "a": "1"}))
        assert texts(loaded(store, key)) == {"a": "2"}

    def test_expect_is_refused_where_it_cannot_be_held(self, store: SessionStore) -> None:
        if store.guarantees.conditional:
            pytest.skip("this store declares conditional writes")
        key = created(store, session({"a": "1"}))
        with pytest.raises(Unsupported):
            store.update(key, Change(set=entries(a="2"), expect={"a": "1"}))
        assert texts(loaded(store, key)) == {"a": "1"}

    def test_another_sessions_handle_is_refused(self, store: SessionStore) -> None:
        key = created(store, session({"a": "1"}))
        with pytest.raises(SessionGone):
            store.update(key, Change(set=entries(a="2"), rid="of another session"))
        assert texts(loaded(store, key)) == {"a": "1"}

        store.update(key, Change(set=entries(a="2"), rid=loaded(store, key).facts.rid))
        assert texts(loaded(store, key)) == {"a": "2"}

    def test_each_write_changes_the_revision_and_leaves_its_nonce(
        self, store: SessionStore
    ) -> None:
        key = created(store)
        seen = [loaded(store, key).rev]
        for change in (
            Change(set=entries(a="1"), nonce="n1"),
            Change(set=entries(a="1"), nonce="n2"),
            Change(idle=clock.now() + 50, nonce="n3"),
            Change(remove=frozenset({"never there"}), nonce="n4"),
        ):
            store.update(key, change)
            record = loaded(store, key)
            assert record.rev not in seen
            assert record.nonce == change.nonce
            seen.append(record.rev)
        assert loaded(store, key).rev == seen[-1]

    def test_a_record_up_to_the_limit_is_kept(self, store: SessionStore) -> None:
        limit = store.guarantees.max_bytes
        if limit is None:
            pytest.skip("this store declares no limit")
        text = "x" * (limit - len("a"))
        assert texts(loaded(store, created(store, session({"a": text})))) == {"a": text}
        with pytest.raises(SessionTooLarge, match=str(limit)):
            created(store, session({"aa": text}))

    def test_what_is_too_large_is_refused_whole(self, store: SessionStore) -> None:
        limit = store.guarantees.max_bytes or self.refused_bytes
        if limit is None:
            pytest.skip("nothing is too large for this store")
        part = "x" * (limit * 3 // 4)
        key, unborn = created(store, session({"a": part})), fresh_key()
        before = loaded(store, key)

        with pytest.raises(SessionTooLarge):
            store.create(unborn, session({"a": part, "b": part}))
        with pytest.raises(SessionTooLarge):
            store.update(key, Change(set=entries(b=part), remove=frozenset({"c"})))
        too_large = renewed(session({"a": part, "b": part}))
        new = key_beside(store, key)
        with pytest.raises(SessionTooLarge):
            store.rotate(key, new, too_large, before.rev, clock.now() + 10)

        assert_nothing_lives(store, unborn)
        assert_nothing_lives(store, new)
        assert loaded(store, key) == before
        store.update(key, Change(clear=True, set=entries(b=part), nonce=ids.draw_nonce()))
        assert texts(loaded(store, key)) == {"b": part}
