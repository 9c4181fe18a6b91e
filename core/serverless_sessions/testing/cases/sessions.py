"""Sessions over the store: what a handler is promised, with others stepping in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ClassVar

import pytest

from ... import ids
from ...config import SessionConfig
from ...errors import CorruptRecord, StoreTimeout, StoreUnavailable
from ...manager import SessionManager
from ...store import AnyStore, AsyncSessionStore, Change, Entry, SessionStore
from ..browser import Act, Browser, Driver, settled
from ..clock import FrozenClock
from ..watched import Hook, WatchedAsyncStore, WatchedStore
from .base import Cases, loaded

IDLE, TOUCH_EVERY, GRACE = 1000, 100, 30
MOST_CALLS = 12
"""More store calls than any one request makes."""


async def _visit(session: Any) -> None:
    session.set("a", 1)
    session.set("list", [1])


async def _set(session: Any) -> None:
    session.set("b", 2)


async def _set_other(session: Any) -> None:
    session.set("other", 3)


async def _read(session: Any) -> None:
    await settled(session.get("a"))


async def _change_what_was_read(session: Any) -> None:
    (await settled(session.get("list", []))).append(2)


async def _modify(session: Any) -> None:
    await settled(session.modify("n", lambda n: n + 1, 0))


async def _regenerate(session: Any) -> None:
    session.regenerate()


async def _log_in(session: Any) -> None:
    session.bind("ann")


async def _log_out(session: Any) -> None:
    session.destroy()


async def _everything(session: Any) -> dict[str, Any]:
    return {key: await settled(session.get(key)) for key in await settled(session.keys())}


CHANGES: dict[str, Act] = {
    "save": _set,
    "touch": _read,
    "mutate": _change_what_was_read,
    "modify": _modify,
    "regenerate": _regenerate,
}


class Scene:
    """A store under watch, and a browser with a live session in it."""

    def __init__(self, store: AnyStore, encryption_keys: Sequence[str] = ()) -> None:
        self.store: WatchedStore | WatchedAsyncStore
        self._driver: Driver
        if isinstance(store, AsyncSessionStore):
            self.store, self._driver = WatchedAsyncStore(store), "async"
        else:
            self.store, self._driver = WatchedStore(store), "sync"
        config = SessionConfig(
            idle_timeout=IDLE,
            touch_every=TOUCH_EVERY,
            rotation_grace=GRACE,
            encryption_keys=encryption_keys,
            store_timeout=60,
        )
        self._manager = SessionManager(self.store, config)
        self.browser = self.browser_with("")
        self.browser.request(_visit)

    def browser_with(self, session_id: str) -> Browser:
        return Browser(self._manager, self._driver, session_id)

    def holds(self, session_id: str) -> dict[str, Any]:
        """What a browser with this id finds; nothing where there is no session."""
        found: dict[str, Any] = self.browser_with(session_id).request(_everything)
        return found


def at_call(number: int, action: Callable[[], Any]) -> Hook:
    """A hook that does ``action`` at the call of this number, counted from 0."""
    left = [number]

    def hook(operation: str) -> object:
        left[0] -= 1
        return action() if left[0] == -1 else None

    return hook


def once_at(operation: str, action: Callable[[], Any]) -> Hook:
    """A hook that does ``action`` at the first call of ``operation``."""
    left = [1]

    def hook(name: str) -> object:
        if name != operation or not left:
            return None
        left.clear()
        return action()

    return hook


def _raising(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


class SessionCases(Cases):
    """``encryption_keys`` seal the sessions of these cases, where a subclass sets them."""

    encryption_keys: ClassVar[Sequence[str]] = ()

    def scene(self, store: SessionStore) -> Scene:
        return Scene(self.driven(store), self.encryption_keys)

    def driven(self, store: SessionStore) -> AnyStore:
        """The store as sessions are to drive it: with calls, or awaited."""
        return store

    @pytest.mark.parametrize("when", ["before", "after"])
    @pytest.mark.parametrize("intent", CHANGES)
    def test_a_log_out_between_any_two_calls_is_final(
        self, store: SessionStore, time: FrozenClock, intent: str, when: str
    ) -> None:
        if not store.guarantees.dead_stays_dead:
            pytest.skip("this store cannot keep the dead dead")
        if intent == "modify" and not store.guarantees.conditional:
            pytest.skip("this store declares no conditional writes")
        for number in range(MOST_CALLS):
            scene = self.scene(store)
            time.advance(TOUCH_EVERY)
            other, before = scene.browser.twin(), scene.browser.id

            setattr(scene.store, when, at_call(number, partial(other.send, _log_out)))
            scene.browser.request(CHANGES[intent])
            if "delete" not in scene.store.calls:
                assert number > 0
                break
            assert scene.holds(before) == {}
            if scene.browser.id not in ("", before):
                # A blind write on a cookie whose session has ended begins a new one.
                assert scene.holds(scene.browser.id).keys() <= {"b", "n"}

    def test_a_change_between_a_rotations_read_and_its_write_is_kept(
        self, store: SessionStore
    ) -> None:
        if not store.guarantees.atomic_rotation:
            pytest.skip("this store does not rotate atomically")
        for intent in (_regenerate, _log_in):
            scene = self.scene(store)
            other, before = scene.browser.twin(), scene.browser.id
            scene.store.before = once_at("rotate", partial(other.send, _set_other))
            scene.browser.request(intent)
            assert scene.browser.id not in ("", before)
            assert scene.holds(scene.browser.id) == {"a": 1, "list": [1], "other": 3}

    def test_a_change_after_a_rotation_reaches_the_session_within_its_grace(
        self, store: SessionStore, time: FrozenClock
    ) -> None:
        scene = self.scene(store)
        late, later = scene.browser.twin(), scene.browser.twin()
        scene.browser.request(_regenerate)
        late.request(_set_other)
        assert late.id != scene.browser.id
        time.advance(GRACE)
        later.request(_set)
        assert scene.holds(scene.browser.id) == {"a": 1, "list": [1], "other": 3}
        assert scene.holds(late.id) == {}

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_a_rotation_cut_off_at_any_call_leaves_one_session(
        self, store: SessionStore, time: FrozenClock, when: str
    ) -> None:
        """Cut off before it was written, the old id goes on; after it, the old id leads to the
        session as long as the grace lasts, and the new one was never told to anybody."""
        if not store.guarantees.atomic_rotation:
            pytest.skip("this store does not rotate atomically")
        for number in range(MOST_CALLS):
            scene = self.scene(store)
            before = scene.browser.id
            setattr(scene.store, when, at_call(number, _raising(StoreTimeout("cut off"))))
            try:
                scene.browser.request(_regenerate)
            except StoreTimeout:
                pass
            else:
                assert number > 0
                break
            written = when == "after" and scene.store.calls[-1] == "rotate"
            assert scene.browser.id == before
            assert scene.holds(before) == {"a": 1, "list": [1]}
            time.advance(GRACE)
            assert scene.holds(before) == ({} if written else {"a": 1, "list": [1]})

    @pytest.mark.parametrize("operation", ["create", "update", "rotate", "delete"])
    @pytest.mark.parametrize("intent", ["visit", "save", "modify", "regenerate", "log out"])
    def test_a_lost_reply_is_settled(
        self, store: SessionStore, intent: str, operation: str
    ) -> None:
        """The change took place and the answer was cut off: it is found, and not made twice."""
        if not (store.guarantees.conditional and store.guarantees.atomic_rotation):
            pytest.skip("this store declares no conditional writes")
        scene = self.scene(store)
        lost = _raising(StoreUnavailable("the reply was lost"))
        scene.store.after = once_at(operation, lost)
        browser = scene.browser_with("") if intent == "visit" else scene.browser
        acts = {**CHANGES, "visit": _visit, "log out": _log_out}
        browser.request(acts[intent])
        held = scene.holds(browser.id)

        data = {"a": 1, "list": [1]}
        assert (
            held
            == {
                "visit": data,
                "save": {**data, "b": 2},
                "modify": {**data, "n": 1},
                "regenerate": data,
                "log out": {},
            }[intent]
        )

    def test_increments_by_modify_are_all_counted(self, store: SessionStore) -> None:
        if not store.guarantees.conditional:
            pytest.skip("this store declares no conditional writes")
        scene = self.scene(store)

        async def add_many(session: Any) -> None:
            for _ in range(self.increments):
                await settled(session.modify("n", lambda n: n + 1, 0))

        tabs = [scene.browser.twin() for _ in range(self.threads)]
        with ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(lambda tab: tab.request(add_many), tabs))
        assert scene.holds(scene.browser.id)["n"] == self.threads * self.increments

    def test_tabs_that_set_different_keys_all_keep_them(self, store: SessionStore) -> None:
        if not store.guarantees.merges_keys:
            pytest.skip("this store does not merge changes of different keys")
        scene = self.scene(store)

        def setting(number: int) -> Act:
            async def act(session: Any) -> None:
                await settled(session.get("a"))
                session.set(f"tab {number}", number)

            return act

        tabs = [scene.browser.twin() for _ in range(self.threads)]
        with ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(lambda n: tabs[n].request(setting(n)), range(self.threads)))
        expected = {f"tab {number}": number for number in range(self.threads)}
        assert scene.holds(scene.browser.id) == {"a": 1, "list": [1], **expected}

    def test_a_value_that_cannot_be_decoded_stays_until_it_is_set(
        self, store: SessionStore
    ) -> None:
        scene = self.scene(store)
        key = ids.stored_key(scene.browser.id)
        store.update(key, Change(set={"bad": Entry("[[[")}))

        async def read_bad(session: Any) -> Any:
            return await settled(session.get("bad"))

        for _ in range(2):
            with pytest.raises(CorruptRecord, match="bad"):
                scene.browser.request(read_bad)
            scene.browser.request(_set)
            assert loaded(store, key).entries["bad"].text == "[[["

        async def mend(session: Any) -> None:
            session.set("bad", "good")

        scene.browser.request(mend)
        assert scene.browser.request(read_bad) == "good"
