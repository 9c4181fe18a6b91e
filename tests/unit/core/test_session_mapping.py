"""The session as a mapping: what a dict can do, on both faces."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from contextlib import suppress
from inspect import iscoroutinefunction
from typing import Any

import pytest

from serverless_sessions import AsyncSession, MemoryStore, Session, SessionManager
from serverless_sessions.testing.browser import Browser, Driver, settled
from serverless_sessions.testing.watched import WatchedStore


class Visitor:
    """A client whose session holds a=1 and l=[1]."""

    def __init__(self, driver: Driver) -> None:
        self.store = WatchedStore(MemoryStore())
        self.client = Browser(SessionManager(self.store), driver)
        self.client.request(_fill)

    def request(self, act: Callable[[Any], Any]) -> Any:
        async def acted(session: Any) -> Any:
            return await settled(act(session))

        self.store.calls.clear()
        return self.client.request(acted)

    def stored(self) -> dict[str, Any]:
        async def look(session: Any) -> dict[str, Any]:
            return dict(await settled(session.items()))

        found: dict[str, Any] = Browser(self.client.manager, "async", self.client.id).request(look)
        return found


async def _fill(session: Any) -> None:
    session.set("a", 1)
    session.set("l", [1])


@pytest.fixture
def visitor() -> Visitor:
    return Visitor("sync")


@pytest.fixture(params=["sync", "async"])
def either(request: pytest.FixtureRequest) -> Visitor:
    return Visitor(request.param)


READS: list[tuple[str, Callable[[Session], Any], Any]] = [
    ("[]", lambda s: s["a"], 1),
    ("get", lambda s: (s.get("a"), s.get("x"), s.get("x", 2)), (1, None, 2)),
    ("has", lambda s: (s.has("a"), s.has("x")), (True, False)),
    ("in", lambda s: ("a" in s, "x" in s, "x" not in s), (True, False, True)),
    ("len", len, 2),
    ("bool", bool, True),
    ("iter", list, ["a", "l"]),
    ("dict", dict, {"a": 1, "l": [1]}),
    ("**", lambda s: {**s}, {"a": 1, "l": [1]}),
    ("keys", lambda s: list(s.keys()), ["a", "l"]),
    ("values", lambda s: list(s.values()), [1, [1]]),
    ("items", lambda s: list(s.items()), [("a", 1), ("l", [1])]),
    ("len of views", lambda s: (len(s.keys()), len(s.values()), len(s.items())), (2, 2, 2)),
    ("in keys", lambda s: ("a" in s.keys(), "x" in s.keys()), (True, False)),  # noqa: SIM118
    ("in values", lambda s: ([1] in s.values(), 7 in s.values()), (True, False)),
    ("in items", lambda s: (("a", 1) in s.items(), ("a", 2) in s.items()), (True, False)),
    ("& of keys", lambda s: s.keys() & {"a", "x"}, {"a"}),
    ("== of keys", lambda s: s.keys() == {"a", "l"}, True),
]


@pytest.mark.parametrize(("read", "value"), [row[1:] for row in READS], ids=[r[0] for r in READS])
def test_a_read_costs_one_call_and_changes_nothing(
    visitor: Visitor, read: Callable[[Session], Any], value: Any
) -> None:
    assert visitor.request(read) == value
    assert visitor.store.calls == ["load"]


CHANGES: list[tuple[str, Callable[[Session], Any], Any, dict[str, Any]]] = [
    ("[]=", lambda s: s.__setitem__("b", 2), None, {"a": 1, "l": [1], "b": 2}),
    ("del", lambda s: s.__delitem__("a"), None, {"l": [1]}),
    ("pop", lambda s: s.pop("a"), 1, {"l": [1]}),
    ("pop absent", lambda s: (s.pop("x", None), s.pop("x", 5)), (None, 5), {"a": 1, "l": [1]}),
    ("popitem", lambda s: s.popitem(), ("a", 1), {"l": [1]}),
    ("popitem twice", lambda s: [s.popitem() for _ in range(2)], [("a", 1), ("l", [1])], {}),
    ("setdefault there", lambda s: s.setdefault("a", 9), 1, {"a": 1, "l": [1]}),
    ("setdefault", lambda s: s.setdefault("b", 9), 9, {"a": 1, "l": [1], "b": 9}),
    ("update", lambda s: s.update({"a": 2, "b": 3}), None, {"a": 2, "l": [1], "b": 3}),
    ("update pairs", lambda s: s.update([("b", 3)], c=4), None, {"a": 1, "l": [1], "b": 3, "c": 4}),
    ("update names", lambda s: s.update(key=3), None, {"a": 1, "l": [1], "key": 3}),
    ("clear", lambda s: s.clear(), None, {}),
    (
        "values",
        lambda s: [v.append(2) for v in s.values() if v != 1],
        [None],
        {"a": 1, "l": [1, 2]},
    ),
    ("items", lambda s: dict(s.items())["l"].append(2), None, {"a": 1, "l": [1, 2]}),
    ("[].append", lambda s: s["l"].append(2), None, {"a": 1, "l": [1, 2]}),
    ("popped, changed", lambda s: s.pop("l").append(2), None, {"a": 1}),
]


@pytest.mark.parametrize(
    ("change", "value", "stored"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES]
)
def test_a_change_is_saved(
    visitor: Visitor, change: Callable[[Session], Any], value: Any, stored: dict[str, Any]
) -> None:
    assert visitor.request(change) == value
    assert visitor.stored() == stored


ASYNC_CHANGES: list[tuple[str, Callable[[AsyncSession], Any], Any, dict[str, Any]]] = [
    ("get", lambda s: s.get("x", 2), 2, {"a": 1, "l": [1]}),
    ("has", lambda s: s.has("a"), True, {"a": 1, "l": [1]}),
    ("keys", lambda s: s.keys(), ["a", "l"], {"a": 1, "l": [1]}),
    ("values", lambda s: s.values(), [1, [1]], {"a": 1, "l": [1]}),
    ("items", lambda s: s.items(), [("a", 1), ("l", [1])], {"a": 1, "l": [1]}),
    ("pop", lambda s: s.pop("a"), 1, {"l": [1]}),
    ("pop absent", lambda s: s.pop("x", None), None, {"a": 1, "l": [1]}),
    ("setdefault there", lambda s: s.setdefault("a", 9), 1, {"a": 1, "l": [1]}),
    ("setdefault", lambda s: s.setdefault("b", 9), 9, {"a": 1, "l": [1], "b": 9}),
    ("update", lambda s: s.update({"a": 2}, b=3), None, {"a": 2, "l": [1], "b": 3}),
    ("update pairs", lambda s: s.update([("b", 3)]), None, {"a": 1, "l": [1], "b": 3}),
    ("clear", lambda s: s.clear(), None, {}),
    ("delete", lambda s: s.delete("a"), None, {"l": [1]}),
]


@pytest.mark.parametrize(
    ("change", "value", "stored"),
    [row[1:] for row in ASYNC_CHANGES],
    ids=[row[0] for row in ASYNC_CHANGES],
)
def test_the_verbs_of_the_async_session(
    change: Callable[[AsyncSession], Any], value: Any, stored: dict[str, Any]
) -> None:
    visitor = Visitor("async")
    assert visitor.request(change) == value
    assert visitor.stored() == stored


def test_what_values_and_items_hand_out_is_saved_when_it_changes(either: Visitor) -> None:
    async def act(session: Any) -> None:
        (_, held), *_ = [pair for pair in await settled(session.items()) if pair[0] == "l"]
        held.append(2)
        (again,) = [value for value in await settled(session.values()) if value != 1]
        again.append(3)
        assert again is held is await settled(session.get("l"))

    either.request(act)
    assert either.stored() == {"a": 1, "l": [1, 2, 3]}


def test_an_absent_key_is_a_key_error(either: Visitor) -> None:
    async def act(session: Any) -> None:
        with pytest.raises(KeyError, match="'x'"):
            await settled(session.pop("x"))
        session.delete("x")

    either.request(act)
    assert either.stored() == {"a": 1, "l": [1]}


def test_pop_takes_its_default_by_name_on_both_faces(either: Visitor) -> None:
    assert either.request(lambda session: session.pop("x", default=3)) == 3


@pytest.mark.parametrize("act", [lambda s: s["x"], lambda s: s.__delitem__("x")])
def test_an_absent_key_is_a_key_error_in_brackets(visitor: Visitor, act: Any) -> None:
    with pytest.raises(KeyError, match="'x'"):
        visitor.request(act)


def test_popitem_of_an_empty_session_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        Browser(SessionManager(MemoryStore())).request(_popitem)


async def _popitem(session: Session) -> None:
    session.popitem()


def test_setting_by_brackets_needs_no_read(visitor: Visitor) -> None:
    def act(session: Session) -> None:
        session["b"] = 2
        session.update(c=3)

    visitor.request(act)
    assert visitor.store.calls == ["update"]


def test_an_async_session_offers_no_operator_that_could_not_wait() -> None:
    def act(session: Any) -> None:
        operators: list[Callable[[], Any]] = [
            lambda: session["a"],
            lambda: "a" in session,
            lambda: len(session),
            lambda: list(session),
            lambda: session.__setitem__("a", 1),
        ]
        for operate in operators:
            with pytest.raises((TypeError, AttributeError)):
                operate()

    Visitor("async").request(act)


def test_a_session_is_a_mutable_mapping_and_an_async_one_is_none(visitor: Visitor) -> None:
    assert issubclass(Session, MutableMapping)
    assert not issubclass(AsyncSession, MutableMapping)
    names = {name for name in dir(MutableMapping) if not name.startswith("_")}
    assert names - {"popitem"} <= set(dir(AsyncSession))


def test_a_loop_may_remove_what_it_meets(visitor: Visitor) -> None:
    def act(session: Session) -> list[str]:
        met: list[str] = []
        for key in session:
            met.append(key)
            del session[key]
        return met

    assert visitor.request(act) == ["a", "l"]
    assert visitor.stored() == {}


def test_an_empty_session_is_false_and_has_nothing(either: Visitor) -> None:
    either.request(lambda session: session.clear())

    async def look(session: Any) -> Any:
        return [list(await settled(getattr(session, view)())) for view in VIEWS]

    assert either.request(look) == [[], [], []]


VIEWS = ["keys", "values", "items"]


INTENTS = ["set", "delete", "clear", "flash", "regenerate", "bind", "destroy"]
AWAITED = ["get", "has", "keys", "values", "items", "pop", "setdefault", "update", "modify"]
AWAITED += ["flashes", "load", "save", "info"]
AWAITED += ["authenticated_within", "csrf_token", "is_csrf_token"]


def test_only_what_needs_the_store_is_awaited() -> None:
    assert [name for name in INTENTS if iscoroutinefunction(getattr(AsyncSession, name))] == []
    assert [name for name in AWAITED if iscoroutinefunction(getattr(AsyncSession, name))] == AWAITED
    public = {name for name in dir(AsyncSession) if not name.startswith("_")}
    assert public == {*INTENTS, *AWAITED, "id"}
    assert public | {"user"} <= set(dir(Session))


def test_a_forgotten_await_still_logs_out() -> None:
    """And so does one too many, though it fails the handler."""

    async def forgets(session: AsyncSession) -> None:
        session.destroy()

    async def awaits(session: AsyncSession) -> None:
        destroy: Any = session.destroy
        await destroy()

    for mistake in (forgets, awaits):
        visitor = Visitor("async")
        with suppress(TypeError):
            visitor.client.request(mistake)
        assert list(visitor.store.inner.scan()) == []
