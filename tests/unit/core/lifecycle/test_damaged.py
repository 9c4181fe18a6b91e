"""Records that were damaged in the store: an error of ours, or as if nothing were there."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serverless_sessions import CorruptRecord, MemoryStore, SessionConfig, SessionManager, keyring
from serverless_sessions.errors import Moved, SessionError
from serverless_sessions.store import Entry, Record
from serverless_sessions.testing.browser import Act, Browser, Driver, settled
from serverless_sessions.testing.watched import PassingStore

KEY = keyring.draw()
TOKEN = "A" * 86 + "=="


class Damaged:
    """A visitor who is logged in, and whose record others change behind the library's back."""

    def __init__(self, driver: Driver = "sync", *keys: str) -> None:
        self.memory = MemoryStore()
        self.manager = SessionManager(self.memory, SessionConfig(encryption_keys=keys))
        self.visitor = Browser(self.manager, driver)

        async def begin(session: Any) -> None:
            session.bind("ann")
            session.set("cart", ["mug"])
            session.flash("note", "hello")
            await settled(session.csrf_token())

        self.visitor.request(begin)

    def damage(self, name: str, text: str) -> None:
        for key, record in list(self.memory._kept.items()):
            if isinstance(record, Record):
                entries = {**record.entries, name: Entry(text)}
                self.memory._kept[key] = record._replace(entries=entries)


async def _ask_for_a_token(session: Any) -> None:
    await settled(session.csrf_token())


async def _check_a_token(session: Any) -> None:
    await settled(session.is_csrf_token(TOKEN))


async def _flashes(session: Any) -> None:
    await settled(session.flashes())


async def _items(session: Any) -> None:
    await settled(session.items()) if not hasattr(session, "__iter__") else dict(session)


async def _info(session: Any) -> None:
    await settled(session.info())
    await settled(session.authenticated_within(60))


async def _modify(session: Any) -> None:
    await settled(session.modify("cart", lambda cart: [cart]))


async def _clear(session: Any) -> None:
    session.clear()


async def _regenerate(session: Any) -> None:
    session.regenerate()


async def _log_in(session: Any) -> None:
    session.bind("bob")


async def _log_out(session: Any) -> None:
    session.destroy()


ACTS: list[Act] = [
    *(_ask_for_a_token, _check_a_token, _flashes, _items, _info, _modify, _clear),
    *(_regenerate, _log_in, _log_out),
]
FAR = 10**30


@pytest.mark.parametrize(
    "facts", [{"created": FAR}, {"created": -FAR}, {"authenticated_at": FAR}, {"absolute": FAR}]
)
def test_a_moment_that_was_damaged_is_corrupt(driver: Driver, facts: dict[str, Any]) -> None:
    damaged = Damaged(driver)
    for key, record in list(damaged.memory._kept.items()):
        if isinstance(record, Record):
            changed = record._replace(facts=record.facts._replace(**facts), idle=FAR)
            damaged.memory._kept[key] = changed
    with pytest.raises(CorruptRecord, match="moment"):
        damaged.visitor.request(_info)
    with pytest.raises(CorruptRecord, match="moment"):
        damaged.manager.sessions_of("ann")
    damaged.visitor.request(_log_out)
    assert damaged.manager.sessions_of("ann") == []


NAMES = ("cart", "other", "_sls.csrf", "_sls.login", "_sls.sealed", "_sls.facts", "_sls.moved")
TEXTS = [
    *("", "[]", "[1]", "[nan]", "-1", '["zz"]', '["abcd"]', "[[1],2]", "[[],2]", '[[1,1],"a"]'),
    *("e1.", "e1.AAAA", "e1." + "A" * 80, "e1.hunter2", "z", "z!", "zeJw", "[1e999]"),
    *('["\\ud800"]', "[" * 10_000, '["hunter2"]', '[["hunter2",1],2]'),
]


@pytest.mark.parametrize("text", ["[1]", '["zz"]', '["abcd"]', "[[1],2]"])
@pytest.mark.parametrize("act", [_ask_for_a_token, _check_a_token])
def test_a_secret_of_csrf_tokens_that_was_damaged_is_corrupt(
    driver: Driver, act: Act, text: str
) -> None:
    damaged = Damaged(driver)
    damaged.damage("_sls.csrf", text)
    with pytest.raises(CorruptRecord, match="CSRF"):
        damaged.visitor.request(act)
    damaged.visitor.request(_regenerate)
    damaged.visitor.request(act)


@pytest.mark.parametrize("text", ["[1]", '["ab"]', "[[1],2]", "[[],2]", '[[1,1,1],"a"]'])
def test_a_flash_that_was_damaged_is_corrupt(driver: Driver, text: str) -> None:
    damaged = Damaged(driver)
    damaged.damage("_sls.flash.1", text)
    with pytest.raises(CorruptRecord):
        damaged.visitor.request(_flashes)


@given(
    name=st.sampled_from(NAMES) | st.just("_sls.flash.1") | st.text(min_size=1, max_size=5),
    text=st.sampled_from(TEXTS) | st.text(max_size=40).map(lambda text: f"{text}hunter2"),
    act=st.sampled_from(ACTS),
    keys=st.sampled_from([(), (KEY,)]),
)
def test_whatever_stands_in_an_entry_raises_nothing_but_our_errors(
    name: str, text: str, act: Act, keys: tuple[str, ...]
) -> None:
    damaged = Damaged("sync", *keys)
    damaged.damage(name, text)
    shown = ""
    try:
        damaged.visitor.request(act)
        damaged.manager.sessions_of("ann", show=("cart",))
        damaged.manager.revoke_all("ann")
    except SessionError as error:
        shown = str(error)
    assert "hunter2" not in shown


# Markers that lead round in a circle


class Circle(PassingStore):
    """Every key is a marker to the other one."""

    def __init__(self) -> None:
        self.guarantees = MemoryStore().guarantees
        self.calls: list[str] = []

    def pass_on(self, operation: str, *arguments: Any) -> Any:
        self.calls.append(operation)
        assert len(self.calls) < 50, "it goes round and round"
        if operation == "list_user":
            return ["a" * 64]
        moved = Moved(("b" if arguments[0] == "a" * 64 else "a") * 64)
        if operation in ("update", "rotate"):
            raise moved
        return moved


@pytest.fixture
def circle() -> SessionManager:
    return SessionManager(Circle(), SessionConfig())


@pytest.mark.parametrize("act", [_items, _clear, _log_in, _log_out])
def test_a_circle_of_markers_is_no_session(
    circle: SessionManager, driver: Driver, act: Act
) -> None:
    Browser(circle, driver, "x" * 43).request(act)


def test_a_circle_of_markers_is_nobody_s_session(circle: SessionManager) -> None:
    assert circle.sessions_of("ann") == []
    assert circle.revoke_all("ann") == 0
