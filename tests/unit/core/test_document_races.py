"""A document store's operations against each other, and cut off between any two requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from serverless_sessions import clock
from serverless_sessions.document import DocumentStore
from serverless_sessions.errors import Conflict, Moved, SessionGone, StoreUnavailable
from serverless_sessions.sansio import Asking
from serverless_sessions.store import (
    ABSENT,
    DELETED,
    EXPIRED,
    MARKER_SECONDS,
    TTL_LAG_SECONDS,
    Change,
    Record,
    SessionStore,
)
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
from serverless_sessions.values import UNDEFINED, devalue
from support.documents import MemoryDocuments
from support.interleaving import PAUSED, Stepped, cut_off_after, in_every_order

LONG_AFTER = MARKER_SECONDS + TTL_LAG_SECONDS + 1
FIRST = {"first": "1"}


class Unhurried(MemoryDocuments):
    """Nobody waits in it; what is past its expiry is removed, as a backend may; and a reply can
    be lost."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: dict[str, int] = {}
        self.loses_reply_of = 0

    def get(self, key: str) -> tuple[str, int] | None:
        if self.ends.get(key, clock.now() + 1) <= clock.now():
            self.texts.pop(key, None)
        return super().get(key)

    def put(self, key: str, text: str, *, if_version: Any, expires: int | None) -> int:
        version = super().put(key, text, if_version=if_version, expires=expires)
        assert expires is not None
        self.ends[key] = expires
        self._lose_reply()
        return version

    def remove(self, key: str) -> None:
        super().remove(key)
        self._lose_reply()

    def pause(self, seconds: float) -> Any:
        return PAUSED

    def astro_sets(self, key: str, name: str, value: object) -> None:
        """As Astro does after a blind ``set``: it reads and writes at the end of its request."""
        found = self.texts.get(key)
        stored = devalue.loads(found[0]) if found is not None else devalue.loads('[["Map"]]')
        stored[name] = {"data": value, "expires": UNDEFINED}
        self.texts[key] = devalue.dumps(stored), next(self._versions)

    def astro_regenerates(self, key: str, new: str) -> None:
        """All that is there, our facts among it, goes under an id that Astro has drawn."""
        self.texts[new] = self.texts.pop(key)
        self.ends.pop(key, None)

    def _lose_reply(self) -> None:
        self.loses_reply_of -= 1
        if self.loses_reply_of == 0:
            raise StoreUnavailable("the reply was lost")


@pytest.fixture
def documents() -> Unhurried:
    return Unhurried()


@pytest.fixture(params=[True, False], ids=["adopts", "adopts nothing"])
def store(documents: Unhurried, request: pytest.FixtureRequest) -> DocumentStore:
    return DocumentStore(documents, adopts=request.param)


@pytest.fixture(autouse=True)
def time() -> Iterator[FrozenClock]:
    with FrozenClock() as time:
        yield time


class Race:
    """Operations begun anew for each order of their requests."""

    def __init__(self, store: DocumentStore) -> None:
        self.store = store
        self.orders = 0

    def run(
        self,
        begin: Callable[[str], list[Asking[Any]]],
        check: Callable[..., None],
        key: Callable[[SessionStore], str] = created,
    ) -> None:
        def start() -> list[Stepped]:
            self.key = key(self.store)
            return [Stepped(self.store.documents, asking) for asking in begin(self.key)]

        for outcomes in in_every_order(start):
            self.orders += 1
            check(*outcomes)
        assert self.orders > 2


@pytest.fixture
def race(store: DocumentStore) -> Race:
    return Race(store)


def update(store: DocumentStore, key: str, **by_name: str) -> Asking[None]:
    return store.operations.update(key, Change(set=entries(**by_name)))


def test_two_updates_of_different_keys_both_survive(store: DocumentStore, race: Race) -> None:
    def check(*outcomes: object) -> None:
        assert outcomes == (None, None)
        assert texts(loaded(store, race.key)) == {**FIRST, "a": "1", "b": "2"}

    race.run(lambda key: [update(store, key, a="1"), update(store, key, b="2")], check)


def test_one_of_two_compare_and_sets_wins(store: DocumentStore, race: Race) -> None:
    def begin(key: str) -> list[Asking[None]]:
        changes = [Change(set=entries(first=f"{n}"), expect=FIRST, nonce=f"{n}") for n in (2, 3)]
        return [store.operations.update(key, change) for change in changes]

    def check(*outcomes: object) -> None:
        (winner,) = [n for n, outcome in enumerate(outcomes, 2) if outcome is None]
        assert any(isinstance(outcome, Conflict) for outcome in outcomes)
        assert texts(loaded(store, race.key)) == {"first": str(winner)}

    race.run(begin, check)


def test_no_update_outlives_a_deletion(store: DocumentStore, race: Race) -> None:
    def check(updated: object, deleted: object) -> None:
        assert updated is None or isinstance(updated, SessionGone)
        assert deleted is DELETED
        assert race.key not in store.documents.texts  # type: ignore[attr-defined]

    race.run(lambda key: [update(store, key, a="1"), store.operations.delete(key)], check)


def read_and_rotate(store: DocumentStore, key: str, new: str, grace: int) -> Asking[None]:
    found = yield from store.operations.load(key)
    assert isinstance(found, Record)
    yield from store.operations.rotate(key, new, renewed(found), found.rev, clock.now() + grace)


@pytest.mark.parametrize("grace", [0, 10])
def test_an_update_is_in_the_rotated_record_or_is_refused(
    store: DocumentStore, race: Race, grace: int
) -> None:
    targets: list[str] = []

    def begin(key: str) -> list[Asking[None]]:
        targets.append(fresh_key())
        return [update(store, key, a="1"), read_and_rotate(store, key, targets[-1], grace)]

    def check(updated: object, turned: object) -> None:
        if turned is None:
            assert updated is None or isinstance(updated, Moved if grace else SessionGone)
            expected = {**FIRST, **({"a": "1"} if updated is None else {})}
            assert texts(loaded(store, targets[-1])) == expected
            assert isinstance(store.delete(race.key), Moved)
        else:
            assert isinstance(turned, Conflict)
            assert updated is None
            assert texts(loaded(store, race.key)) == {**FIRST, "a": "1"}
            assert store.load(targets[-1]) is None

    race.run(begin, check)


def test_a_log_out_ends_a_session_that_is_being_rotated(store: DocumentStore, race: Race) -> None:
    targets: list[str] = []

    def begin(key: str) -> list[Asking[Any]]:
        targets.append(fresh_key())
        return [store.operations.delete(key), read_and_rotate(store, key, targets[-1], 10)]

    def check(deleted: object, turned: object) -> None:
        if isinstance(deleted, Moved):
            assert turned is None
            assert store.delete(deleted.to) is DELETED
        else:
            assert deleted is DELETED
            assert isinstance(turned, SessionGone | AssertionError)
        assert store.load(targets[-1]) is None
        assert not isinstance(store.load(race.key), Record)

    def seen_first(key: str) -> list[Asking[Any]]:
        targets.append(fresh_key())
        seen = loaded(store, key)
        rotation = store.operations.rotate(
            key, targets[-1], renewed(seen), seen.rev, clock.now() + 10
        )
        return [store.operations.delete(key), rotation]

    race.run(seen_first, check)


def test_a_log_out_that_follows_the_marker_ends_a_rotation_before_its_last_step(
    store: DocumentStore, documents: Unhurried
) -> None:
    for steps in range(4):
        key, new = created(store), fresh_key()
        seen = loaded(store, key)
        asking = store.operations.rotate(key, new, renewed(seen), seen.rev, clock.now() + 10)
        rotation = Stepped(documents, asking)
        for _ in range(steps):
            rotation.step()
        answer = store.delete(key)
        if isinstance(answer, Moved):
            store.delete(answer.to)
        rotation.finish()
        assert not isinstance(store.load(key), Record)
        assert not isinstance(store.load(new), Record)


def test_one_of_two_rotations_wins(store: DocumentStore, race: Race) -> None:
    targets: list[str] = []

    def begin(key: str) -> list[Asking[None]]:
        targets[:] = fresh_key(), fresh_key()
        seen = loaded(store, key)
        return [
            store.operations.rotate(key, new, renewed(seen), seen.rev, clock.now() + 10)
            for new in targets
        ]

    def check(*outcomes: object) -> None:
        (winner,) = [new for new, won in zip(targets, outcomes, strict=True) if won is None]
        (loser,) = [new for new in targets if new != winner]
        assert any(isinstance(outcome, Moved) for outcome in outcomes)
        assert store.load(loser) is None
        assert texts(loaded(store, winner)) == FIRST

    race.run(begin, check)


def test_one_of_two_creations_over_a_dead_session_wins(
    store: DocumentStore, race: Race, time: FrozenClock
) -> None:
    def dead(store: SessionStore) -> str:
        key = created(store, session({"dead": "1"}, idle=1))
        time.advance(1)
        return key

    def check(*outcomes: object) -> None:
        (winner,) = [n for n, outcome in enumerate(outcomes) if outcome is None]
        assert any(isinstance(outcome, Conflict) for outcome in outcomes)
        assert texts(loaded(store, race.key)) == {"by": str(winner)}

    records = session({"by": "0"}), session({"by": "1"})
    race.run(lambda key: [store.operations.create(key, r) for r in records], check, dead)


def test_a_session_is_deleted_by_at_least_one_of_two(store: DocumentStore, race: Race) -> None:
    def check(*outcomes: object) -> None:
        assert DELETED in outcomes
        assert set(outcomes) == {DELETED, ABSENT}
        assert race.key not in store.documents.texts  # type: ignore[attr-defined]

    race.run(lambda key: [store.operations.delete(key) for _ in range(2)], check)


@pytest.mark.parametrize("reads_at_once", [True, False])
def test_a_rotation_cut_off_leaves_one_session_for_good(
    store: DocumentStore, documents: Unhurried, time: FrozenClock, reads_at_once: bool
) -> None:
    requests, more = 0, True
    while more:
        key, new = (
            created(store, session(absolute=10 * LONG_AFTER, idle=10 * LONG_AFTER)),
            fresh_key(),
        )
        seen = loaded(store, key)
        record, until = renewed(seen), clock.now() + 10
        asking = store.operations.rotate(key, new, record, seen.rev, until)
        more = cut_off_after(requests, Stepped(documents, asking))
        requests += 1
        turned = isinstance(store.load(key), Moved)
        if reads_at_once or not turned:
            alive = [k for k in (key, new) if isinstance(store.load(k), Record)]
            assert alive == [new if turned else key]
            time.advance(LONG_AFTER)
            assert texts(loaded(store, alive[0])) == FIRST
        else:
            with suppress(Conflict):
                store.rotate(key, new, record, seen.rev, until)
            assert texts(loaded(store, new)) == FIRST
    assert requests == 4


def test_a_rotation_that_lost_any_reply_is_finished_by_its_repetition(
    store: DocumentStore, documents: Unhurried
) -> None:
    for lost in (1, 2):
        key, new = created(store), fresh_key()
        seen = loaded(store, key)
        record, until = renewed(seen), clock.now() + 10
        documents.loses_reply_of = lost
        with pytest.raises(StoreUnavailable):
            store.rotate(key, new, record, seen.rev, until)
        store.rotate(key, new, record, seen.rev, until)
        store.rotate(key, new, record, seen.rev, until)
        assert texts(loaded(store, new)) == FIRST
        moved = store.load(key)
        assert isinstance(moved, Moved)
        assert moved.to == new
    documents.loses_reply_of = 3
    key, new = created(store), fresh_key()
    documents.loses_reply_of = 3
    seen = loaded(store, key)
    store.rotate(key, new, renewed(seen), seen.rev, clock.now() + 10)
    assert texts(loaded(store, new)) == FIRST


def test_a_deletion_cut_off_is_finished_by_its_repetition(
    store: DocumentStore, documents: Unhurried
) -> None:
    requests, more = 0, True
    while more:
        key = created(store)
        more = cut_off_after(requests, Stepped(documents, store.operations.delete(key)))
        requests += 1
        assert isinstance(store.load(key), Record) == (requests <= 2)
        if requests > 2:
            with pytest.raises(SessionGone):
                store.update(key, Change(set=entries(a="1")))
        store.delete(key)
        assert key not in documents.texts
    assert requests == 4


def test_what_a_change_did_before_its_reply_was_lost_is_not_done_again(
    store: DocumentStore, documents: Unhurried
) -> None:
    key = created(store)
    change = Change(set=entries(first="2"), expect=FIRST, nonce="mine")
    documents.loses_reply_of = 1
    with pytest.raises(StoreUnavailable):
        store.update(key, change)
    asked = len(documents.asked)
    store.update(key, change)
    assert documents.asked[asked:] == ["get"]
    assert texts(loaded(store, key)) == {"first": "2"}

    record, key = session(), fresh_key()
    documents.loses_reply_of = 1
    with pytest.raises(StoreUnavailable):
        store.create(key, record)
    store.create(key, record)


def test_a_change_that_is_always_too_late_says_so(
    store: DocumentStore, documents: Unhurried, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = created(store)
    monkeypatch.setattr(documents, "pause", lambda seconds: None)
    put = documents.put

    def put_second(key: str, text: str, **conditions: Any) -> int:
        documents.astro_sets(key, "theirs", "first")
        return put(key, text, **conditions)

    monkeypatch.setattr(documents, "put", put_second)
    with clock.call_limit(0.05), pytest.raises(Conflict, match="until time was up"):
        store.update(key, Change(set=entries(a="1")))
    assert texts(loaded(store, key)) == {**FIRST, "theirs": '["first"]'}


def test_no_change_of_ours_loses_what_astro_wrote_meanwhile(
    store: DocumentStore, documents: Unhurried
) -> None:
    for steps in range(2):
        key = created(store)
        changing = Stepped(documents, update(store, key, a="1"))
        for _ in range(steps):
            changing.step()
        documents.astro_sets(key, "theirs", True)
        assert changing.finish() is None
        assert texts(loaded(store, key)) == {**FIRST, "theirs": "[true]", "a": "1"}


@pytest.mark.parametrize("steps", range(4))
def test_what_astro_does_to_a_rotated_or_destroyed_session_revives_nothing(
    store: DocumentStore, documents: Unhurried, time: FrozenClock, steps: int
) -> None:
    """A blind ``set`` of its finds the marker, and keeps it beside what it sets."""
    key, new = created(store), fresh_key()
    seen = loaded(store, key)
    asking = store.operations.rotate(key, new, renewed(seen), seen.rev, clock.now())
    rotation = Stepped(documents, asking)
    for _ in range(steps):
        rotation.step()
    documents.astro_sets(key, "late", 1)
    outcome = rotation.finish()
    if steps < 2:
        assert isinstance(outcome, Conflict)
        assert texts(loaded(store, key)) == {**FIRST, "late": "[1]"}
        assert store.load(new) is None
    else:
        assert outcome is None
        assert store.load(key) is None
        assert texts(loaded(store, new)) == FIRST
        time.advance(LONG_AFTER)
        assert store.load(key) is None


@pytest.mark.parametrize("steps", [2, 3])
def test_a_session_that_astro_regenerates_lives_on_though_our_rotation_lost_its_last_step(
    store: DocumentStore, documents: Unhurried, steps: int
) -> None:
    key, new, astros = created(store), fresh_key(), fresh_key()
    seen = loaded(store, key)
    asking = store.operations.rotate(key, new, renewed(seen), seen.rev, clock.now())
    assert cut_off_after(steps, Stepped(documents, asking)) is (steps == 2)
    documents.astro_regenerates(new, astros)
    assert texts(loaded(store, astros)) == FIRST
    store.update(astros, Change(set=entries(a="1")))
    assert texts(loaded(store, astros)) == {**FIRST, "a": "1"}


def test_what_has_expired_is_told_and_stays_dead_past_its_marker(
    store: DocumentStore, time: FrozenClock
) -> None:
    key, new = created(store, session(idle=10)), fresh_key()
    old = created(store)
    seen = loaded(store, old)
    store.rotate(old, new, renewed(seen), seen.rev, clock.now())
    time.advance(MARKER_SECONDS)
    assert store.load(key) in (None, EXPIRED)
    assert store.load(old) is None
    with pytest.raises(SessionGone):
        store.update(old, Change(set=entries(a="1")))
