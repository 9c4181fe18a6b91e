"""A store of sealed sessions under somebody who can write to it, and browsers with any keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from serverless_sessions import MemoryStore, SessionConfig, SessionManager, ids, keyring
from serverless_sessions.memory import _Marker
from serverless_sessions.store import Entry, Record
from serverless_sessions.testing.browser import Act, Browser, Driver, settled
from serverless_sessions.testing.watched import WatchedStore

GRACE = 30
OLD, NEW = keyring.draw(), keyring.draw()


class Vault:
    """Browsers of one store; ``keys`` are those of the function that they visit."""

    def __init__(self, driver: Driver, max_bytes: int = 1_000_000) -> None:
        self.driver = driver
        self.memory = MemoryStore(max_bytes)
        self.store = WatchedStore(self.memory)

    def browser(self, *keys: str, like: Browser | None = None, id_: str = "") -> Browser:
        config = SessionConfig(encryption_keys=keys, rotation_grace=GRACE)
        manager = SessionManager(self.store, config)
        return Browser(manager, self.driver, like.id if like is not None else id_)

    def record(self, browser: Browser) -> Record:
        found = self.memory.load(ids.stored_key(browser.id))
        assert isinstance(found, Record)
        return found

    def texts(self, browser: Browser) -> dict[str, str]:
        return {name: entry.text for name, entry in self.record(browser).entries.items()}

    def overwrite(self, browser: Browser, alter: Callable[[Record], Record]) -> None:
        """As somebody does it who can write to the store."""
        key = ids.stored_key(browser.id)
        self.memory._kept[key] = alter(self.record(browser))

    def overwrite_entries(self, browser: Browser, entries: Mapping[str, Entry]) -> None:
        self.overwrite(browser, lambda record: record._replace(entries=dict(entries)))

    def mark(self, browser: Browser, to: str, until: int) -> None:
        """Leave a marker in place of the session, leading to the stored key ``to``."""
        self.memory._kept[ids.stored_key(browser.id)] = _Marker(to, until, until + 10_000)


def doing(act: Callable[[Any], Any]) -> Act:
    """``act`` as a handler of either driver; its answer is awaited where it can be."""

    async def handler(session: Any) -> Any:
        return await settled(act(session))

    return handler


def setting(**values: Any) -> Act:
    async def handler(session: Any) -> None:
        for name, value in values.items():
            session.set(name, value)

    return handler


def getting(name: str) -> Act:
    return doing(lambda session: session.get(name))


async def contents(session: Any) -> dict[str, Any]:
    """All that a handler sees of its session, its user included."""
    seen = {name: await settled(session.get(name)) for name in await settled(session.keys())}
    user = (await settled(session.info())).user
    return {**seen, "@": user} if user is not None else seen


async def who(session: Any) -> Any:
    return (await settled(session.info())).user


async def log_in(session: Any) -> None:
    session.bind("ann")
    session.set("cart", ["mug"])
    session.set("seen", 1)
    session.flash("note", "hello")


HERS = {"cart": ["mug"], "seen": 1, "@": "ann"}
"""What Ann finds after ``log_in``."""

READS: dict[str, Act] = {
    "get": getting("cart"),
    "has": doing(lambda s: s.has("cart")),
    "keys": contents,
    "modify": doing(lambda s: s.modify("cart", lambda cart: [*cart, 1], [])),
    "flashes": doing(lambda s: s.flashes()),
    "info": doing(lambda s: s.info()),
    "bind": doing(lambda s: s.bind("bob")),
    "bind again": doing(lambda s: s.bind("ann")),
    "unbind": doing(lambda s: s.bind(None)),
    "regenerate": doing(lambda s: s.regenerate()),
}
"""All that needs to know what is stored."""
