"""How many sessions a user may have at a time, and what a log-in does that would be one more.

``refuse`` looks before the log-in: a session that is refused stays as it was. Both modes look
again when the log-in is in place, and end those beyond the limit in the one order of log-ins that
every request sees: the oldest, or where others are refused the newest. So of log-ins at the same
time, which all found room, the last one to look leaves as many as are allowed, whoever they are.
A log-in that finds itself ended raises TooManySessions.

Cut off before the second look, a log-in may be one too many until the user's next one.
"""

from __future__ import annotations

from collections.abc import Callable

from .config import SessionConfig
from .errors import TooManySessions
from .state import Binding
from .steps import Steps
from .store import Record
from .users import Users


class SessionLimit:
    """For the log-ins of one invocation. Without a limit it asks the store nothing."""

    def __init__(self, config: SessionConfig, users: Users) -> None:
        self._most = config.max_per_user
        self._refuses = config.on_max_per_user == "refuse"
        self._users = users
        self._holds_already: str | None = None
        self._arrived: tuple[str, str] | None = None

    def admit(
        self, binding: Binding | None, read: Callable[[], Steps[Record | None]]
    ) -> Steps[None]:
        """Before a log-in by the session that ``read`` gives. A session that is the user's already
        adds none. Raises TooManySessions, Unsupported.
        """
        if not self._most or binding is None or binding.user is None:
            return
        self._users.require_listing()
        if not self._refuses:
            return
        record = yield from read()
        handles = [one.handle for one in (yield from self._users.live(binding.user))]
        if record is not None and record.facts.rid in handles:
            self._holds_already = record.facts.rid
        elif len(handles) >= self._most:
            raise self.too_many()

    def arrived(self, binding: Binding | None, handle: str) -> None:
        """The session of this handle has a new id, and is bound as ``binding`` says."""
        user = binding.user if binding is not None else None
        if user is not None and self._most and handle != self._holds_already:
            self._arrived = user, handle

    def settle(self) -> Steps[bool]:
        """After a log-in: end what is beyond the limit. Says whether the log-in does not hold."""
        if self._arrived is None:
            return False
        user, handle = self._arrived
        live = yield from self._users.live(user)
        stays = live[-self._most :] if self._refuses else live[: self._most]
        for one in live:
            if one not in stays:
                yield from self._users.end(one.key, user, seen=one.record)
        self._arrived = None
        return handle not in [one.handle for one in stays]

    def too_many(self) -> TooManySessions:
        return TooManySessions(
            f"the user has {self._most} sessions, as many as SESSION_MAX_PER_USER allows: this "
            "log-in does not hold; one must end first"
        )
