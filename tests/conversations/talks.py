"""The twelve conversations, and what a visitor sees of each, whatever stands in between."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

from serverless_sessions import ids

from .visitor import COOKIE, Visitor

Outage = Callable[[], AbstractContextManager[None]]
"""While the context lasts, the store cannot be reached."""


class Talk(NamedTuple):
    hold: Callable[[Visitor, Outage], None]
    seen: list[str]


def _new_visitor(visitor: Visitor, _: Outage) -> None:
    visitor.get("/plain")
    visitor.get("/look")
    visitor.post("/set/a/1")


def _return(visitor: Visitor, _: Outage) -> None:
    visitor.post("/set/a/1")
    visitor.get("/look")
    visitor.post("/set/b/2")
    visitor.get("/plain")
    visitor.get("/look")


def _log_in(visitor: Visitor, _: Outage) -> None:
    visitor.post("/set/a/1")
    before = visitor.id
    visitor.post("/login/ann")
    visitor.get("/look")
    visitor.say("/look", f"{COOKIE}={before}")


def _log_out(visitor: Visitor, _: Outage) -> None:
    visitor.post("/login/ann")
    before = visitor.id
    visitor.post("/logout")
    visitor.get("/look")
    visitor.say("/look", f"{COOKIE}={before}")


def _stale_cookie(visitor: Visitor, _: Outage) -> None:
    visitor.id = ids.draw()
    visitor.get("/look")
    visitor.post("/set/a/1")
    visitor.get("/look")


def _hostile_cookie(visitor: Visitor, _: Outage) -> None:
    for value in ("../" * 20, "<script>", "x" * 3000, f'"{ids.draw()}"', "\xe9" * 43, "%41" * 43):
        visitor.say("/look", f"{COOKIE}={value}")


def _two_cookies_of_one_name(visitor: Visitor, _: Outage) -> None:
    visitor.post("/set/a/1")
    visitor.say("/look", f"{COOKIE}={ids.draw()}; other=1; {COOKIE}={visitor.id}")
    visitor.say("/look", f"{COOKIE}={visitor.id}; {COOKIE}={ids.draw()}")
    visitor.say("/look", f"{COOKIE}=nonsense; {COOKIE}={visitor.id}")


def _parallel_writes(visitor: Visitor, _: Outage) -> None:
    visitor.post("/set/a/1")
    visitor.post_at_once(["/slow/b", "/slow/c"])
    visitor.get("/look")


def _handler_error(visitor: Visitor, _: Outage) -> None:
    visitor.post("/set/a/1")
    visitor.post("/raise")
    visitor.get("/look")


def _server_error_answer(visitor: Visitor, _: Outage) -> None:
    visitor.post("/set/a/1")
    visitor.post("/broken")
    visitor.post("/missing")
    visitor.get("/look")


def _store_down(visitor: Visitor, outage: Outage) -> None:
    visitor.post("/set/a/1")
    with outage():
        visitor.get("/look")
        visitor.post("/set/a/2")
        visitor.get("/plain")
    visitor.get("/look")


def _redirect_after_save(visitor: Visitor, _: Outage) -> None:
    visitor.post("/moved")
    visitor.get("/look")
    visitor.post("/count")
    visitor.post("/count")


_READ = "private vary cookie"
_ISSUED = "new id no-store vary cookie"

TALKS: dict[str, Talk] = {
    "new visitor": Talk(
        _new_visitor,
        [
            "GET /plain -> 200 'plain'",
            f"GET /look -> 200 'nobody' {_READ}",
            f"POST /set/a/1 -> 200 'set a' {_ISSUED}",
        ],
    ),
    "return": Talk(
        _return,
        [
            f"POST /set/a/1 -> 200 'set a' {_ISSUED}",
            f"GET /look -> 200 'nobody a=1' {_READ}",
            "POST /set/b/2 -> 200 'set b'",
            "GET /plain -> 200 'plain'",
            f"GET /look -> 200 'nobody a=1 b=2' {_READ}",
        ],
    ),
    "log in": Talk(
        _log_in,
        [
            f"POST /set/a/1 -> 200 'set a' {_ISSUED}",
            f"POST /login/ann -> 303 '' to /look {_ISSUED}",
            f"GET /look -> 200 'ann a=1' {_READ}",
            f"GET /look -> 200 'nobody' {_READ}",
        ],
    ),
    "log out": Talk(
        _log_out,
        [
            f"POST /login/ann -> 303 '' to /look {_ISSUED}",
            "POST /logout -> 200 'bye' cleared no-store vary cookie",
            f"GET /look -> 200 'nobody' {_READ}",
            f"GET /look -> 200 'nobody' {_READ}",
        ],
    ),
    "stale cookie": Talk(
        _stale_cookie,
        [
            f"GET /look -> 200 'nobody' {_READ}",
            f"POST /set/a/1 -> 200 'set a' {_ISSUED}",
            f"GET /look -> 200 'nobody a=1' {_READ}",
        ],
    ),
    "hostile cookie": Talk(_hostile_cookie, [f"GET /look -> 200 'nobody' {_READ}"] * 6),
    "two cookies of one name": Talk(
        _two_cookies_of_one_name,
        [
            f"POST /set/a/1 -> 200 'set a' {_ISSUED}",
            *[f"GET /look -> 200 'nobody a=1' {_READ}"] * 3,
        ],
    ),
    "parallel writes": Talk(
        _parallel_writes,
        [
            f"POST /set/a/1 -> 200 'set a' {_ISSUED}",
            f"POST /slow/b -> 200 'set b' {_READ}",
            f"POST /slow/c -> 200 'set c' {_READ}",
            f"GET /look -> 200 'nobody a=1 b=slow c=slow' {_READ}",
        ],
    ),
    "handler error": Talk(
        _handler_error,
        [
            f"POST /set/a/1 -> 200 'set a' {_ISSUED}",
            "POST /raise -> 500",
            f"GET /look -> 200 'nobody a=1' {_READ}",
        ],
    ),
    "5xx": Talk(
        _server_error_answer,
        [
            f"POST /set/a/1 -> 200 'set a' {_ISSUED}",
            "POST /broken -> 500",
            "POST /missing -> 404",
            f"GET /look -> 200 'nobody a=1 missed=yes' {_READ}",
        ],
    ),
    "store down": Talk(
        _store_down,
        [
            f"POST /set/a/1 -> 200 'set a' {_ISSUED}",
            "GET /look -> 503 retry after 1 no-store vary cookie",
            "POST /set/a/2 -> 503 retry after 1 no-store",
            "GET /plain -> 200 'plain'",
            f"GET /look -> 200 'nobody a=1' {_READ}",
        ],
    ),
    "redirect after save": Talk(
        _redirect_after_save,
        [
            f"POST /moved -> 303 '' to /look {_ISSUED}",
            f"GET /look -> 200 'nobody moved=yes' {_READ}",
            f"POST /count -> 200 '1' {_READ}",
            f"POST /count -> 200 '2' {_READ}",
        ],
    ),
}
