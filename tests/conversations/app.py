"""What the application does at each path, with a Session or an AsyncSession."""

from __future__ import annotations

import asyncio
import time
from typing import Any, NamedTuple

from serverless_sessions import AsyncSession, Session
from serverless_sessions.testing.browser import settled
from serverless_sessions.testing.watched import finished

WAIT = 0.4
"""Seconds that a slow request takes between reading and writing."""


class Reply(NamedTuple):
    status: int
    body: str
    headers: dict[str, str]


def reply(path: str, session: Session) -> Reply:
    """The answer of a ``def`` handler."""
    return finished(_reply(path, session, _sleep))


async def reply_async(path: str, session: AsyncSession) -> Reply:
    """The answer of an ``async def`` handler."""
    return await _reply(path, session, asyncio.sleep)


async def _sleep(seconds: float) -> None:
    time.sleep(seconds)


async def _reply(path: str, session: Any, sleep: Any) -> Reply:
    match path.strip("/").split("/"):
        case ["plain"]:
            return _text("plain")
        case ["look"]:
            return _text(await _shown(session))
        case ["set", name, value]:
            session.set(name, value)
            return _text(f"set {name}")
        case ["slow", name]:
            await settled(session.get(name))
            await sleep(WAIT)
            session.set(name, "slow")
            return _text(f"set {name}")
        case ["count"]:
            return _text(str(await settled(session.modify("n", lambda n: n + 1, 0))))
        case ["login", user]:
            session.bind(user)
            return Reply(303, "", {"Location": "/look"})
        case ["logout"]:
            session.destroy()
            return _text("bye")
        case ["moved"]:
            session.set("moved", "yes")
            return Reply(303, "", {"Location": "/look"})
        case ["broken"]:
            session.set("broken", "yes")
            return Reply(500, "broken", {"Content-Type": "text/plain"})
        case ["raise"]:
            session.set("raised", "yes")
            raise RuntimeError("the handler raised, as it was asked to")
        case ["missing"]:
            session.set("missed", "yes")
            return Reply(404, "nothing", {"Content-Type": "text/plain"})
    return Reply(400, "no such path", {"Content-Type": "text/plain"})


async def _shown(session: Any) -> str:
    user = (await settled(session.info())).user or "nobody"
    keys = sorted(await settled(session.keys()))
    return " ".join([user, *[f"{key}={await settled(session.get(key))}" for key in keys]])


def _text(body: str) -> Reply:
    return Reply(200, body, {"Content-Type": "text/plain"})
