"""The shop, free of any platform: which request does what, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from serverless_sessions import Session
from serverless_sessions.csrf import is_cross_site

from . import actions, pages
from .art import ICON
from .catalogue import cart_lines
from .web import Answer, BadForm, Request

Action = Callable[[Request, Session], Answer]

STYLE = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
PERSONAL = {"Cache-Control": "no-store"}
SAME_FOR_ALL = {"Cache-Control": "public, max-age=300"}
FORGET = {"Cache-Control": "no-store", "Clear-Site-Data": '"cache"'}


def answer(request: Request, session: Session) -> Answer:
    """Answer one request. Only the pages that need the session touch it."""
    methods = ROUTES.get(request.path)
    if methods is None:
        return _problem(404, "There is nothing at this address.")
    action = methods.get("GET" if request.method == "HEAD" else request.method)
    if action is None:
        allowed = "GET, HEAD" if "GET" in methods else ", ".join(methods)
        return _problem(405, "This address does not take that method.", {"Allow": allowed})
    if is_cross_site(request.method, request.headers):
        return _problem(403, "Another site sent this form, so nothing was done.")
    try:
        return action(request, session)
    except BadForm as error:
        return _problem(400, str(error))


def home(_: Request, session: Session) -> Answer:
    notices = [text for _, text in session.flashes()]
    lines = cart_lines(session.get("cart", {}))
    return Answer(200, pages.home(notices, lines, session.info()), more=PERSONAL)


def facts(_: Request, session: Session) -> Answer:
    slow = {name: session.get(key) for name, key in actions.SLOW_KEYS.items()}
    return Answer(200, pages.facts(slow, session.info()), more=PERSONAL)


def about(_: Request, __: Session) -> Answer:
    return Answer(200, pages.about(), more=SAME_FOR_ALL)


def goodbye(_: Request, __: Session) -> Answer:
    return Answer(200, pages.goodbye(), more=SAME_FOR_ALL)


def forget(_: Request, __: Session) -> Answer:
    """Asked for by the page that follows a log-out, when the browser has put the last one away.

    For its back button it may keep pages whole, no-store or not, and show them again to whoever
    sits there next. At the log-out itself the page to forget would still be the open one.
    """
    return Answer(200, "", "text/css; charset=utf-8", FORGET)


def style(_: Request, __: Session) -> Answer:
    return Answer(200, STYLE, "text/css; charset=utf-8", SAME_FOR_ALL)


def icon(_: Request, __: Session) -> Answer:
    return Answer(200, ICON, "image/svg+xml", SAME_FOR_ALL)


def _problem(status: int, text: str, more: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, pages.problem(status, text), more={**PERSONAL, **(more or {})})


ROUTES: dict[str, dict[str, Action]] = {
    "/": {"GET": home},
    "/facts": {"GET": facts},
    "/about": {"GET": about},
    "/goodbye": {"GET": goodbye},
    "/forget.css": {"GET": forget},
    "/style.css": {"GET": style},
    "/icon.svg": {"GET": icon},
    "/cart/add": {"POST": actions.add},
    "/cart/change": {"POST": actions.change},
    "/cart/remove": {"POST": actions.remove},
    "/login": {"POST": actions.login},
    "/logout": {"POST": actions.logout},
    "/slow": {"POST": actions.slow},
}
