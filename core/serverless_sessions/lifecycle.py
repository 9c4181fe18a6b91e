"""Every decision about a session: what to load, what to write, which cookie.

Plain generators that yield store operations and receive their results. Nothing here does
I/O, so that ``Session`` drives them with calls and ``AsyncSession`` with awaits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, NoReturn

from . import clock
from .arrival import Source
from .backoff import Backoff
from .config import SessionConfig
from .doomed import Doomed
from .encryption import Sealer
from .errors import (
    Conflict,
    Moved,
    SessionError,
    SessionGone,
    SessionNotFound,
    TooManySessions,
)
from .events import EventName
from .headers import Outcome
from .limit import SessionLimit
from .lookup import Lookup
from .opened import decoded
from .place import Place
from .records import after
from .state import Layer, State, Underway
from .steps import Steps
from .store import NONE, Absence, AnyStore, Facts, Record
from .users import Users
from .values.codecs import Codec


class Lifecycle(Lookup):
    """One session in one invocation."""

    def __init__(
        self,
        source: Source,
        offered: Iterable[str],
        *,
        config: SessionConfig,
        store: Callable[[], AnyStore],
        sealer: Sealer,
        codec: Codec,
        time_left: Callable[[], float],
    ) -> None:
        super().__init__(source, offered, config=config, store=store, sealer=sealer)
        self.state = State()
        self.underway = Underway()
        self.closed = False
        self.created = False
        self.persistent = config.cookie_persistent
        self._came_with_id = bool(self._offered)
        self._codec = codec
        self._time_left = time_left
        self._limit = SessionLimit(config, Users(config, sealer, store))
        self._doomed = Doomed(self._store, config.on_event)
        self._issued: tuple[str, Facts] | None = None
        self._clears_id = False
        self._answers = True

    @property
    def stored_user(self) -> str | None:
        """The user of the session when it was last seen, where a binding makes that matter."""
        facts = self.facts if self.state.binding is not None else None
        return facts.user if facts is not None else None

    @property
    def condition(self) -> str:
        """One word on the session, for a repr that reads and reveals nothing."""
        if self.closed:
            return "closed"
        if self._place is not None:
            return "gone" if self._place.gone else "live"
        return "unread" if self._offered else "anonymous"

    def decode(self, name: str, text: str) -> Any:
        """The value of an opened entry's text. Raises CorruptRecord."""
        return decoded(self._codec, name, text)

    def load(self, session_id: str) -> Steps[None]:
        """Go over to another session; what was changed so far belongs to the one at hand."""
        self.source.refuse_if_fixed("load() works")
        if not self.source.kind.is_well_formed(session_id):
            raise SessionNotFound("the id given to load() does not have the form of an id")
        yield from self.flush()
        found = yield from self._find(session_id)
        if not isinstance(found, Place):
            raise SessionNotFound("the id given to load() names no live session")
        self._place = found._replace(foreign=True)
        self._offered = ()
        self._missed = []
        self._read_error = None
        self.state = State()
        self._tell("loaded")

    # Writing

    def destroy(self) -> None:
        """Doom the session; what is set afterwards belongs to a new one.

        An id that opened nothing may be one that another request has just rotated: only the
        deletion follows that session to its new id.
        """
        place = self._place
        if place is not None and not place.gone:
            self._doomed.add(place.key, self._handle)
        for known in dict.fromkeys((*self._missed, *self._offered)):
            if place is None or place.gone or known != place.session_id:
                self._doomed.add(self.source.key(known))
        if place is None or not place.foreign:
            self._clears_id = self._came_with_id
            self._issued = None
        self._place = None
        self._offered = ()
        self._missed = []
        self._read_error = None
        self.state = State()

    def flush(self) -> Steps[None]:
        """Store all that is pending. Raises SessionGone when it could not be kept."""
        yield from self._doomed.end()
        state, user = self.state, self.stored_user
        state.absorb(self.encode)
        if state.dirty or state.regenerating:
            self._raise_read_error()
        try:
            if state.binding is not None or (state.regenerating and self.session_id is not None):
                yield from self._limit.admit(state.binding, self.read)
                user = yield from self._rotate()
            elif changes := state.changes(user):
                yield from self.commit(changes)
            elif self._touch_is_due():
                yield from self._touch()
        except SessionGone:
            state.stored(self.stored_user)
            raise
        except TooManySessions:
            self.state = State()
            raise
        state.stored(user)
        yield from self._settle()

    def _settle(self) -> Steps[None]:
        """After a log-in, or in the next steps after it was cut off."""
        if (yield from self._limit.settle()):
            if self._place is not None:
                self._end(self._place)
            self._issued = None
            raise self._limit.too_many()

    def commit(
        self, changes: Layer, expect: Mapping[str, str | Absence] = NONE, *, raced: bool = False
    ) -> Steps[None]:
        """One write to the session at hand; to a new one where none was seen alive.

        Raises SessionGone when the session was seen alive and is no more; Conflict when others
        began one of the platform's id, for one that has ``raced`` with them once.
        """
        if self._must_look_before_writing(changes):
            self._raise_read_error()
            yield from self._locate()
        if self._place is not None:
            yield from self._write_where_seen(self._place, changes, expect)
            return
        while self._offered:
            place = Place(self._offered[0], self.source.key(self._offered[0]))
            try:
                yield from self._update(place, changes)
            except SessionGone:
                self._miss()
            else:
                return
        if changes.sets:
            yield from self._create(changes, None, expect, raced=raced)

    def encode(self, name: str, value: Any) -> str:
        """The text of a value. Raises UnsupportedValue."""
        return self._codec.dumps(value, key=name)

    def backoff(self) -> Backoff:
        """The pauses of an operation that others may keep from happening."""
        return Backoff(self._time_left, lambda: self._tell("conflict"))

    def _write_where_seen(
        self, place: Place, changes: Layer, expect: Mapping[str, str | Absence]
    ) -> Steps[None]:
        if not place.gone:
            try:
                yield from self._update(place, changes, expect)
            except SessionGone:
                self._end(place)
            else:
                return
        self._lose()

    def _update(
        self,
        place: Place,
        changes: Layer,
        expect: Mapping[str, str | Absence] = NONE,
    ) -> Steps[None]:
        seen, key = place.record, place.key
        change = self.records.change(place.key, changes, seen, expect)
        try:
            yield from self._store.update(place.key, change)
        except Moved as moved:
            if expect:
                raise Conflict("the session was rotated meanwhile") from moved
            place = place._replace(key=moved.to, record=None, through_marker=True)
            seen = seen._replace(rev=None) if seen is not None else None
            if self.records.binds_facts:
                # What is written there is sealed for there: not on a marker's word alone.
                followed = yield from self._follow(key, moved.to)
                seen = followed if isinstance(followed, Record) else None
                if seen is None:
                    raise SessionGone("the session was rotated and is gone") from moved
            change = self.records.change(place.key, changes, seen, expect)
            try:
                yield from self._store.update(place.key, change)
            except Moved as again:
                raise SessionGone("the session was rotated twice meanwhile") from again
        record = after(place.record, change) if place.record is not None else None
        self._place = place._replace(record=record)

    def _must_look_before_writing(self, changes: Layer) -> bool:
        """A session of the platform's id may follow one of the same id: whoever writes must know
        which one it is writing to. And a clear must know the sealed facts, which it spares."""
        if self._place is None:
            return self.source.fixed is not None or (changes.cleared and self.records.binds_facts)
        clears_unseen = changes.cleared and self._place.record is None
        return clears_unseen and self.records.binds_facts

    def _create(
        self,
        changes: Layer,
        user: str | None,
        expect: Mapping[str, str | Absence] = NONE,
        *,
        raced: bool = False,
    ) -> Steps[None]:
        if not self._answers and self.source.fixed is None:
            return
        self.source.refuse_one_way("a new session is begun")
        session_id = self.source.fixed or self.source.kind.draw()
        key = self.source.key(session_id)
        record = self.records.new(key, changes, user)
        try:
            yield from self._store.create(key, record)
        except Conflict:
            # Another invocation began the session of the platform's id at the same time.
            if self.source.fixed is None:
                raise
            self._place, self._offered = None, (session_id,)
            if user is not None or expect or raced:
                raise
            yield from self.commit(changes, raced=True)
            return
        self.created = True
        self._arrive(session_id, key, record, "created")

    def _rotate(self) -> Steps[str | None]:
        """Give the session a new id. A session reached through its marker has one already.

        Cut off before its write took effect, the old id opens the session as it was; after that,
        the new id opens it with the changes, and the old one leads there while the grace lasts.
        A client that was cut off from the answer knows the old one only: after the grace nobody
        has the session, which ends by its deadlines. Returns the user to whom it belonged before.
        """
        backoff = self.backoff()
        while True:
            record = self.record
            if record is None or record.rev is None:
                record = yield from self.read_anew()
            place, binding = self._place, self.state.binding
            if record is not None:
                self.source.refuse_another_id("regenerate() and bind() work")
            if record is None or place is None or place.gone:
                user = self.stored_user
                yield from self._start_over()
                return user
            facts = self.records.facts(record, place.key)
            changes = self.state.changes(facts.user)
            if place.through_marker and binding is None:
                if changes:
                    yield from self._write_where_seen(place, changes, NONE)
                return facts.user
            session_id, key = self._draw_beside(place.key)
            grace = 0 if binding is not None else self.config.rotation_grace
            # Without grace no clock is asked: on a machine where it lags there would be some.
            grace_until = clock.now() + grace if grace else 0
            renewed = self.records.renewed(record, place.key, key, changes, binding, grace_until)
            try:
                yield from self._store.rotate(place.key, key, renewed, record.rev, grace_until)
            except (Conflict, Moved, SessionGone) as lost:
                self._place = place._replace(record=record._replace(rev=None))
                yield from backoff.after(lost)
                continue
            self._arrive(session_id, key, renewed, "rotated")
            return facts.user

    def _start_over(self) -> Steps[None]:
        """Nothing is there to rotate. A log-in is never dropped; else as with any write."""
        binding = self.state.binding
        changes = self.state.changes(self.stored_user)
        user = binding.user if binding is not None else None
        if user is None and self._place is not None:
            self._lose()
        if user is not None or changes.sets:
            yield from self._create(changes, user)

    def _lose(self) -> NoReturn:
        """The session ended after it was seen: what this invocation changed is dropped."""
        if self._place is None or not self._place.foreign:
            self._issued = None
        self._tell("lost")
        raise SessionGone("the session has ended")

    def _arrive(self, session_id: str, key: str, record: Record, event: EventName) -> None:
        """The session at hand has a new id, which the client must be told."""
        self._place = Place(session_id, key, record._replace(rev=None))
        self._issued = (session_id, record.facts)
        self._tell(event)
        self._limit.arrived(self.state.binding, record.facts.rid)

    def _draw_beside(self, key: str) -> tuple[str, str]:
        while True:
            session_id = self.source.kind.draw()
            drawn = self.source.key(session_id)
            if self.backend().colocated(key, drawn):
                return session_id, drawn

    def _touch_is_due(self) -> bool:
        record = self.record
        if record is None or record.idle >= record.facts.absolute:
            return False
        return record.idle - clock.now() <= self.records.idle_timeout - self.records.touch_every

    def _touch(self) -> Steps[None]:
        assert self._place is not None
        try:
            yield from self._update(self._place, Layer())
        except SessionError as error:
            self._tell("touch_failed", error)

    # The end of the invocation

    def finish(self, *, failed: bool) -> Steps[None]:
        """Before the answer leaves: save, unless the answer is a server error."""
        yield from self._doomed.end()
        yield from self._settle()
        if not failed or self.config.save_on_error:
            with suppress(SessionGone):
                yield from self.flush()

    def accept(self) -> Steps[None]:
        """Before a WebSocket is accepted, its one answer with headers: save. Nothing that comes
        later can tell the client an id."""
        yield from self.finish(failed=False)
        self.source.one_way = True

    def abandon(self) -> Steps[None]:
        """The handler raised: log-outs are carried out, but no answer can bring a new id."""
        self._answers = False
        self.state.regenerating = False
        if self.state.binding is not None:
            self.state = State()
        yield from self.finish(failed=True)

    def outcome(self) -> Outcome:
        """What the answer must say of what has taken effect."""
        header = None
        if self._issued is not None:
            session_id, facts = self._issued
            lasting = facts.absolute - clock.now() if self.persistent else None
            header = self.source.issue(session_id, lasting)
        elif self._clears_id and not self._doomed:
            header = self.source.clear()
        return Outcome(header, self.accessed, self.source.vary)
