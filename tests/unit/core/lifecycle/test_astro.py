"""Sessions shared with Astro: its cookie and ids, its values, and only where it looks for them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from serverless_sessions import (
    ConfigurationError,
    MemoryStore,
    SessionConfig,
    SessionManager,
    Unsupported,
    UnsupportedValue,
    header,
    ids,
)
from serverless_sessions.arrival import Request
from serverless_sessions.document import DocumentStore
from serverless_sessions.errors import SessionNotFound
from serverless_sessions.testing import FrozenClock
from serverless_sessions.testing.browser import Act, Browser, Driver, settled
from serverless_sessions.testing.stored import SessionMaker
from serverless_sessions.values import Map, codec, devalue
from serverless_sessions_adapters.sqlite import SqliteStore
from support.documents import AwaitedDocuments, MemoryDocuments

UUID_4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
ASTRO = SessionConfig.astro({})
REAL = '[["Map",1,2],"cart",{"data":3,"expires":-1},[4],{"sku":5,"qty":6},"a",2]'
DAY = 86_400


@pytest.fixture
def documents() -> MemoryDocuments:
    return MemoryDocuments()


@pytest.fixture(params=["sync", "async"])
def browser(documents: MemoryDocuments, request: pytest.FixtureRequest) -> Browser:
    driver: Driver = request.param
    store = DocumentStore(documents, lambda: AwaitedDocuments(documents))
    return Browser(SessionManager(store, ASTRO), driver)


def calling(call: Callable[[Any], Any]) -> Act:
    async def act(session: Any) -> Any:
        return await settled(call(session))

    return act


def putting(name: str, value: object) -> Act:
    return calling(lambda session: session.set(name, value))


def spent(documents: MemoryDocuments, browser: Browser, act: Act) -> list[str]:
    before = len(documents.asked)
    browser.request(act)
    return documents.asked[before:]


def astros(documents: MemoryDocuments, key: str) -> Map:
    """What Astro sees: a Map of entries, ours not counted."""
    found: Map = devalue.loads(documents.texts[key][0])
    return Map({n: entry["data"] for n, entry in found.items() if not n.startswith("_sls.")})


def test_the_id_is_a_uuid_under_which_the_store_has_the_session(
    browser: Browser, documents: MemoryDocuments
) -> None:
    browser.request(putting("cart", [{"sku": "a", "qty": 2}]))
    assert browser.outcome.set_cookie is not None
    assert browser.outcome.set_cookie.startswith("astro-session=")
    assert UUID_4.fullmatch(browser.id)
    assert list(documents.texts) == [browser.id]
    assert astros(documents, browser.id) == Map({"cart": [{"sku": "a", "qty": 2}]})

    before = browser.id
    browser.request(calling(lambda session: session.regenerate()))
    assert UUID_4.fullmatch(browser.id)
    assert browser.id != before
    assert astros(documents, before) == Map()

    browser.request(calling(lambda session: session.destroy()))
    assert list(documents.texts) == [before]
    assert browser.set_cookie == "clear"


def test_ids_are_random_uuids_of_version_4() -> None:
    drawn = {ids.ASTRO.draw() for _ in range(10_000)}
    assert len(drawn) == 10_000
    assert all(UUID_4.fullmatch(one) for one in drawn)
    assert uuid.UUID(drawn.pop()).version == 4


KNOWN = "0b5e1f2c-93a4-4d21-8f6e-1c2d3e4f5a6b"
NO_IDS = [
    KNOWN.upper(),
    f'"{KNOWN}"',
    KNOWN.replace("-4d21", "-1d21"),
    KNOWN.replace("-8f6e", "-cf6e"),
    f"{{{KNOWN}}}",
    KNOWN.replace("-", ""),
    f"{KNOWN}x",
    "A" * 43,
    "../..",
]


@pytest.mark.parametrize("session_id", NO_IDS)
def test_what_is_no_uuid_of_version_4_is_not_looked_up(
    browser: Browser, documents: MemoryDocuments, session_id: str
) -> None:
    browser.id = session_id
    assert spent(documents, browser, calling(lambda session: session.get("a"))) == []


def test_an_unknown_id_is_not_adopted(browser: Browser, documents: MemoryDocuments) -> None:
    browser.id = KNOWN
    assert spent(documents, browser, putting("a", 1)) == ["get", "put"]
    assert browser.id != KNOWN
    assert KNOWN not in documents.texts


def test_load_takes_an_id_of_this_kind(browser: Browser, documents: MemoryDocuments) -> None:
    documents.texts[KNOWN] = REAL, 0

    async def act(session: Any) -> Any:
        with pytest.raises(SessionNotFound):
            await settled(session.load(ids.draw()))
        await settled(session.load(KNOWN))
        return await settled(session.get("cart"))

    assert browser.request(act) == [{"sku": "a", "qty": 2}]


def test_a_session_that_astro_began_is_read_and_changed_in_place(
    browser: Browser, documents: MemoryDocuments
) -> None:
    documents.texts[KNOWN] = REAL, 0
    browser.id = KNOWN
    assert spent(documents, browser, calling(lambda session: session.get("cart"))) == ["get"]
    assert documents.texts[KNOWN][0] == REAL

    async def add(session: Any) -> None:
        (await settled(session.get("cart"))).append({"sku": "b", "qty": 1})

    assert spent(documents, browser, add) == ["get", "put"]
    assert browser.id == KNOWN
    assert astros(documents, KNOWN)["cart"] == [{"sku": "a", "qty": 2}, {"sku": "b", "qty": 1}]


def test_what_a_request_costs(browser: Browser, documents: MemoryDocuments) -> None:
    assert spent(documents, browser, calling(lambda session: session.get("a"))) == []
    assert spent(documents, browser, putting("a", 1)) == ["put"]
    assert spent(documents, browser, calling(lambda session: session.get("a"))) == ["get"]
    assert spent(documents, browser, putting("a", 2)) == ["get", "put"]
    regenerating = spent(documents, browser, calling(lambda session: session.regenerate()))
    assert regenerating == ["get", "put", "put", "put"]
    destroying = spent(documents, browser, calling(lambda session: session.destroy()))
    assert destroying == ["get", "put", "remove"]


def test_a_session_that_only_astro_uses_does_not_end_early(
    browser: Browser, documents: MemoryDocuments
) -> None:
    with FrozenClock() as clock:
        browser.request(putting("a", 1))
        clock.advance(29 * DAY)
        assert browser.request(calling(lambda session: session.get("a"))) == 1
        clock.advance(DAY)
        assert browser.request(calling(lambda session: session.get("a"))) is None


@pytest.mark.parametrize("lasts", [7200, 60 * DAY])
@pytest.mark.parametrize("first", ["set", "regenerate"])
@pytest.mark.parametrize("driver", ["sync", "async"])
@pytest.mark.parametrize("awaited", [True, False])
def test_what_astro_began_lasts_as_long_as_any_session_from_its_first_change_on(
    documents: MemoryDocuments, lasts: int, first: str, driver: Driver, awaited: bool
) -> None:
    open_async = (lambda: AwaitedDocuments(documents)) if awaited else None
    store = DocumentStore(documents, open_async)
    browser = Browser(
        SessionManager(store, SessionConfig.astro({}, absolute_timeout=lasts)), driver
    )
    documents.texts[KNOWN] = REAL, 0
    browser.id = KNOWN
    reading = calling(lambda session: session.get("cart"))
    with FrozenClock() as clock:
        browser.request(reading)
        assert documents.texts[KNOWN][0] == REAL
        clock.advance(lasts)
        changing = calling(lambda session: session.regenerate())
        browser.request(putting("n", 1) if first == "set" else changing)
        for _ in range(2):
            clock.advance(lasts // 2 - 1)
            browser.request(putting("n", 2))
        assert browser.request(reading) == [{"sku": "a", "qty": 2}]
        clock.advance(2)
        assert browser.request(reading) is None


class Registered:
    pass


def _named(name: str, value: object, session: Any) -> Any:
    return getattr(session, name)("basket", value)


def _to_number(_: Registered) -> int:
    return 1


def _from_number(_: int) -> Registered:
    return Registered()


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ((1, 2), "list"),
        ([{"price": Decimal("1.5")}], "str"),
        (uuid.UUID(KNOWN), "str"),
        (frozenset("a"), "set"),
        (datetime(2026, 1, 1), "naive"),  # noqa: DTZ001  (that is the point)
        (Registered(), "."),
    ],
)
def test_what_astro_could_not_read_is_refused_when_it_is_set(
    browser: Browser, documents: MemoryDocuments, value: object, remedy: str
) -> None:
    codec.register(Registered, "Registered", _to_number, _from_number)
    for name in ("set", "flash"):
        with pytest.raises(UnsupportedValue, match=remedy) as refused:
            browser.request(calling(partial(_named, name, value)))
        assert "basket" in str(refused.value)
    assert documents.texts == {}


def test_a_value_is_not_compressed(browser: Browser, documents: MemoryDocuments) -> None:
    with pytest.raises(Unsupported, match="Astro"):
        browser.request(calling(lambda session: session.set("a", "x" * 99, compress=True)))
    assert documents.texts == {}


def test_modify_flashes_users_and_tokens_work(browser: Browser, documents: MemoryDocuments) -> None:
    async def log_in(session: Any) -> Any:
        await settled(session.modify("n", lambda n: n + 1, 0))
        session.flash("hint", "hello")
        session.bind("ann")

    browser.request(log_in)

    async def look(session: Any) -> Any:
        info = session.info() if browser.driver == "sync" else await session.info()
        return await settled(session.flashes()), info.user, await settled(session.get("n"))

    assert browser.request(look) == ([("hint", "hello")], "ann", 1)
    assert browser.request(look) == ([], "ann", 1)
    assert astros(documents, browser.id) == Map({"n": 1})


def test_ids_may_come_in_a_header(documents: MemoryDocuments) -> None:
    documents.texts[KNOWN] = REAL, 0
    manager = SessionManager(DocumentStore(documents), ASTRO, id_from=header("X-Session-Id"))
    lines = {"x-session-id": [KNOWN]}
    session = manager.begin(Request(lambda name: lines.get(name, []))).session
    assert session["cart"] == [{"sku": "a", "qty": 2}]


def test_a_platforms_id_is_refused_with_its_reason() -> None:
    config = SessionConfig.astro({}, trusted_id_key="k" * 32)
    with pytest.raises(ConfigurationError, match="cookie alone"):
        SessionManager(config=config, trusted_id=("connection", lambda request: None))


def test_a_store_where_astro_does_not_look_is_refused(tmp_path: Path) -> None:
    for store in (SqliteStore(tmp_path / "s.db"), f"sqlite:///{tmp_path}/t.db"):
        with pytest.raises(ConfigurationError, match="layout=astro"):
            _ = SessionManager(store, ASTRO).store
    adopting_nothing = DocumentStore(MemoryDocuments(), adopts=False)
    with pytest.raises(ConfigurationError, match="layout=astro"):
        SessionManager(adopting_nothing, ASTRO).open_now()
    assert SessionManager(f"file://{tmp_path}", ASTRO).store.guarantees.shared_with_astro
    assert SessionManager("memory://", ASTRO).store.kind == "memory"


def test_sessions_can_be_made_for_a_test_of_a_handler() -> None:
    made = SessionMaker(MemoryStore())(user="ann", data={"a": [1]}, config=ASTRO)
    assert UUID_4.fullmatch(made.id)
    assert (made.user(), made.data()) == ("ann", {"a": [1]})
