"""The exact types of what the two sessions give, and of what they take."""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import timedelta
from typing import Any, assert_type

from serverless_sessions import AsyncSession, Session, SessionInfo


def add(count: int) -> int:
    return count + 1


def sync(session: Session) -> None:
    assert_type(session["k"], Any)
    assert_type(session.get("k"), Any)
    assert_type(session.get("k", 1), Any)
    assert_type(session.pop("k"), Any)
    assert_type(session.pop("k", None), Any)
    assert_type(session.setdefault("k", 1), Any)
    assert_type(session.has("k"), bool)
    assert_type("k" in session, bool)
    assert_type(len(session), int)
    assert_type(list(session), list[str])
    assert_type(dict(session), dict[str, Any])
    assert_type(session.modify("k", add, default=0), Any)
    assert_type(session.modify("k", lambda n: n + 1, 0, ttl=None), Any)
    assert_type(session.flashes(), list[tuple[str, Any]])
    assert_type(session.info(), SessionInfo)
    assert_type(session.info().user, str | None)
    assert_type(session.info().handle, str | None)
    assert_type(session.user, str | None)
    assert_type(session.id, str | None)
    assert_type(session.authenticated_within(300), bool)
    assert_type(session.csrf_token(), str)
    assert_type(session.is_csrf_token(None), bool)
    session["k"] = 1
    del session["k"]
    session.update({"k": 1}, l=2)
    session.set("k", 1, ttl=60)
    session.set("k", 1, ttl=timedelta(minutes=1))
    session.delete("k")
    session.clear()
    session.flash("k", "v")
    session.load("id")
    session.save()
    session.regenerate()
    session.bind("ann")
    session.bind(None)
    session.destroy()
    mapping: MutableMapping[str, Any] = session
    mapping["k"] = 2


async def awaited(session: AsyncSession) -> None:
    assert_type(await session.get("k"), Any)
    assert_type(await session.get("k", 1), Any)
    assert_type(await session.pop("k", None), Any)
    assert_type(await session.setdefault("k", 1), Any)
    assert_type(await session.has("k"), bool)
    assert_type(await session.keys(), list[str])
    assert_type(await session.authenticated_within(timedelta(minutes=5)), bool)
    assert_type(await session.csrf_token(), str)
    assert_type(await session.is_csrf_token("token"), bool)
    assert_type(await session.values(), list[Any])
    assert_type(await session.items(), list[tuple[str, Any]])
    assert_type(await session.modify("k", add, default=0), Any)
    assert_type(await session.flashes(), list[tuple[str, Any]])
    assert_type(await session.info(), SessionInfo)
    assert_type(session.id, str | None)
    await session.update({"k": 1}, l=2)
    await session.load("id")
    await session.save()
    session.set("k", 1, ttl=60)
    session.delete("k")
    session.clear()
    session.flash("k", "v")
    session.regenerate()
    session.bind("ann")
    session.destroy()
