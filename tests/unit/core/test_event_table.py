"""Each event comes about in its way and carries its fields, whatever the hook makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, get_args

import pytest

from serverless_sessions import Event, MemoryStore, StoreUnavailable, ids
from serverless_sessions.events import EventName, together
from serverless_sessions.handlers import _loop
from serverless_sessions.store import Expiry, Found
from serverless_sessions.testing.browser import Driver, settled
from serverless_sessions.testing.clock import FrozenClock
from support.event_ways import WAYS
from support.failures import once
from support.scenes import INTENTS, SITUATIONS, Scene

NAMES = list(WAYS)


@pytest.fixture(params=["sync", "async"])
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    driver: Driver = request.param
    with FrozenClock() as clock:
        yield Scene(driver, clock)


def hear_besides(scene: Scene, listener: Callable[[Event], None]) -> None:
    """The scene's hook is told first, then ``listener``."""
    hook = scene.manager.config.on_event
    assert hook is not None
    scene.manager.config = scene.manager.config.changed(on_event=together(hook, listener))


def of_the_only_session(scene: Scene) -> str | None:
    records = [record for _, record in scene.store.inner.scan()]
    return records[0].facts.rid if len(records) == 1 else None


def test_the_table_knows_every_event() -> None:
    assert {*WAYS, "revoked"} == set(get_args(EventName))


@pytest.mark.parametrize("name", NAMES)
def test_fact_33_each_event_is_told_with_its_fields(scene: Scene, name: EventName) -> None:
    way = WAYS[name]
    way.prepare(scene)
    handle = of_the_only_session(scene)
    scene.told.clear()
    way.act(scene)
    told = [event for event in scene.told if event.name == name]
    assert told
    for event in told:
        known = {field for field, value in event._asdict().items() if value is not None}
        assert known == {"name", *way.fields}
        if event.handle is not None:
            assert ids.is_handle(event.handle)
            assert event.handle == (handle or of_the_only_session(scene))


def without_a_hook(scene: Scene, name: EventName) -> tuple[str | None, str]:
    WAYS[name].prepare(scene)
    WAYS[name].act(scene)
    scene.store.before = lambda _: None
    return scene.client.set_cookie, scene.stored()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("driver", ["sync", "async"])
def test_a_hook_that_fails_at_any_event_changes_nothing(
    driver: Driver, name: EventName, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(event: Event) -> None:
        if event.name == name:
            raise RuntimeError("broken hook")

    with FrozenClock() as clock:
        expected = without_a_hook(Scene(driver, clock), name)
    with FrozenClock() as clock:
        scene = Scene(driver, clock)
        hear_besides(scene, fail)
        assert without_a_hook(scene, name) == expected
    assert "broken hook" in caplog.text


@pytest.mark.parametrize("name", NAMES)
def test_a_hook_may_use_the_session_it_is_told_of(
    scene: Scene, name: EventName, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not wait for itself for ever, and is not told of what it does."""
    WAYS[name].prepare(scene)
    sessions = begun(scene, monkeypatch)
    asked: list[Any] = []

    def use(event: Event) -> None:
        if event.name == name and sessions:
            sessions[0].set("heard", True)
            read = sessions[0].get("a")
            asked.append(asyncio.ensure_future(read) if scene.client.driver == "async" else read)

    hear_besides(scene, use)
    scene.told.clear()
    WAYS[name].act(scene)
    assert 0 < scene.events.count(name) <= 2

    async def over() -> None:
        await asyncio.gather(*asked, return_exceptions=True)

    if scene.client.driver == "async":
        _loop.run(over())


def begun(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The sessions of the requests from now on."""
    sessions: list[Any] = []
    method = "begin" if scene.client.driver == "sync" else "begin_async"
    begin = getattr(scene.manager, method)

    def noted(*arguments: Any) -> Any:
        invocation = begin(*arguments)
        sessions.append(invocation.session)
        return invocation

    monkeypatch.setattr(scene.manager, method, noted)
    return sessions


def test_what_a_hook_sets_is_saved(scene: Scene) -> None:
    SITUATIONS["live"](scene)
    sessions: list[Any] = []

    def use(event: Event) -> None:
        if event.name == "loaded" and sessions:
            sessions[0].set("heard", 1)

    hear_besides(scene, use)

    async def read(session: Any) -> None:
        sessions.append(session)
        await settled(session.get("a"))

    scene.client.request(read)
    sessions.clear()
    assert scene.stored() == "a=1 heard=1 l=[1]"


def test_a_hook_may_begin_a_session_of_its_own(scene: Scene) -> None:
    SITUATIONS["live"](scene)
    found: list[Any] = []

    def look(event: Event) -> None:
        if event.name == "store_call" and scene.client.driver == "sync":
            found.append(scene.client.twin().request(INTENTS["modify"]))

    hear_besides(scene, look)
    scene.client.request(INTENTS["set"])
    if scene.client.driver == "sync":
        assert len(found) == 1
        assert scene.stored() == "a=1 b=2 l=[1] n=1"


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_what_ends_a_process_or_a_task_passes_through_a_request(
    stop: type[BaseException],
) -> None:
    def end(_: Event) -> None:
        raise stop

    with FrozenClock() as clock:
        scene = Scene("sync", clock)
        hear_besides(scene, end)
        with pytest.raises(stop):
            scene.client.request(INTENTS["set"])


class Silent(MemoryStore):
    """As stores were before ``load`` could answer EXPIRED."""

    def load(self, key: str) -> Found:
        found = super().load(key)
        return None if isinstance(found, Expiry) else found


@pytest.mark.parametrize("driver", ["sync", "async"])
def test_where_a_store_does_not_tell_the_expired_is_missed(driver: Driver) -> None:
    with FrozenClock() as clock:
        scene = Scene(driver, clock)
        scene.store.inner = Silent()
        SITUATIONS["expired"](scene)
        scene.play(INTENTS["get"])
        assert scene.events == ["store_call", "missed"]


def test_an_expired_session_behind_a_marker_is_told(scene: Scene) -> None:
    scene.manager.config = scene.manager.config.changed(rotation_grace=300, idle_timeout=200)
    SITUATIONS["in-grace"](scene)
    scene.clock.advance(200)
    scene.play(INTENTS["get"])
    assert scene.events == ["store_call", "store_call", "expired"]


def test_a_session_that_expires_after_it_was_seen_is_lost(scene: Scene) -> None:
    SITUATIONS["live"](scene)

    async def read_then_write_too_late(session: Any) -> None:
        await settled(session.get("a"))
        scene.clock.advance(1000)
        session.set("b", 2)

    scene.told.clear()
    scene.client.request(read_then_write_too_late)
    assert scene.events == ["store_call", "loaded", "store_call", "lost"]


def test_a_session_seen_alive_that_expires_before_a_second_look_is_lost(scene: Scene) -> None:
    SITUATIONS["live"](scene)

    async def modify_too_late(session: Any) -> None:
        await settled(session.get("a"))
        scene.clock.advance(1000)
        await settled(session.modify("n", lambda n: n + 1, 0))

    scene.told.clear()
    scene.client.request(modify_too_late)
    assert scene.events == ["store_call", "loaded", "store_call", "lost"]


def test_a_rotation_whose_session_has_expired_by_then_has_not_arrived(scene: Scene) -> None:
    SITUATIONS["live"](scene)

    def answer_too_late() -> None:
        scene.clock.advance(1000)
        raise StoreUnavailable("the reply was lost")

    scene.store.after = once(answer_too_late, "rotate")
    scene.play(INTENTS["regenerate"])
    assert scene.events[-1] == "lost"
    assert scene.client.set_cookie is None


def test_a_session_that_is_gone_over_to_is_told(scene: Scene) -> None:
    SITUATIONS["live"](scene)
    handle, live = of_the_only_session(scene), scene.client.id

    async def go_over(session: Any) -> None:
        await settled(session.load(live))

    scene.client.id = ""
    scene.told.clear()
    scene.client.request(go_over)
    assert scene.events == ["store_call", "loaded"]
    assert scene.told[-1] == Event("loaded", handle)


def test_a_damaged_handle_is_not_told(scene: Scene) -> None:
    SITUATIONS["live"](scene)
    (key, record), *_ = scene.store.inner.scan()
    scene.store.inner.delete(key)
    facts = record.facts._replace(rid="x\r\nsession destroyed")
    scene.store.inner.create(key, record._replace(facts=facts))
    scene.play(INTENTS["get"])
    assert scene.told[-1] == Event("loaded")
