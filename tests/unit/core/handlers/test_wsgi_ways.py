"""An application that answers in any order that PEP 3333 allows, fails anywhere, and a store that
may be down: what the client gets, and what is stored by then, is as the plain rule says."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from serverless_sessions import MemoryStore, SessionClosed, SessionConfig, StoreUnavailable
from serverless_sessions.handlers.wsgi import KEY, SessionMiddleware
from serverless_sessions.testing.watched import WatchedStore

PIECES = st.sampled_from([b"", b"a", b"bc"])
STEPS = st.one_of(
    st.sampled_from([("set", None), ("raise", None), ("try to write", b"s")]),
    st.tuples(st.just("restart"), st.sampled_from(["303 See Other", "500 Broken"])),
    st.tuples(st.sampled_from(["write", "yield"]), PIECES),
)
REFUSED = "503 Service Unavailable"


class Failure(Exception):
    """The application's own."""


class Seen(NamedTuple):
    status: str | None
    body: bytes
    stored: int
    raised: bool


class Rule:
    """The session is saved with the first byte, or at the end; all follows from that."""

    def __init__(self, is_down: bool) -> None:
        self.is_down = is_down
        self.status, self.body = "200 OK", b""
        self.sets = 0
        self.begun = self.refused = False

    def expect(self, steps: list[Any]) -> Seen:
        for kind, value in [*steps, ("end", None)]:
            if kind == "set":
                self.sets += not self.begun
            elif kind == "raise" or (kind == "restart" and self.begun):
                return self._seen(raised=True)
            elif kind == "restart":
                self.status = value
            elif kind == "end" or value:
                if not self._begins() and kind != "try to write":
                    return Seen(REFUSED, b"Service Unavailable", 0, False)
                if self.begun:
                    self.body += value or b""
        return self._seen(raised=False)

    def _begins(self) -> bool:
        saves = self.sets > 0 and not self.status.startswith("5")
        self.refused = self.refused or (not self.begun and saves and self.is_down)
        self.begun = not self.refused
        return self.begun

    def _seen(self, raised: bool) -> Seen:
        stored = self.sets if self.begun and not self.status.startswith("5") else 0
        return Seen(self.status if self.begun else None, self.body, stored, raised)


class App:
    def __init__(self, steps: list[Any], *, late: bool) -> None:
        self.steps, self.late = steps, late
        self.returned = self.closed = 0

    def __call__(self, environ: dict[str, Any], start: Any) -> App:
        pieces = self._run(environ[KEY], start)
        self.first = [] if self.late else [piece for piece in [next(pieces, None)] if piece]
        self.rest = pieces
        self.returned += 1
        return self

    def __iter__(self) -> Iterator[bytes]:
        yield from self.first
        yield from self.rest

    def close(self) -> None:
        self.closed += 1

    def _run(self, session: Any, start: Any) -> Iterator[bytes]:
        write = start("200 OK", [])
        for number, (kind, value) in enumerate(self.steps):
            match kind:
                case "set":
                    with suppress(SessionClosed):
                        session.set(f"n{number}", 1)
                case "raise":
                    raise Failure
                case "restart":
                    try:
                        raise Failure
                    except Failure:
                        start(value, [], sys.exc_info())
                case "write":
                    write(value)
                case "try to write":
                    with suppress(StoreUnavailable):
                        write(value)
                case "yield":
                    yield value


@settings(max_examples=300)
@given(st.lists(STEPS, max_size=7), st.booleans(), st.booleans())
def test_what_is_seen_follows_from_the_rule(steps: list[Any], late: bool, is_down: bool) -> None:
    store = WatchedStore(MemoryStore())
    app = App(steps, late=late)
    statuses: list[str] = []
    sent: list[bytes] = []
    stored: list[int] = [0]

    def down(_: str) -> None:
        if is_down:
            raise StoreUnavailable("the store is down")

    def start_response(status: str, _: Any, exc_info: Any = None) -> Any:
        if exc_info and statuses:
            raise exc_info[1]
        statuses.append(status)
        stored[0] = sum(len(record.entries) for _, record in store.inner.scan())
        return sent.append

    store.before = down
    site: Any = SessionMiddleware(app, store=store, config=SessionConfig())
    raised = False
    try:
        body = site({"REQUEST_METHOD": "GET"}, start_response)
        try:
            for piece in body:
                assert statuses, "a piece of the body came before a status"
                sent.append(piece)
        finally:
            if isinstance(body, list):
                assert app.closed == app.returned, "the application's body was dropped, not closed"
            else:
                body.close()
    except Failure:
        raised = True
    assert app.closed == app.returned
    seen = Seen(statuses[0] if statuses else None, b"".join(sent), stored[0], raised)
    assert seen == Rule(is_down).expect(steps)
    after = sum(len(record.entries) for _, record in store.inner.scan())
    assert after == stored[0], "something was stored after the answer had begun"
