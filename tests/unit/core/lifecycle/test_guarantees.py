"""The guarantees, each by its name: lost updates, dead sessions, expiry, rotation, cost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from serverless_sessions import (
    MemoryStore,
    SessionConfig,
    SessionManager,
    SessionStore,
    SessionTooLarge,
    ids,
)
from serverless_sessions.arrival import Request
from serverless_sessions.store import Change, Entry
from serverless_sessions.testing.browser import Browser, Driver, settled
from serverless_sessions.testing.clock import FrozenClock
from serverless_sessions.testing.watched import WatchedStore
from support.failures import down, once
from support.scenes import GRACE, IDLE, INTENTS, SITUATIONS, Scene


async def set_x(session: Any) -> None:
    await settled(session.get("a"))
    session.set("x", 1)


async def set_y(session: Any) -> None:
    await settled(session.get("a"))
    session.set("y", 1)


async def increment(session: Any) -> None:
    await settled(session.modify("n", lambda n: n + 1, 0))


def test_guarantee_1_two_requests_that_change_different_keys_both_survive(live: Scene) -> None:
    live.reads_first, live.meanwhile = True, set_y
    live.play(set_x)
    assert live.stored() == "a=1 l=[1] x=1 y=1"


def test_guarantee_1_different_keys_survive_across_a_rotation_within_its_grace(live: Scene) -> None:
    live.reads_first, live.meanwhile = True, set_y
    live.play(INTENTS["set,regenerate"])
    assert live.stored() == "a=1 b=2 l=[1] y=1"


def test_guarantee_1_of_one_key_the_last_writer_wins_whole(live: Scene) -> None:
    async def first(session: Any) -> None:
        session.set("l", ["first"] * 3)

    async def last(session: Any) -> None:
        session.set("l", ["last"])

    live.reads_first, live.meanwhile = True, first
    live.play(last)
    assert live.stored() == "a=1 l=['last']"


def test_guarantee_1_no_increment_is_lost_among_sixteen_threads(driver: Driver) -> None:
    manager = SessionManager(MemoryStore(), SessionConfig())
    client = Browser(manager, driver)
    client.request(set_x)

    def work(name: str) -> None:
        async def own_key(session: Any) -> None:
            session.set(name, 1)

        for _ in range(10):
            client.twin().request(increment)
        client.twin().request(own_key)

    in_threads([partial(work, f"key{n}") for n in range(16)])
    found = client.request(contents)
    assert found.pop("n") == 160
    assert found == {"x": 1, **{f"key{n}": 1 for n in range(16)}}


def in_threads(works: list[Callable[[], Any]]) -> None:
    failures: list[BaseException] = []

    def guarded(work: Callable[[], Any]) -> None:
        try:
            work()
        except BaseException as failure:  # noqa: BLE001  (shown by the assertion below)
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


async def contents(session: Any) -> dict[str, Any]:
    return dict(await settled(session.items()))


@pytest.mark.parametrize("intent", list(INTENTS))
def test_guarantee_2_dead_stays_dead(live: Scene, intent: str) -> None:
    """What a request does to a session that another one destroyed leaves nothing under it."""
    destroyed = ids.stored_key(live.client.id)
    live.reads_first, live.meanwhile = True, INTENTS["destroy"]
    live.play(INTENTS[intent])
    assert destroyed not in dict(live.store.inner.scan())


@pytest.mark.parametrize("intent", list(INTENTS))
def test_guarantee_2_a_session_that_expires_under_a_request_stays_dead(
    live: Scene, intent: str
) -> None:
    async def wait(_: Any) -> None:
        live.clock.advance(IDLE)

    expired = ids.stored_key(live.client.id)
    live.reads_first, live.meanwhile = True, wait
    live.play(INTENTS[intent])
    left = dict(live.store.inner.scan())
    assert expired not in left
    assert all("a" not in record.entries for record in left.values())


def test_guarantee_2_a_log_out_that_races_saves_leaves_no_record() -> None:
    for _ in range(50):
        store = MemoryStore()
        client = Browser(SessionManager(store, SessionConfig()))
        client.request(set_x)
        acts = [INTENTS["destroy"], set_y, increment, INTENTS["regenerate"], INTENTS["get"]]
        twins = [client.twin() for _ in acts]
        in_threads([partial(twin.request, act) for twin, act in zip(twins, acts, strict=True)])
        owners = {ids.stored_key(twin.id) for twin in twins if twin.set_cookie == "new"}
        left = dict(store.scan())
        assert ids.stored_key(client.id) not in left
        assert set(left) <= owners, "a record stayed that no cookie opens"
        assert all("a" not in record.entries for record in left.values())


@pytest.mark.parametrize("step", ["load", "rotate"])
@pytest.mark.parametrize("side", ["before", "after"])
def test_guarantee_2_a_log_out_at_any_moment_of_a_rotation_ends_the_session(
    live: Scene, step: str, side: str
) -> None:
    other = Browser(live.manager, "sync", live.client.id)
    invocation = live.manager.begin(Request.with_cookies(f"{live.config.cookie_name}={other.id}"))

    def log_out() -> None:
        live.store.before = live.store.after = lambda _: None
        invocation.session.destroy()
        invocation.finish(failed=False)

    setattr(live.store, side, once(log_out, step))
    live.play(INTENTS["regenerate"])
    assert dict(live.store.inner.scan()) == {}
    assert live.stored() == "-"


@pytest.mark.parametrize("rotation", ["regenerate", "bind-alice", "unbind"])
@pytest.mark.parametrize("looks", ["before", "after"])
def test_guarantee_2_a_log_out_that_looked_and_found_nothing_still_ends_the_rotated_session(
    live: Scene, rotation: str, looks: str
) -> None:
    """The other request has the new id already; this one came with the old one, and reads or
    writes before it logs out."""

    async def log_out(session: Any) -> None:
        if looks == "before":
            await settled(session.get("a"))
        other = live.client.twin()
        await other.send(INTENTS[rotation])
        others.append(other)
        live.clock.advance(GRACE)
        await settled(session.modify("n", lambda n: n + 1, 0))
        session.destroy()

    others: list[Browser] = []
    live.client.twin().request(log_out)
    assert others[0].request(contents) == {}
    assert dict(live.store.inner.scan()) == {}


def test_guarantee_3_a_session_lives_to_the_second_before_its_idle_timeout(live: Scene) -> None:
    live.clock.advance(IDLE - 1)
    assert live.stored() == "a=1 l=[1]"


def test_guarantee_3_a_session_is_dead_at_its_idle_timeout(live: Scene) -> None:
    live.clock.advance(IDLE)
    assert live.stored() == "-"


def test_guarantee_3_use_moves_the_idle_deadline_at_most_once_in_touch_every(live: Scene) -> None:
    for seconds, calls in ((99, ["load"]), (1, ["load", "update"]), (99, ["load"])):
        live.clock.advance(seconds)
        live.store.calls.clear()
        live.client.request(INTENTS["get"])
        assert live.store.calls == calls
    live.clock.advance(IDLE - 100)
    assert live.stored() == "a=1 l=[1]"


def test_guarantee_3_a_session_may_end_a_touch_interval_early_and_never_late(live: Scene) -> None:
    live.clock.advance(99)
    live.client.request(INTENTS["get"])
    live.clock.advance(IDLE - 99)
    assert live.stored() == "-"


def test_guarantee_3_no_activity_passes_the_absolute_timeout(driver: Driver) -> None:
    with FrozenClock() as clock:
        scene = Scene(driver, clock)
        scene.manager.config = scene.config.changed(absolute_timeout=3 * IDLE)
        SITUATIONS["live"](scene)
        for _ in range(5):
            clock.advance(IDLE // 2)
            scene.client.request(INTENTS["set"])
            scene.client.request(INTENTS["regenerate"])
        clock.advance(IDLE // 2 - 1)
        assert scene.stored() == "a=1 b=2 l=[1]"
        clock.advance(1)
        assert scene.stored() == "-"


def test_guarantee_3_a_touch_that_would_prolong_nothing_is_not_made(scene: Scene) -> None:
    scene.manager.config = scene.config.changed(absolute_timeout=IDLE // 2)
    SITUATIONS["touch-due"](scene)
    scene.play(INTENTS["get"])
    assert scene.store.calls == ["load"]


def test_guarantee_3_a_failed_touch_is_an_event_and_no_error(scene: Scene) -> None:
    SITUATIONS["touch-due"](scene)
    scene.store.before = lambda operation: down(operation) if operation == "update" else None
    scene.play(INTENTS["get"])
    assert "touch_failed" in scene.events


@pytest.mark.parametrize("situation", ["unknown", "expired", "after-grace", "malformed"])
def test_guarantee_4_an_id_that_opens_nothing_is_never_adopted_or_echoed(
    scene: Scene, situation: str
) -> None:
    SITUATIONS[situation](scene)
    offered = scene.client.id
    for intent in INTENTS.values():
        twin = scene.client.twin()
        twin.request(intent)
        assert offered not in (twin.outcome.set_cookie or "")
    live_keys = dict(scene.store.inner.scan())
    assert ids.stored_key(offered) not in live_keys


def test_guarantee_4_the_stored_key_of_a_live_session_is_no_cookie(live: Scene) -> None:
    thief = Browser(live.manager, live.client.driver, ids.stored_key(live.client.id))
    assert thief.request(contents) == {}
    assert live.store.calls == []


def test_guarantee_4_ids_do_not_repeat_and_carry_256_bits() -> None:
    drawn = {ids.draw() for _ in range(100_000)}
    assert len(drawn) == 100_000
    assert all(ids.is_well_formed(one) for one in drawn)


def test_guarantee_5_an_update_between_a_rotations_read_and_its_write_is_in_the_new_record(
    live: Scene,
) -> None:
    theirs = Change(set={"theirs": Entry("[1]")}, nonce="theirs")
    key = ids.stored_key(live.client.id)
    live.store.before = once(lambda: live.store.inner.update(key, theirs), "rotate")
    live.play(INTENTS["regenerate"])
    assert live.store.calls == ["load", "rotate", "load", "rotate"]
    assert live.stored() == "a=1 l=[1] theirs=1"


def test_guarantee_5_within_grace_the_old_id_reaches_the_same_session_and_gets_no_cookie(
    live: Scene,
) -> None:
    old = live.client.twin()
    live.play(INTENTS["regenerate"])
    assert old.request(contents) == {"a": 1, "l": [1]}
    old.request(set_y)
    assert old.set_cookie is None
    assert live.stored() == "a=1 l=[1] y=1"


def test_guarantee_5_grace_is_not_extended_by_use_and_ends_for_good(live: Scene) -> None:
    old = live.client.twin()
    live.play(INTENTS["regenerate"])
    for _ in range(3):
        live.clock.advance(GRACE // 3 - 1)
        old.request(INTENTS["regenerate"])
        old.request(set_y)
        assert old.set_cookie is None
    live.clock.advance(3)
    assert old.request(contents) == {}


def test_guarantee_5_a_marker_leads_one_hop_and_no_further(live: Scene) -> None:
    oldest = live.client.twin()
    live.play(INTENTS["regenerate"])
    live.play(INTENTS["regenerate"])
    assert oldest.request(contents) == {}


def test_guarantee_5_destroy_follows_every_hop(live: Scene) -> None:
    oldest = live.client.twin()
    for _ in range(20):
        live.play(INTENTS["regenerate"])
    live.clock.advance(GRACE + 1)
    oldest.request(INTENTS["destroy"])
    assert live.stored() == "-"


def test_guarantee_5_a_rotation_by_bind_has_no_grace(live: Scene) -> None:
    old = live.client.twin()
    live.play(INTENTS["bind-alice"])
    assert old.request(contents) == {}


def test_guarantee_5_a_rotation_without_grace_has_none_on_a_machine_whose_clock_lags(
    live: Scene,
) -> None:
    old = live.client.twin()
    live.play(INTENTS["bind-alice"])
    live.clock.advance(-2)
    assert old.request(contents) == {}


def test_guarantee_5_without_grace_the_old_id_is_dead_at_once(driver: Driver) -> None:
    with FrozenClock() as clock:
        scene = Scene(driver, clock)
        scene.manager.config = scene.config.changed(rotation_grace=0)
        SITUATIONS["live"](scene)
        old = scene.client.twin()
        scene.play(INTENTS["regenerate"])
        assert old.request(contents) == {}


async def set_half(session: Any) -> None:
    session.set("big", "x" * 600_000)


async def set_other_half(session: Any) -> None:
    session.set("more", "x" * 600_000)


async def read_and_set_other_half(session: Any) -> None:
    await settled(session.get("a"))
    await set_other_half(session)


async def rotate_with_other_half(session: Any) -> None:
    session.regenerate()
    await set_other_half(session)


@pytest.mark.parametrize("act", [set_other_half, read_and_set_other_half, rotate_with_other_half])
def test_guarantee_7_a_session_that_grew_too_large_is_refused_whole(live: Scene, act: Any) -> None:
    live.play(set_half)
    before = dict(live.store.inner.scan())
    with pytest.raises(SessionTooLarge, match="1000000"):
        live.play(act)
    assert live.client.set_cookie is None
    assert dict(live.store.inner.scan()) == before


class Recorder(WatchedStore):
    """Keeps the changes that it passes on."""

    def __init__(self, inner: SessionStore) -> None:
        super().__init__(inner)
        self.changes: list[Change] = []

    def update(self, key: str, change: Change) -> None:
        self.changes.append(change)
        super().update(key, change)


def test_guarantee_cost_a_change_sends_the_changed_keys_only(live: Scene) -> None:
    recorder = Recorder(live.store.inner)
    live.manager.use(recorder)

    async def act(session: Any) -> None:
        await settled(session.get("l"))
        session.set("b", 2)
        session.delete("a")

    live.play(act)
    (change,) = recorder.changes
    assert list(change.set) == ["b"]
    assert change.remove == frozenset({"a"})
    assert not change.clear


COSTS = [
    ("live", "nothing", 0),
    ("live", "get", 1),
    ("touch-due", "get", 2),
    ("live", "set", 1),
    ("unknown", "set", 2),
    ("live", "mutate", 2),
    ("anonymous", "set", 1),
    ("live", "modify", 2),
    ("live", "destroy", 1),
    ("live", "regenerate", 2),
    ("live", "bind-alice", 2),
]


@pytest.mark.parametrize(("situation", "intent", "calls"), COSTS)
def test_guarantee_cost_in_store_calls(
    scene: Scene, situation: str, intent: str, calls: int
) -> None:
    SITUATIONS[situation](scene)
    scene.store.calls.clear()
    scene.play(INTENTS[intent])
    assert len(scene.store.calls) == calls


def test_guarantee_cost_of_a_stale_cookie_is_one_read_however_many_gets(scene: Scene) -> None:
    SITUATIONS["unknown"](scene)

    async def act(session: Any) -> None:
        for key in "abcabc":
            await settled(session.get(key))
            await settled(session.keys())
            await settled(session.info())

    scene.play(act)
    assert scene.store.calls == ["load"]
