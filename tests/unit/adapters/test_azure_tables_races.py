"""Azure Tables: two operations, their requests in every order; and one that is cut off."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from serverless_sessions import clock, ids
from serverless_sessions.errors import Conflict, Moved, SessionGone
from serverless_sessions.sansio import Asking
from serverless_sessions.store import ABSENT, DELETED, Change, Record
from serverless_sessions.testing.cases.base import (
    created,
    entries,
    key_beside,
    loaded,
    renewed,
    session,
    texts,
)
from serverless_sessions.testing.clock import FrozenClock
from serverless_sessions_adapters._azure_requests import listing_prefix
from serverless_sessions_adapters.azure_tables import AzureTablesStore
from servers.azurite import Azurite
from support.azure import by_hand, empty_table
from support.interleaving import Stepped, cut_off_after, in_every_order


@pytest.fixture(scope="module")
def shared_store(azurite: Azurite) -> Iterator[AzureTablesStore]:
    with empty_table(azurite) as store:
        yield store


class Scene:
    """A session with a user and two keys, read by two requests at the same time."""

    def __init__(self, store: AzureTablesStore) -> None:
        self.store = store
        self.user = ids.draw_handle()
        self.key = created(store, session({"first": "1", "n": "0"}, user=self.user))
        self.seen = loaded(store, self.key)
        self.new = [key_beside(store, self.key) for _ in range(2)]

    def update(self, change: Change, *, blind: bool = False) -> Asking[object]:
        known = change if blind else change._replace(seen=self.seen.rev, rid=self.seen.facts.rid)
        return self.store.operations.update(
            self.key, known._replace(nonce=ids.draw_nonce(), idle=clock.now() + 999)
        )

    def rotate(self, which: int = 0, grace: int = 10) -> Asking[object]:
        until = clock.now() + grace
        return self.store.operations.rotate(
            self.key, self.new[which], renewed(self.seen), self.seen.rev, until
        )

    def delete(self) -> Asking[object]:
        return self.store.operations.delete(self.key)

    def follow(self, answer: object) -> object:
        while isinstance(answer, Moved):
            answer = self.store.delete(answer.to)
        return answer

    def living(self) -> dict[str, dict[str, str]]:
        found = {key: self.store.load(key) for key in (self.key, *self.new)}
        live = {key: texts(record) for key, record in found.items() if isinstance(record, Record)}
        assert self.listed() == set(live)
        return live

    def listed(self) -> set[str]:
        """As ``list_user``, by one query instead of sixteen."""
        prefix = listing_prefix(self.user)
        query = f"RowKey ge '{prefix}' and RowKey lt '{prefix}g' and ends gt {clock.now()}L"
        rows = self.store.client.client.query_entities(query)
        return {row["RowKey"].removeprefix(prefix) for row in rows}


Racing = Callable[[Scene], tuple[Asking[object], Asking[object]]]


def raced(store: AzureTablesStore, racing: Racing) -> Iterator[tuple[Scene, list[object]]]:
    scenes: list[Scene] = []

    def start() -> list[Stepped]:
        scenes.append(Scene(store))
        return by_hand(store, *racing(scenes[-1]))

    for outcomes in in_every_order(start):
        yield scenes[-1], outcomes
    assert len(scenes) > 1


@pytest.mark.parametrize("blind", [True, False])
def test_two_updates_both_survive(shared_store: AzureTablesStore, blind: bool) -> None:
    def racing(scene: Scene) -> tuple[Asking[object], Asking[object]]:
        return (
            scene.update(Change(set=entries(a="1"), remove=frozenset({"n"})), blind=blind),
            scene.update(Change(set=entries(b="2" * 20_000)), blind=not blind),
        )

    for scene, outcomes in raced(shared_store, racing):
        assert outcomes == [None, None]
        assert texts(loaded(shared_store, scene.key)) == {
            "first": "1",
            "a": "1",
            "b": "2" * 20_000,
        }


def test_a_clear_and_a_set_leave_one_after_the_other(shared_store: AzureTablesStore) -> None:
    def racing(scene: Scene) -> tuple[Asking[object], Asking[object]]:
        cleared = Change(clear=True, set=entries(a="1"))
        return scene.update(cleared), scene.update(Change(set=entries(b="2")))

    for scene, outcomes in raced(shared_store, racing):
        assert outcomes == [None, None]
        assert texts(loaded(shared_store, scene.key)) in ({"a": "1"}, {"a": "1", "b": "2"})


def test_one_of_two_that_expect_the_same_wins(shared_store: AzureTablesStore) -> None:
    def racing(scene: Scene) -> tuple[Asking[object], Asking[object]]:
        return (
            scene.update(Change(set=entries(n="1", by="a"), expect={"n": "0"})),
            scene.update(Change(set=entries(n="1", by="b"), expect={"n": "0"}), blind=True),
        )

    for scene, outcomes in raced(shared_store, racing):
        (winner,) = [by for by, outcome in zip("ab", outcomes, strict=True) if outcome is None]
        assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 1
        assert texts(loaded(shared_store, scene.key)) == {"first": "1", "n": "1", "by": winner}


@pytest.mark.parametrize("blind", [True, False])
def test_no_update_outlives_a_deletion(shared_store: AzureTablesStore, blind: bool) -> None:
    def racing(scene: Scene) -> tuple[Asking[object], Asking[object]]:
        return scene.update(Change(set=entries(a="1")), blind=blind), scene.delete()

    for scene, (updated, deleted) in raced(shared_store, racing):
        assert deleted is DELETED
        assert updated is None or isinstance(updated, SessionGone)
        assert scene.living() == {}


@pytest.mark.parametrize("blind", [True, False])
@pytest.mark.parametrize("grace", [0, 10])
def test_an_update_is_in_the_rotated_session_or_is_told(
    shared_store: AzureTablesStore, grace: int, blind: bool
) -> None:
    def racing(scene: Scene) -> tuple[Asking[object], Asking[object]]:
        update = scene.update(Change(set=entries(a="1")), blind=blind)
        return update, scene.rotate(grace=grace)

    told = Moved if grace else SessionGone
    for scene, (updated, rotated) in raced(shared_store, racing):
        if rotated is None:
            assert isinstance(updated, told)
            assert scene.living() == {scene.new[0]: {"first": "1", "n": "0"}}
        else:
            assert isinstance(rotated, Conflict)
            assert updated is None
            assert scene.living() == {scene.key: {"first": "1", "n": "0", "a": "1"}}


def test_a_log_out_ends_a_session_that_is_being_rotated(shared_store: AzureTablesStore) -> None:
    for scene, (rotated, deleted) in raced(
        shared_store, lambda scene: (scene.rotate(), scene.delete())
    ):
        assert rotated is None or isinstance(rotated, SessionGone)
        assert scene.follow(deleted) is DELETED
        assert scene.living() == {}


def test_one_of_two_rotations_wins(shared_store: AzureTablesStore) -> None:
    for scene, outcomes in raced(shared_store, lambda scene: (scene.rotate(0), scene.rotate(1))):
        (winner,) = [new for new, won in zip(scene.new, outcomes, strict=True) if won is None]
        assert sum(isinstance(outcome, Moved) for outcome in outcomes) == 1
        assert scene.living().keys() == {winner}
        assert scene.follow(shared_store.delete(scene.key)) is DELETED


def test_a_session_is_deleted_once(shared_store: AzureTablesStore) -> None:
    for scene, outcomes in raced(shared_store, lambda scene: (scene.delete(), scene.delete())):
        assert set(outcomes) == {DELETED, ABSENT}
        assert scene.living() == {}


def test_one_of_two_creations_wins(shared_store: AzureTablesStore) -> None:
    def racing(scene: Scene) -> tuple[Asking[object], Asking[object]]:
        create, key = scene.store.operations.create, scene.new[0]
        return create(key, session({"by": "a"})), create(key, session({"by": "b"}, user="b"))

    for scene, outcomes in raced(shared_store, racing):
        (winner,) = [by for by, outcome in zip("ab", outcomes, strict=True) if outcome is None]
        assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 1
        assert texts(loaded(shared_store, scene.new[0])) == {"by": winner}


def test_what_was_seen_long_ago_refuses_nothing(shared_store: AzureTablesStore) -> None:
    with FrozenClock() as time:
        key = created(shared_store, session({"n": "0"}, idle=10))
        seen = loaded(shared_store, key)
        shared_store.update(key, Change(set=entries(n="1"), idle=clock.now() + 100))
        time.advance(50)
        late = Change(set=entries(n="2"), expect={"n": "1"}, rid=seen.facts.rid, seen=seen.rev)
        shared_store.update(key, late)
        assert texts(loaded(shared_store, key)) == {"n": "2"}


def test_what_was_seen_elsewhere_leads_nowhere_else(shared_store: AzureTablesStore) -> None:
    here, elsewhere = created(shared_store), created(shared_store)
    seen = loaded(shared_store, elsewhere)
    shared_store.update(here, Change(set=entries(a="1"), seen=seen.rev))
    assert texts(loaded(shared_store, here)) == {"first": "1", "a": "1"}
    assert loaded(shared_store, elsewhere) == seen


OPERATIONS: dict[str, Callable[[Scene], Asking[object]]] = {
    "blind update": lambda scene: scene.update(Change(set=entries(a="1")), blind=True),
    "update": lambda scene: scene.update(Change(set=entries(a="1"))),
    "lost race": lambda scene: outdated(scene).update(Change(set=entries(a="1"))),
    "rotate": lambda scene: scene.rotate(),
    "lost rotation": lambda scene: outdated(scene).rotate(),
    "delete": lambda scene: scene.delete(),
}


def outdated(scene: Scene) -> Scene:
    scene.store.update(scene.key, Change(set=entries(n="1")))
    return scene


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_that_is_cut_off_was_carried_out_or_was_not(
    shared_store: AzureTablesStore, name: str
) -> None:
    """After any number of its requests, the next of which never comes."""
    states = []
    for requests in itertools.count():
        scene = Scene(shared_store)
        (operation,) = by_hand(shared_store, OPERATIONS[name](scene))
        is_over = not cut_off_after(requests, operation)
        place = {scene.key: "old", scene.new[0]: "new"}
        states.append({place[key]: kept for key, kept in scene.living().items()})
        if is_over:
            break
    before, after = states[0], states[-1]
    assert (before == after) == (name == "lost rotation")
    carried_out = states.index(after)
    assert states == [before] * carried_out + [after] * (len(states) - carried_out)
