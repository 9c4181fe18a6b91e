"""The situations that a request can find its session in, and what a handler can ask of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from serverless_sessions import Event, MemoryStore, SessionConfig, SessionManager, ids
from serverless_sessions.testing.browser import Act, Browser, Driver, settled
from serverless_sessions.testing.clock import FrozenClock
from serverless_sessions.testing.watched import WatchedStore

IDLE = 1000
GRACE = 30


class Scene:
    """A client, its watched store and clock, in one situation."""

    def __init__(
        self, driver: Driver, clock: FrozenClock, encryption_keys: Sequence[str] = ()
    ) -> None:
        self.clock = clock
        self.store = WatchedStore(MemoryStore())
        self.config = SessionConfig(
            idle_timeout=IDLE,
            touch_every=100,
            rotation_grace=GRACE,
            encryption_keys=encryption_keys,
        )
        self.told: list[Event] = []
        self.manager = SessionManager(
            self.store, self.config.changed(on_event=lambda event: self.told.append(event))
        )
        self.client = Browser(self.manager, driver)
        self.reads_first = False
        self.meanwhile: Act | None = None

    @property
    def events(self) -> list[str]:
        """The names of what was told, in order."""
        return [event.name for event in self.told]

    def play(self, act: Act, status: int = 200) -> Any:
        """Send the request. What another tab does ``meanwhile`` comes after the first read."""
        other = self.client.twin()

        async def handler(session: Any) -> Any:
            if self.reads_first:
                await settled(session.get("a"))
            if self.meanwhile is not None:
                await other.send(self.meanwhile)
            self.store.calls.clear()
            self.told.clear()
            return await act(session)

        return self.client.request(handler, status)

    def stored(self) -> str:
        """What the client's cookie opens now, as ``a=1 b=2 @user``; ``-`` for no session."""

        async def look(session: Any) -> str:
            info = await settled(session.info())
            if info.handle is None:
                return "-"
            keys = await settled(session.keys())
            pairs = [f"{key}={await settled(session.get(key))}" for key in sorted(keys)]
            user = [f"@{info.user}"] if info.user else []
            return " ".join([*pairs, *user]).replace(", ", ",") or "empty"

        calls = list(self.store.calls)
        seen: str = Browser(self.manager, self.client.driver, self.client.id).request(look)
        self.store.calls = calls
        return seen


async def _visit(session: Any) -> None:
    session.set("a", 1)
    session.set("l", [1])
    session.flash("note", "hello")


async def _become_alice(session: Any) -> None:
    session.bind("alice")


async def _rotate(session: Any) -> None:
    session.regenerate()


async def _destroy(session: Any) -> None:
    session.destroy()


def _anonymous(scene: Scene) -> None:
    """No cookie came."""


def _malformed(scene: Scene) -> None:
    scene.client.id = "../../" + "x" * 37


def _unknown(scene: Scene) -> None:
    scene.client.id = ids.draw()


def _live(scene: Scene) -> None:
    scene.client.request(_visit)


def _alice(scene: Scene) -> None:
    _live(scene)
    scene.client.request(_become_alice)


def _expired(scene: Scene) -> None:
    _live(scene)
    scene.clock.advance(IDLE)


def _touch_due(scene: Scene) -> None:
    _live(scene)
    scene.clock.advance(101)


def _read(scene: Scene) -> None:
    _live(scene)
    scene.reads_first = True


def _read_then_destroyed(scene: Scene) -> None:
    _read(scene)
    scene.meanwhile = _destroy


def _read_then_rotated(scene: Scene) -> None:
    _read(scene)
    scene.meanwhile = _rotate


def _read_then_bound(scene: Scene) -> None:
    _read(scene)
    scene.meanwhile = _become_alice


def _in_grace(scene: Scene) -> None:
    _live(scene)
    scene.client.twin().request(_rotate)


def _after_grace(scene: Scene) -> None:
    _in_grace(scene)
    scene.clock.advance(GRACE)


SITUATIONS: dict[str, Callable[[Scene], None]] = {
    "anonymous": _anonymous,
    "malformed": _malformed,
    "unknown": _unknown,
    "expired": _expired,
    "live": _live,
    "alice": _alice,
    "touch-due": _touch_due,
    "read": _read,
    "read,destroyed": _read_then_destroyed,
    "read,rotated": _read_then_rotated,
    "read,bound": _read_then_bound,
    "in-grace": _in_grace,
    "after-grace": _after_grace,
}


async def _nothing(_: Any) -> None:
    """The handler leaves its session alone."""


async def _get(session: Any) -> None:
    await settled(session.get("a"))


async def _set(session: Any) -> None:
    session.set("b", 2)


async def _delete(session: Any) -> None:
    session.delete("a")


async def _clear(session: Any) -> None:
    session.clear()


async def _mutate(session: Any) -> None:
    (await settled(session.get("l", []))).append(2)


async def _modify(session: Any) -> None:
    await settled(session.modify("n", lambda n: n + 1, 0))


async def _flash(session: Any) -> None:
    session.flash("k", "v")


async def _flashes(session: Any) -> None:
    await settled(session.flashes())


async def _set_and_regenerate(session: Any) -> None:
    session.set("b", 2)
    session.regenerate()


async def _set_bind_set(session: Any, user: str | None) -> None:
    session.set("b", 2)
    session.bind(user)
    session.set("c", 3)


async def _bind_alice(session: Any) -> None:
    await _set_bind_set(session, "alice")


async def _bind_bob(session: Any) -> None:
    await _set_bind_set(session, "bob")


async def _unbind(session: Any) -> None:
    await _set_bind_set(session, None)


async def _set_destroy_set(session: Any) -> None:
    session.set("b", 2)
    session.destroy()
    session.set("c", 3)


INTENTS: dict[str, Act] = {
    "nothing": _nothing,
    "get": _get,
    "set": _set,
    "delete": _delete,
    "clear": _clear,
    "mutate": _mutate,
    "modify": _modify,
    "flash": _flash,
    "flashes": _flashes,
    "regenerate": _rotate,
    "set,regenerate": _set_and_regenerate,
    "bind-alice": _bind_alice,
    "bind-bob": _bind_bob,
    "unbind": _unbind,
    "destroy": _destroy,
    "set,destroy,set": _set_destroy_set,
}
