"""What a user's own page asks: where am I logged in, and log me out there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from . import clock
from .arguments import check_key, check_user
from .errors import InvalidArgument, SessionNotFound
from .opened import decoded
from .steps import Steps
from .users import LiveSession, Users
from .values.codecs import Codec


@dataclass(frozen=True, slots=True)
class UserSession:
    """One session of a user, as another of that user's may see it; never its id.

    ``handle`` names it to ``revoke``. Moments are aware datetimes in UTC. ``last_used_at`` is
    worked out from the idle deadline, which use moves once in ``touch_every`` at most, so it may
    lie that far back. ``data`` are the values of the keys that were asked for and are there.
    """

    handle: str
    created_at: datetime
    authenticated_at: datetime | None
    last_used_at: datetime
    expires_at: datetime
    data: Mapping[str, Any] = field(repr=False)


class Accounts:
    """The questions, as steps."""

    def __init__(self, users: Users, idle_timeout: int, codec: Codec) -> None:
        self._users = users
        self._codec = codec
        self._idle_timeout = idle_timeout

    def sessions_of(self, user: str, show: Iterable[str]) -> Steps[list[UserSession]]:
        """Raises InvalidArgument, Unsupported, and CorruptRecord for a value of ``show``."""
        _check(user)
        if isinstance(show, str):
            raise InvalidArgument("show takes several keys, as in show=('device',)")
        names = list(show)
        for name in names:
            check_key(name)
        live = yield from self._users.live(user)
        return [self._shown(one, names) for one in live]

    def revoke(self, user: str, handle: str) -> Steps[None]:
        """Raises SessionNotFound, InvalidArgument, Unsupported."""
        _check(user)
        one = yield from self._users.find(user, handle)
        if one is None:
            raise SessionNotFound("the handle given to revoke() names no live session of that user")
        yield from self._users.end(one.key, user, seen=one.record)

    def revoke_all(self, user: str, keep: str | None) -> Steps[int]:
        """How many were ended; not the one with the handle ``keep``."""
        _check(user)
        ended = 0
        for key in (yield from self._users.listed(user)):
            ended += yield from self._users.end(key, user, keep=keep)
        return ended

    def _shown(self, one: LiveSession, names: Iterable[str]) -> UserSession:
        facts, opened = self._users.records.facts(one.record, one.key), self._users.records.opened
        entries, now = one.record.entries, clock.now()
        data = {
            name: decoded(self._codec, name, opened(name, entries[name], one.key).text)
            for name in names
            if name in entries and entries[name].alive(now)
        }
        began = facts.authenticated_at or facts.created
        return UserSession(
            handle=one.handle,
            created_at=clock.moment(facts.created),
            authenticated_at=(
                clock.moment(facts.authenticated_at) if facts.authenticated_at else None
            ),
            last_used_at=clock.moment(max(began, min(now, one.record.idle - self._idle_timeout))),
            expires_at=clock.moment(one.record.deadline),
            data=data,
        )


def _check(user: object) -> None:
    if not isinstance(user, str) or not user:
        raise InvalidArgument("a user is a non-empty str, as given to bind()")
    check_user(user)
