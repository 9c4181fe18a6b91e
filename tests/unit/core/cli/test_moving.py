"""What a move carries over, what it leaves, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from serverless_sessions import clock, ids
from serverless_sessions.cli.journal import Journal
from serverless_sessions.cli.moving import BATCH, Move, Tally, refuse_unlike
from serverless_sessions.cli.verifying import verify
from serverless_sessions.errors import ConfigurationError, SessionGone
from serverless_sessions.memory import MemoryStore
from serverless_sessions.store import Change, Entry, Found, Record, SessionStore
from serverless_sessions.testing.cases.base import (
    created,
    entries,
    loaded,
    rotated,
    session,
    texts,
)
from serverless_sessions.testing.clock import FrozenClock
from serverless_sessions_adapters.file import FileStore
from serverless_sessions_adapters.sqlite import SqliteStore


@pytest.fixture
def source() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def target() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def journal() -> Iterator[Journal]:
    journal = Journal(None)
    yield journal
    journal.close()


@pytest.fixture
def move(source: MemoryStore, target: MemoryStore, journal: Journal) -> Move:
    return Move(source, target, journal)


def write(store: SessionStore, key: str, **by_name: str) -> None:
    store.update(key, Change(set=entries(**by_name), nonce=ids.draw_nonce()))


def same(a: Record, b: Record) -> bool:
    return a._replace(rev=None) == b._replace(rev=None)


def test_a_copy_is_the_record_with_its_key_deadlines_user_and_sealed_values(
    move: Move, source: MemoryStore, target: MemoryStore
) -> None:
    record = session({"cart": "sealed"}, idle=50, absolute=70, user="jo")
    short = {"short": Entry("sealed, too", clock.now() + 30)}
    key = created(source, record._replace(entries={**record.entries, **short}))
    assert move.run() == Tally(copied=1)
    assert same(loaded(target, key), loaded(source, key))
    assert target.list_user("jo") == [key]


def test_what_was_not_changed_is_not_looked_at_again(
    move: Move, source: MemoryStore, target: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [created(source) for _ in range(3)]
    move.run()
    write(source, keys[0], first="2")
    looked_at, load = [], target.load

    def noting(key: str) -> Found:
        looked_at.append(key)
        return load(key)

    monkeypatch.setattr(target, "load", noting)
    assert move.run() == Tally(updated=1, unchanged=2)
    assert looked_at == keys[:1]
    assert texts(loaded(target, keys[0])) == {"first": "2"}


def test_what_a_killed_run_meant_to_carry_over_is_carried_over_by_the_next(
    move: Move, source: MemoryStore, target: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = created(source)
    move.run()
    write(source, key, first="2")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(target, "update", killed)
        with pytest.raises(KeyboardInterrupt):
            move.run()
    assert move.preview() == move.run() == Tally(updated=1)
    assert texts(loaded(target, key)) == {"first": "2"}


def test_an_entry_that_was_removed_goes_and_a_touch_is_carried_over(
    move: Move, source: MemoryStore, target: MemoryStore
) -> None:
    key = created(source, session({"a": "1", "b": "2"}))
    move.run()
    later = loaded(source, key).idle + 5
    source.update(key, Change(remove=frozenset({"a"}), idle=later, nonce="n"))
    move.run()
    assert texts(loaded(target, key)) == {"b": "2"}
    assert loaded(target, key).idle == later


def test_an_entry_that_the_target_has_written_stays_beside_those_of_the_source(
    move: Move, source: MemoryStore, target: MemoryStore
) -> None:
    key = created(source, session({"a": "1", "b": "1"}))
    move.run()
    write(target, key, a="of the target")
    write(source, key, a="of the source", b="of the source")
    assert move.run() == Tally(updated=1)
    assert texts(loaded(target, key)) == {"a": "of the target", "b": "of the source"}
    write(source, key, a="later")
    assert move.run() == Tally(kept=1)
    assert texts(loaded(target, key))["a"] == "of the target"


def test_what_the_target_writes_while_it_is_merged_stays(
    source: MemoryStore, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = MemoryStore()
    key = created(source, session({"a": "1", "b": "1"}))
    move = Move(source, target, journal)
    move.run()
    write(source, key, a="2", b="2")
    update = target.update

    def first_others(at: str, change: Change) -> None:
        monkeypatch.setattr(target, "update", update)
        write(target, key, a="theirs", c="theirs")
        update(at, change)

    monkeypatch.setattr(target, "update", first_others)
    move.run()
    assert texts(loaded(target, key)) == {"a": "theirs", "b": "2", "c": "theirs"}


def test_a_session_destroyed_at_the_source_ends_in_the_target_and_wherever_it_went_there(
    move: Move, source: MemoryStore, target: MemoryStore
) -> None:
    key, moved_on = created(source), created(source)
    move.run()
    new = rotated(target, moved_on)
    for gone in (key, moved_on):
        source.delete(gone)
    assert move.run() == Tally(ended=2)
    assert not dict(target.scan())
    assert target.load(new) is None


def test_a_session_destroyed_in_the_target_is_not_copied_again(
    move: Move, source: MemoryStore, target: MemoryStore
) -> None:
    key = created(source)
    move.run()
    target.delete(key)
    write(source, key, first="2")
    assert move.run() == Tally(ended=1)
    assert move.run().copied == 0
    assert target.load(key) is None


def test_a_session_rotated_at_the_source_is_in_the_target_under_its_new_key_alone(
    move: Move, source: MemoryStore, target: MemoryStore
) -> None:
    old = created(source)
    move.run()
    new = rotated(source, old, grace=30)
    move.run()
    assert list(dict(target.scan())) == [new]
    with pytest.raises(SessionGone):
        write(target, old, first="2")


def test_what_has_expired_is_not_copied_and_does_not_end_what_is_used_in_the_target(
    move: Move, source: MemoryStore, target: MemoryStore
) -> None:
    with FrozenClock() as time:
        key = created(source, session(idle=100))
        move.run()
        created(source, session(idle=50))
        target.update(key, Change(idle=clock.now() + 1000, nonce="n"))
        time.advance(200)
        assert move.run() == Tally(expired=1)
        assert dict(target.scan()).keys() == {key}


def test_a_copy_that_expired_while_the_source_went_on_is_made_again(
    move: Move, source: MemoryStore, target: MemoryStore
) -> None:
    with FrozenClock() as time:
        key = created(source, session(idle=100))
        move.run()
        source.update(key, Change(idle=clock.now() + 1000, nonce="n"))
        time.advance(200)
        target.purge()
        assert move.run() == Tally(copied=1)
        assert same(loaded(target, key), loaded(source, key))


def test_of_two_sessions_with_one_trusted_id_the_one_that_began_later_stays(
    move: Move, source: MemoryStore, target: MemoryStore
) -> None:
    with FrozenClock() as time:
        key = created(source, session({"a": "first"}))
        move.run()
        source.delete(key)
        time.advance(1)
        source.create(key, session({"a": "second"}))
        move.run()
        assert texts(loaded(target, key)) == {"a": "second"}
        target.delete(key)
        time.advance(1)
        target.create(key, session({"a": "third"}))
        write(source, key, a="second still")
        move.run()
        assert texts(loaded(target, key)) == {"a": "third"}


def test_without_its_journal_a_move_takes_the_record_that_was_used_last(
    source: MemoryStore, target: MemoryStore
) -> None:
    older, newer = created(source), created(source)
    Move(source, target, Journal(None)).run()
    for store, key in ((source, newer), (target, older)):
        change = Change(set=entries(first="2"), idle=loaded(store, key).idle + 9, nonce="n")
        store.update(key, change)
    Move(source, target, Journal(None)).run()
    assert [texts(loaded(target, key)) for key in (older, newer)] == [{"first": "2"}] * 2


def test_a_session_too_large_for_the_target_is_told_and_tried_again(
    source: MemoryStore, journal: Journal
) -> None:
    small, large = created(source), created(source, session({"big": "x" * 500}))
    target = MemoryStore(max_bytes=100)
    for expected in (Tally(copied=1, too_large=1), Tally(unchanged=1, too_large=1)):
        assert Move(source, target, journal).run() == expected
    assert dict(target.scan()).keys() == {small}
    assert isinstance(source.load(large), Record)


def test_a_source_that_has_lost_everything_does_not_empty_the_target(
    source: MemoryStore, target: MemoryStore, journal: Journal
) -> None:
    for _ in range(100):
        created(source)
    Move(source, target, journal).run()
    with pytest.raises(ConfigurationError, match="none of the 100 sessions"):
        Move(MemoryStore(), target, journal).run()
    assert len(dict(target.scan())) == 100


def test_a_preview_writes_nothing(move: Move, source: MemoryStore, target: MemoryStore) -> None:
    keys = [created(source) for _ in range(3)]
    assert move.preview() == Tally(copied=3)
    assert not dict(target.scan())
    move.run()
    write(source, keys[0], first="2")
    source.delete(keys[1])
    before = dict(target.scan())
    assert move.preview() == Tally(updated=1, unchanged=1, ended=1)
    assert dict(target.scan()) == before


def test_what_a_copy_lost_or_got_wrong_is_found(
    move: Move, source: MemoryStore, target: MemoryStore, journal: Journal
) -> None:
    keys = {created(source) for _ in range(4)}
    move.run()
    whole = verify(source, target, journal)
    assert (whole.good, whole.checked, whole.rewritten) == (True, 4, 0)
    lost, altered, used, _ = sorted(keys)
    target.delete(lost)
    record = loaded(target, altered)
    target.delete(altered)
    target.create(altered, record._replace(entries=entries(first="other")))
    write(target, used, first="2")
    found = verify(source, target, journal)
    assert found.missing == [loaded(source, lost).facts.rid]
    assert found.differing == [loaded(source, altered).facts.rid]
    assert (found.checked, found.rewritten, found.good) == (3, 1, False)


def test_the_journal_holds_no_value_and_is_for_its_owner(tmp_path: Path) -> None:
    source, path = MemoryStore(), tmp_path / "new" / "journal.db"
    created(source, session({"secret": "the value of it"}, user="somebody"))
    journal = Journal(path)
    Move(source, MemoryStore(), journal).run()
    journal.close()
    assert path.stat().st_mode & 0o777 == 0o600
    content = path.read_bytes()
    assert b"secret" in content
    assert b"the value of it" not in content
    assert b"somebody" not in content


def test_stores_of_unlike_layouts_are_refused(tmp_path: Path, source: MemoryStore) -> None:
    with pytest.raises(ConfigurationError, match="Astro's layout"):
        refuse_unlike(source, FileStore(tmp_path))
    with pytest.raises(ConfigurationError, match="Astro's layout"):
        refuse_unlike(FileStore(tmp_path), source)
    refuse_unlike(FileStore(tmp_path), FileStore(tmp_path / "other"))


def test_nothing_is_lost_while_functions_write_as_fast_as_they_can(tmp_path: Path) -> None:
    source, target = SqliteStore(tmp_path / "a.db"), SqliteStore(tmp_path / "b.db")
    journal, stop = Journal(None), Event()
    keys = [created(source, session({"n": "0"})) for _ in range(BATCH + 50)]
    last = dict.fromkeys(keys, "0")
    dead: set[str] = set()

    def use(mine: list[str]) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            key = mine[number * 7 % len(mine)]
            if key in dead:
                continue
            if number % 23 == 0:
                source.delete(key)
                dead.add(key)
            else:
                write(source, key, n=str(number))
                last[key] = str(number)

    threads = [Thread(target=use, args=(keys[n::2],)) for n in range(2)]
    for thread in threads:
        thread.start()
    move = Move(source, target, journal)
    try:
        for _ in range(3):
            move.run()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    move.run()
    assert {k: texts(r)["n"] for k, r in target.scan()} == {
        key: last[key] for key in keys if key not in dead
    }
    assert len(dead) > 0
    for closed in (source, target, journal):
        closed.close()
