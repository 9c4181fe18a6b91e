"""What a visitor's request costs at a store: requests to its server and bytes on the wire."""

from __future__ import annotations

from typing import Any, NamedTuple

from serverless_sessions import SessionManager, SessionStore
from serverless_sessions.testing.browser import Act, Browser
from servers.fault_proxy import FaultProxy

SMALL = {f"key{n}": "x" * 100 for n in range(10)}
LARGE = {f"key{n}": "x" * 2000 for n in range(100)}


class Cost(NamedTuple):
    """``sent`` and ``received`` are bytes as the client sees them, HTTP headers included."""

    requests: int
    sent: int
    received: int

    def __str__(self) -> str:
        return f"{self.requests} · {_bytes(self.sent)} / {_bytes(self.received)}"


def _bytes(count: int) -> str:
    return f"{count} B" if count < 1000 else f"{count / 1000:.1f} kB"


async def _read(session: Any) -> None:
    session.get("key0")


async def _set(session: Any) -> None:
    session.set("key0", "y" * 20)


async def _read_and_change(session: Any) -> None:
    session.set("key0", session.get("key1")[:20])


async def _modify(session: Any) -> None:
    session.modify("count", lambda n: n + 1, 0)


async def _regenerate(session: Any) -> None:
    session.regenerate()


async def _log_in(session: Any) -> None:
    session.bind("ann")


async def _log_out(session: Any) -> None:
    session.destroy()


ACTS: dict[str, Act] = {
    "read": _read,
    "set, not read before": _set,
    "read and change": _read_and_change,
    "`modify`": _modify,
    "`regenerate`": _regenerate,
    "log in": _log_in,
    "log out": _log_out,
}
FIRST = "first `set` of a visitor"
ONE_KEY = "set one 20-byte key of a 200 kB session"


def costs(store: SessionStore, proxy: FaultProxy, *, large: bool = True) -> dict[str, Cost]:
    """Each kind of request once, on a warm connection, on a session of 1 kB, and if ``large`` on
    one of 200 kB."""
    manager = SessionManager(store)

    def spent(browser: Browser, act: Act) -> Cost:
        before = proxy.traffic
        browser.request(act)
        return Cost(*(proxy.traffic - before))

    def visitor(data: dict[str, str]) -> tuple[Browser, Cost]:
        async def visit(session: Any) -> None:
            session.update(data)

        browser = Browser(manager)
        return browser, spent(browser, visit)

    warm = visitor(SMALL)[0]  # what a connection and a server do once
    acts = [name for name in ACTS if store.guarantees.conditional or name != "`modify`"]
    for name in acts:
        warm.request(ACTS[name])
    found = {FIRST: visitor(SMALL)[1]}
    for name in acts:
        act, browser = ACTS[name], visitor(SMALL)[0]
        if name == "log out":
            browser.request(_log_in)
        found[name] = spent(browser, act)
    if large:
        found[ONE_KEY] = spent(visitor(LARGE)[0], _set)
    return found
