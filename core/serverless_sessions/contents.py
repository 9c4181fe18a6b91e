"""The keys and values of a session: read, changed, and changed atomically."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from enum import Enum
from typing import Any, Final, NamedTuple

from . import clock, csrf
from .arguments import Seconds, check_key, check_user, deadline_of, seconds_of
from .compression import compressed, is_compressed
from .errors import (
    Conflict,
    CorruptRecord,
    SessionGone,
    Unsupported,
    UnsupportedValue,
)
from .lifecycle import Lifecycle
from .records import CSRF
from .state import UNDECIDED, HandedOut, Layer
from .steps import Steps
from .store import ABSENT, RESERVED, Entry
from .values import is_immutable

FLASH: Final = RESERVED + "flash."


class Keep(Enum):
    """The ttl of a key stays as it is."""

    KEEP = "keep"


class Missing(Enum):
    MISSING = "missing"


KEEP: Final = Keep.KEEP
MISSING: Final = Missing.MISSING


class SessionInfo(NamedTuple):
    """The facts of a session; moments are aware datetimes in UTC, None without a session.

    ``handle`` is its random public name, the same through every new id: for logs, lists and
    revoking. ``is_new`` is False once a session was stored by an earlier request.
    """

    user: str | None
    is_new: bool
    created_at: datetime | None
    authenticated_at: datetime | None
    expires_at: datetime | None
    handle: str | None

    def authenticated_within(self, seconds: Seconds) -> bool:
        """Whether a user is bound who logged in at most that long ago.

        Raises InvalidArgument for a time that is not over 0.
        """
        limit = seconds_of(seconds, "authenticated_within()")
        if self.user is None or self.authenticated_at is None:
            return False
        return clock.now() - self.authenticated_at.timestamp() <= limit


class Contents:
    """What a handler sees of its session, over one ``Lifecycle``."""

    def __init__(self, life: Lifecycle) -> None:
        self._life = life
        self._own_flashes: set[str] = set()

    # Reading

    def get(self, name: str) -> Steps[Any]:
        """The value of ``name``, the same object each time, or MISSING."""
        check_key(name)
        self._life.accessed = True
        if not self._life.state.decides(name):
            yield from self._life.read()
        return self._value(name)

    def has(self, name: str) -> Steps[bool]:
        check_key(name)
        self._life.accessed = True
        if not self._life.state.decides(name):
            yield from self._life.read()
        return self._entry(name) is not None

    def names(self) -> Steps[list[str]]:
        """The session's keys, without ours."""
        record = yield from self._life.read()
        stored = record.entries if record is not None else {}
        pending = self._life.state.changes(self._life.stored_user).sets
        candidates = dict.fromkeys((*stored, *pending))
        return [
            name
            for name in candidates
            if not name.startswith(RESERVED) and self._entry(name) is not None
        ]

    def info(self) -> Steps[SessionInfo]:
        record = yield from self._life.read()
        binding = self._life.state.binding
        facts = self._life.facts if record is not None else None
        user = facts.user if facts else None
        authenticated_at = facts.authenticated_at if facts else None
        if binding is not None:
            user = binding.user
            authenticated_at = clock.now() if user is not None else None
        return SessionInfo(
            user=user,
            is_new=record is None or self._life.created,
            created_at=_moment(facts.created if facts else None),
            authenticated_at=_moment(authenticated_at),
            expires_at=_moment(record.deadline if record is not None else None),
            handle=facts.rid if facts else None,
        )

    def _entry(self, name: str) -> Entry | None:
        """The live entry of ``name`` as this invocation sees it, its text unsealed."""
        life = self._life
        entry = life.state.find(name, life.stored_user)
        if entry is UNDECIDED:
            stored = life.record.entries.get(name) if life.record is not None else None
            if stored is None or not stored.alive(clock.now()):
                return None
            return life.opened(name, stored)
        return entry if entry is not None and entry.alive(clock.now()) else None

    def _value(self, name: str) -> Any:
        entry = self._entry(name)
        if entry is None:
            return MISSING
        held = self._life.state.held(name, self._life.stored_user)
        if held is None:
            value = self._life.decode(name, entry.text)
            text = None if is_immutable(value) else self._life.encode(name, value)
            held = HandedOut(value, text, entry.deadline, is_compressed(entry.text))
            self._life.state.handed_out[name] = held
        return held.value

    # Changing

    def set(self, name: str, value: Any, ttl: Seconds | None, compress: bool) -> None:
        check_key(name)
        if compress and self._life.config.shared_with_astro:
            raise Unsupported(
                "set(compress=True): Astro, which shares the session, cannot expand it"
            )
        entry = self._new_entry(name, value, deadline_of(ttl), compress=compress)
        self._life.underway.intend(lambda: self._life.state.set(name, entry))

    def delete(self, name: str) -> None:
        check_key(name)
        self._life.underway.intend(lambda: self._life.state.remove(name))

    def clear(self) -> None:
        self._life.underway.intend(lambda: self._life.state.clear())

    def modify(
        self, name: str, fn: Callable[[Any], Any], default: Any, ttl: Seconds | Keep | None
    ) -> Steps[Any]:
        """Store ``fn`` of the current value at once, whoever else changes it meanwhile."""
        check_key(name)
        self._require_conditions("modify")
        return (yield from self._modify(name, fn, default, ttl))

    def _modify(
        self, name: str, fn: Callable[[Any], Any], default: Any, ttl: Seconds | Keep | None
    ) -> Steps[Any]:
        life, backoff = self._life, self._life.backoff()
        life.state.absorb(life.encode)
        if life.state.binding is not None or life.state.clears:
            with suppress(SessionGone):
                yield from life.flush()
        while True:
            if life.state.decides(name):
                before, expect = self._entry(name), {}
            else:
                record = yield from life.read_anew()
                stored = record.entries.get(name) if record is not None else None
                alive = stored is not None and stored.alive(clock.now())
                before = life.opened(name, stored) if stored is not None and alive else None
                expect = {name: stored.text if stored is not None and alive else ABSENT}
            value, entry = self._modified(name, fn, before, default, ttl)
            try:
                yield from life.commit(Layer(sets={name: entry}), expect)
            except Conflict as lost:
                yield from backoff.after(lost)
                continue
            except SessionGone:
                pass  # dropped like every write to a session that has ended
            life.state.forget(name)
            return value

    def _modified(
        self,
        name: str,
        fn: Callable[[Any], Any],
        before: Entry | None,
        default: Any,
        ttl: Seconds | Keep | None,
    ) -> tuple[Any, Entry]:
        text = before.text if before is not None else self._life.encode(name, default)
        argument = self._life.decode(name, text)
        shown = None if is_immutable(argument) else self._life.encode(name, argument)
        value = fn(argument)
        if value is None and shown is not None and self._life.encode(name, argument) != shown:
            raise UnsupportedValue(
                f"modify({name!r}): the function changed its argument and returned None; "
                "it must return the new value"
            )
        kept = before.deadline if before is not None else None
        deadline = kept if ttl is KEEP else deadline_of(ttl)
        compress = before is not None and is_compressed(before.text)
        return value, self._new_entry(name, value, deadline, compress=compress)

    def flash(self, name: str, value: Any) -> None:
        check_key(name)
        order = f"{int(clock.precise() * 1000):015d}.{len(self._own_flashes):06d}"
        reserved = f"{FLASH}{order}.{secrets.token_hex(4)}"
        entry = self._new_entry(name, [name, value], None, stored_as=reserved)
        self._own_flashes.add(reserved)
        self._life.underway.intend(lambda: self._life.state.set(reserved, entry))

    def flashes(self) -> Steps[list[tuple[str, Any]]]:
        """Earlier requests' flashes; each is removed in the store before anyone sees it."""
        life, backoff = self._life, self._life.backoff()
        self._require_conditions("flashes")
        record = yield from life.read()
        while True:
            names = [] if record is None else sorted(self._waiting_flashes(record.entries))
            if record is None or not names:
                return []
            shown = [
                _flashed(life.decode(n, life.opened(n, record.entries[n]).text)) for n in names
            ]
            expect = {name: record.entries[name].text for name in names}
            try:
                yield from life.commit(Layer(removed=set(names)), expect)
            except Conflict as lost:
                yield from backoff.after(lost)
                record = yield from life.read_anew()
                continue
            except SessionGone:
                return []
            return shown

    def csrf_secret(self) -> Steps[str]:
        """The secret of the session's CSRF tokens, drawn once for each of its ids."""
        state = self._life.state
        if state.binding is not None or state.regenerating:
            with suppress(SessionGone):
                yield from self._life.flush()
        yield from self._life.read()
        secret = self._value(CSRF)
        if secret is MISSING:
            self._require_conditions("csrf_token")
            secret = yield from self._modify(CSRF, _drawn_once, None, None)
        return str(secret)

    def is_csrf_token(self, token: object) -> Steps[bool]:
        yield from self._life.read()
        secret = self._value(CSRF)
        return secret is not MISSING and csrf.is_token(token, secret)

    # Intents and the whole session

    def id(self) -> str | None:
        self._life.accessed = True
        return self._life.session_id

    def regenerate(self) -> None:
        self._life.source.refuse_another_id("regenerate() works")
        self._life.underway.intend(lambda: self._life.state.regenerate())

    def bind(self, user: str | None) -> None:
        check_user(user)
        self._life.source.refuse_one_way("bind() works")
        if self._life.record is not None:
            self._life.source.refuse_if_fixed("bind() works")
        self._life.underway.intend(lambda: self._life.state.bind(user))

    def destroy(self) -> None:
        self._life.underway.intend(self._life.destroy)

    def load(self, session_id: str) -> Steps[None]:
        return self._life.load(session_id)

    def save(self) -> Steps[None]:
        return self._life.flush()

    def _waiting_flashes(self, entries: Mapping[str, Entry]) -> list[str]:
        return [
            name
            for name, entry in entries.items()
            if name.startswith(FLASH)
            and entry.alive(clock.now())
            and name not in self._own_flashes
            and self._life.state.find(name, self._life.stored_user) is UNDECIDED
        ]

    def _new_entry(
        self,
        name: str,
        value: Any,
        deadline: int | None,
        *,
        stored_as: str | None = None,
        compress: bool = False,
    ) -> Entry:
        text = self._life.encode(name, value)
        if compress:
            text = compressed(name, text)
        self._life.records.check_value_size(stored_as or name, text)
        return Entry(text, deadline)

    def _require_conditions(self, call: str) -> None:
        if not self._life.backend().guarantees.conditional:
            raise Unsupported(
                f"{call}() needs a store with conditional writes, and this one has none"
            )


def _flashed(pair: Any) -> tuple[str, Any]:
    if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], str):
        raise CorruptRecord("a flash was damaged in the store")
    return pair[0], pair[1]


def _drawn_once(secret: str | None) -> str:
    return secret or csrf.draw_secret()


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else clock.moment(seconds)
