"""Sessions that a test puts into the store of the handlers under test, and looks at afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .. import clock, manager
from ..arrival import Request
from ..config import SessionConfig
from ..errors import Moved
from ..manager import SessionManager
from ..memory import MemoryStore
from ..session import Session
from ..store import Record, SessionStore


@contextmanager
def replaced_store(store: SessionStore) -> Iterator[None]:
    """Every handler of the process keeps its sessions in ``store``, whatever was configured.

    Only a handler that is told inside to ``sessions.use`` another one does that.
    """
    before, manager.stand_in = manager.stand_in, store
    try:
        yield
    finally:
        manager.stand_in = before


class StoredSession:
    """What a cookie opens in a store; each question is answered by how things stand then.

    Asking changes nothing: no use is noted and no flash is used up.
    """

    def __init__(
        self, store: SessionStore, cookie: str, config: SessionConfig | None = None
    ) -> None:
        self.cookie = cookie.partition(";")[0].strip()
        self._store = store
        self._config = SessionConfig.from_env() if config is None else config

    @property
    def id(self) -> str:
        return self.cookie.partition("=")[2]

    @property
    def alive(self) -> bool:
        return self._record() is not None

    def data(self) -> dict[str, Any]:
        """All keys with their values; empty when the session has ended."""
        return dict(self._copy().items())

    def user(self) -> str | None:
        return self._copy().user

    def flashes(self) -> list[tuple[str, Any]]:
        """What the next page is going to show."""
        return self._copy().flashes()

    def __repr__(self) -> str:
        return f"<StoredSession, {'alive' if self.alive else 'ended'}>"

    def _record(self) -> Record | None:
        return next(iter(self._found().values()), None)

    def _found(self) -> dict[str, Record]:
        """The session, by the stored key that it is sealed for; nothing when it has ended."""
        key = self._config.id_kind.stored_key(self.id)
        found = self._store.load(key)
        if isinstance(found, Moved):
            key = found.to
            found = self._store.load(key)
        return {key: found} if isinstance(found, Record) else {}

    def _copy(self) -> Session:
        store, opened = MemoryStore(), self._config.id_kind.stored_key(self.id)
        for key, record in self._found().items():
            store.create(opened, record)
            if key != opened:
                copied = store.load(opened)
                assert isinstance(copied, Record)
                store.rotate(opened, key, record._replace(nonce=""), copied.rev, clock.now() + 1)
        cookie = f"{self._config.cookie_name}={self.id}"
        return SessionManager(store, self._config).begin(Request.with_cookies(cookie)).session


class SessionMaker:
    """Puts sessions into ``store`` as a handler would have done in an earlier request."""

    def __init__(self, store: SessionStore) -> None:
        self._store = store

    def __call__(
        self,
        *,
        user: str | None = None,
        data: Mapping[str, Any] | None = None,
        flashes: Iterable[tuple[str, Any]] = (),
        config: SessionConfig | None = None,
    ) -> StoredSession:
        """A new live session. ``config`` is the handler's, where the environment does not say it:
        ``handler.sessions.config``.
        """
        config = SessionConfig.from_env() if config is None else config
        invocation = SessionManager(self._store, config).begin(Request.with_cookies())
        session = invocation.session
        session["made"] = True  # an empty session would not be stored
        if user is not None:
            session.bind(user)
        session.save()
        session.delete("made")
        session.update(data or {})
        for key, value in flashes:
            session.flash(key, value)
        invocation.finish(failed=False)
        set_cookie = invocation.outcome().set_cookie
        invocation.close()
        assert set_cookie is not None
        return StoredSession(self._store, set_cookie, config)

    def opened_by(self, cookie: str, config: SessionConfig | None = None) -> StoredSession:
        """The session that a response's Set-Cookie line, or a ``name=value``, opens."""
        return StoredSession(self._store, cookie, config)
