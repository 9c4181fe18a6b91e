"""Session: a mutable mapping that lasts from one invocation of a function to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from . import csrf
from .contents import KEEP, MISSING, Keep, SessionInfo
from .intents import Intents
from .lifecycle import Lifecycle
from .steps import Steps

T = TypeVar("T")


class Drive(Protocol):
    """Runs the steps of a lifecycle."""

    def __call__(self, steps: Steps[T]) -> T: ...


class Session(Intents, MutableMapping[str, Any]):
    """A visitor's session. Nothing is read until something needs the data, nothing written
    unless something changed; the changes are stored before the response leaves.

    Raises StoreUnavailable, StoreTimeout or AccessDenied when the store fails, InvalidArgument
    for a key that is not allowed, and SessionClosed after the response. Not for use by several
    threads at once.
    """

    def __init__(self, life: Lifecycle, drive: Drive) -> None:
        super().__init__(life)
        self._drive = drive

    def get(self, key: str, default: Any = None) -> Any:
        """The value of ``key``. Changes made inside it are noticed and saved.

        Raises CorruptRecord when what is stored there cannot be decoded.
        """
        value = self._drive(self._contents.get(key))
        return default if value is MISSING else value

    def has(self, key: str) -> bool:
        return self._drive(self._contents.has(key))

    def modify(
        self,
        key: str,
        fn: Callable[[Any], Any],
        default: Any = None,
        *,
        ttl: float | timedelta | Keep | None = KEEP,
    ) -> Any:
        """Store ``fn(current value)`` at once and return it, losing no concurrent change.

        ``fn`` gets a fresh copy on each attempt and returns the new value. Raises Conflict
        when others kept changing the key until the invocation's time was up, Unsupported
        where the store has no conditional writes.
        """
        return self._drive(self._contents.modify(key, fn, default, ttl))

    def flashes(self) -> list[tuple[str, Any]]:
        """What earlier requests flashed, oldest first; each is shown once."""
        return self._drive(self._contents.flashes())

    def load(self, session_id: str) -> None:
        """Work on another live session; unsaved changes to this one are saved first.

        The client's cookie stays as it is, unless ``regenerate`` or ``bind`` follows. Raises
        SessionNotFound.
        """
        self._drive(self._contents.load(session_id))

    def save(self) -> None:
        """Store all changes now. Raises SessionGone when the session has ended meanwhile."""
        self._drive(self._contents.save())

    def info(self) -> SessionInfo:
        """Who holds the session, since when and until when."""
        return self._drive(self._contents.info())

    def authenticated_within(self, seconds: float | timedelta) -> bool:
        """Whether the user logged in that recently; if not, ask for the log-in again before
        anything sensitive (ASVS 5.0 7.5.1 and 7.5.3)."""
        return self.info().authenticated_within(seconds)

    def csrf_token(self) -> str:
        """A token for the forms of a page, another one each time, that only this session accepts.

        It ends with the session's id, so ask for it after ``bind`` or ``regenerate``. The first
        one of an id writes at once, and begins the session where there is none. Raises Unsupported
        where the store has no conditional writes.
        """
        return csrf.masked(self._drive(self._contents.csrf_secret()))

    def is_csrf_token(self, token: object) -> bool:
        """Whether ``token``, whatever a request sent as one, is of this session: if not, answer
        with 403."""
        return self._drive(self._contents.is_csrf_token(token))

    @property
    def user(self) -> str | None:
        """The user that the session is bound to."""
        return self.info().user

    def __getitem__(self, key: str) -> Any:
        value = self._drive(self._contents.get(key))
        if value is MISSING:
            raise KeyError(key)
        return value

    def __setitem__(self, key: str, value: Any) -> None:
        self.set(key, value)

    def __delitem__(self, key: str) -> None:
        if not self.has(key):
            raise KeyError(key)
        self.delete(key)

    def __contains__(self, key: object) -> bool:
        return self.has(key)  # type: ignore[arg-type]  # a wrong type gets our error

    def __iter__(self) -> Iterator[str]:
        return iter(self._drive(self._contents.names()))

    def __len__(self) -> int:
        return len(self._drive(self._contents.names()))

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The value of ``key``, set to ``default`` first where it is absent."""
        if not self.has(key):
            self.set(key, default)
        return self[key]
