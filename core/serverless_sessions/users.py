"""The sessions of a user: found, and ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from . import ids
from .config import SessionConfig
from .encryption import Sealer
from .errors import Moved, Unsupported
from .events import Event, emit
from .records import Records
from .steps import Steps, StoreSteps
from .store import DELETED, AnyStore, Record


class LiveSession(NamedTuple):
    """A live session, and the stored key that it is under."""

    key: str
    record: Record

    @property
    def handle(self) -> str:
        return self.record.facts.rid


class Users:
    """Finds and ends the sessions of users, in steps for either driver."""

    def __init__(
        self, config: SessionConfig, sealer: Sealer, store: Callable[[], AnyStore]
    ) -> None:
        self.records = Records(config, sealer, lambda: store().guarantees.max_bytes)
        self._config = config
        self._sealer = sealer
        self._backend = store
        self._store = StoreSteps(config.store_timeout)

    def require_listing(self) -> None:
        """Raises Unsupported unless the store can list the sessions of a user."""
        store = self._backend()
        if not store.guarantees.lists_users:
            raise Unsupported(
                f"{type(store).__name__} cannot list the sessions of a user; use a store that "
                "does, as DynamoDB, Firestore, Azure Tables, Redis, Upstash and SQLite do"
            )

    def live(self, user: str) -> Steps[list[LiveSession]]:
        """The live sessions of ``user``, the last log-in first. Raises Unsupported.

        One that gets a new id meanwhile is found under that.
        """
        found = yield from self._look(user)
        return sorted(found, key=self._age, reverse=True)

    def find(self, user: str, handle: str) -> Steps[LiveSession | None]:
        """The live session of ``user`` with this handle. Raises Unsupported."""
        found = yield from self._look(user, until=handle)
        return next((one for one in found if one.handle == handle), None)

    def end(
        self, key: str, user: str, *, seen: Record | None = None, keep: str | None = None
    ) -> Steps[bool]:
        """End the session of ``user`` that was listed under ``key``, wherever a rotation took it.

        Each hop is looked at first, unless it was ``seen`` just now: a session that went over to
        another user since, and the one with the handle ``keep``, are left alone. Says whether there
        was one to end.
        """
        names, record, passed = self._names(user), seen, set[str]()
        while key not in passed:  # else the store is damaged: no session lives on a circle
            passed.add(key)
            if record is None:
                found = yield from self._store.load(key)
                if isinstance(found, Moved):
                    key = found.to
                    continue
                record = found if isinstance(found, Record) else None
            if record is not None and (record.facts.user not in names or record.facts.rid == keep):
                return False
            # Nothing to be found is a marker, too, whose grace is over: only delete follows it.
            answer = yield from self._store.delete(key)
            if isinstance(answer, Moved):
                key, record = answer.to, None
                continue
            if answer is DELETED:
                handle = record.facts.rid if record is not None else ""
                known = handle if ids.is_handle(handle) else None
                emit(Event("revoked", known), self._config.on_event)
            return answer is DELETED
        return False

    def listed(self, user: str) -> Steps[list[str]]:
        """The stored keys of a superset of the live sessions of ``user``. Raises Unsupported."""
        keys: list[str] = []
        for name in self._names(user):
            keys += yield from self._store.list_user(name)
        return list(dict.fromkeys(keys))

    def _look(self, user: str, until: str | None = None) -> Steps[list[LiveSession]]:
        """All live sessions of ``user``, or those found until the one with that handle was.

        There is another look at the list while a session in it is not found: it may have gone to
        another key since.
        """
        names = self._names(user)
        found: dict[str, LiveSession] = {}
        looked_at: set[str] = set()
        for name in names:
            incomplete = True
            while incomplete:
                listed = yield from self._store.list_user(name)
                new = [key for key in listed if key not in looked_at]
                looked_at.update(new)
                incomplete = False
                for key in new:
                    one = yield from self._find(key)
                    if one is None:
                        incomplete = True
                    elif one.record.facts.user in names:
                        found[one.handle] = one
                        if one.handle == until:
                            return [one]
        return list(found.values())

    def _find(self, key: str) -> Steps[LiveSession | None]:
        found = yield from self._store.load(key)
        passed = {key}
        while isinstance(found, Moved) and found.to not in passed:
            key = found.to
            passed.add(key)
            found = yield from self._store.load(key)
        return LiveSession(key, found) if isinstance(found, Record) else None

    def _names(self, user: str) -> tuple[str, ...]:
        """The user's names in the store, in the order in which to look for them.

        Where there are several, there and back: while a new key is put in front, some functions
        take a session to one name as they give it a new id, and others take it back.
        """
        self.require_listing()
        names = self._sealer.pseudonyms(user)
        return (*names[::-1], *names[1:])

    def _age(self, found: LiveSession) -> tuple[float, str]:
        return self.records.logged_in_at(found.record, found.key), found.handle
