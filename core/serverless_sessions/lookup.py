"""Where the session of an invocation is: which id opens one, read at most once."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from . import ids
from .arrival import Source
from .config import SessionConfig
from .encryption import Sealer
from .errors import Moved, SessionError
from .events import Event, EventName, emit
from .place import Place
from .records import Records
from .steps import Steps, StoreSteps
from .store import EXPIRED, AnyStore, Entry, Expiry, Facts, Record


class Lookup:
    """The ids that a request offers, tried in order, and the session that one of them opened."""

    def __init__(
        self,
        source: Source,
        offered: Iterable[str],
        *,
        config: SessionConfig,
        store: Callable[[], AnyStore],
        sealer: Sealer,
    ) -> None:
        self.config = config
        self.source = source
        self.backend = store
        self.records = Records(config, sealer, lambda: store().guarantees.max_bytes)
        self.accessed = False
        self._store = StoreSteps(config.store_timeout)
        self._offered = tuple(offered)
        self._missed: list[str] = []
        self._place: Place | None = None
        self._read_error: SessionError | None = None

    @property
    def session_id(self) -> str | None:
        """The id as far as it is known without asking the store."""
        if self._place is not None:
            return None if self._place.gone else self._place.session_id
        return self._offered[0] if self._offered else None

    @property
    def record(self) -> Record | None:
        return self._place.record if self._place is not None and not self._place.gone else None

    @property
    def facts(self) -> Facts | None:
        """The facts of the session when it was last seen. Raises CorruptRecord."""
        place = self._place
        if place is None or place.record is None:
            return None
        return self.records.facts(place.record, place.key)

    def read(self) -> Steps[Record | None]:
        """The stored session, read at most once; a read that failed is not tried again."""
        self.accessed = True
        self._raise_read_error()
        if self.record is None:
            yield from self._locate()
        return self.record

    def read_anew(self) -> Steps[Record | None]:
        """The stored session as it is now."""
        self.accessed = True
        self._raise_read_error()
        yield from self._locate()
        return self.record

    def read_ahead(self) -> Steps[None]:
        """Read before the handler asks for anything; what it asks for itself is its access."""
        yield from self._locate()

    def opened(self, name: str, entry: Entry) -> Entry:
        """A stored entry of the session at hand with its text unsealed."""
        assert self._place is not None
        return self.records.opened(name, entry, self._place.key)

    def _locate(self) -> Steps[None]:
        if self._place is not None:
            if self._place.gone:
                return
            found = yield from self._find_or_remember_failure(self._place.session_id)
            if not (isinstance(found, Place) and found.is_of(self._place)):
                self._end(self._place)
            else:
                self._place = found._replace(foreign=self._place.foreign)
            return
        while self._offered:
            found = yield from self._find_or_remember_failure(self._offered[0])
            if isinstance(found, Place):
                self._place = found
                self._tell("loaded")
                return
            self._miss("expired" if found is EXPIRED else "missed")

    def _miss(self, event: EventName = "missed") -> None:
        self._missed.append(self._offered[0])
        self._offered = self._offered[1:]
        self._tell(event)

    def _end(self, place: Place) -> None:
        self._place = place._replace(gone=True)
        self._missed.append(place.session_id)

    def _find_or_remember_failure(self, session_id: str) -> Steps[Place | Expiry | None]:
        try:
            return (yield from self._find(session_id))
        except SessionError as error:
            self._read_error = error
            raise

    def _find(self, session_id: str) -> Steps[Place | Expiry | None]:
        key = self.source.key(session_id)
        found = yield from self._store.load(key)
        through_marker = isinstance(found, Moved)
        if isinstance(found, Moved):
            old, key = key, found.to
            found = yield from self._follow(old, key)
        if not isinstance(found, Record):
            return EXPIRED if found is EXPIRED else None
        return Place(session_id, key, found, through_marker)

    def _follow(self, old: str, new: str) -> Steps[Record | Expiry | None]:
        """The session to which a marker leads. Raises CorruptRecord when it knows nothing of it."""
        found = yield from self._store.load(new)
        if isinstance(found, Record):
            return found if self.records.comes_from(old, found, new) else None
        return EXPIRED if found is EXPIRED else None

    def _raise_read_error(self) -> None:
        if self._read_error is not None:
            raise self._read_error

    @property
    def _handle(self) -> str | None:
        """The public name of the session at hand, as far as it is known."""
        record = self._place.record if self._place is not None else None
        handle = record.facts.rid if record is not None else ""
        return handle if ids.is_handle(handle) else None

    def _tell(self, name: EventName, error: SessionError | None = None) -> None:
        failure = type(error).__name__ if error is not None else None
        emit(Event(name, self._handle, error=failure), self.config.on_event)
