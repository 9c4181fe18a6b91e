"""The store contract: what a backend keeps, and the five operations that change it.

A record is *alive* while ``min(idle, absolute) > now`` in whole seconds. Every operation
applies that rule itself, on reads and in the condition of every write, whatever the backend's
own expiry has or has not removed yet. A record that is rotated stays behind as a *marker*
for an hour, so that a log-out which arrives under the old id can follow it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from .errors import Moved, SessionTooLarge, Unsupported

MARKER_SECONDS = 3600
TTL_LAG_SECONDS = 300
"""Backend expiry only cleans up: it is set this many seconds after the deadline."""


class Absence(Enum):
    """ABSENT: no such record to delete, or no such entry expected in a change."""

    ABSENT = "absent"


class Deletion(Enum):
    """DELETED: a live record was there and is gone."""

    DELETED = "deleted"


class Expiry(Enum):
    """EXPIRED: the whole record is still there, and its deadline has passed."""

    EXPIRED = "expired"


RESERVED: Final = "_sls."
"""What the library's own names begin with, and those of no session key and no user."""

NONE: Mapping[str, Any] = MappingProxyType({})
ABSENT = Absence.ABSENT
DELETED = Deletion.DELETED
EXPIRED = Expiry.EXPIRED


class Entry(NamedTuple):
    """One session key's sealed text, and the Unix second at which it ends by itself."""

    text: str
    deadline: int | None = None

    def alive(self, now: int) -> bool:
        return self.deadline is None or self.deadline > now


class Facts(NamedTuple):
    """What a store knows of a session besides its entries.

    ``rid`` is its random public handle; ``created``, ``absolute`` (deadline) and
    ``authenticated_at`` are Unix seconds.
    """

    rid: str
    created: int
    absolute: int
    user: str | None = None
    authenticated_at: int | None = None


class Record(NamedTuple):
    """A session as stored: ``rev`` changes with every write, ``nonce`` names the last one."""

    entries: Mapping[str, Entry]
    facts: Facts
    idle: int
    rev: object = None
    nonce: str = ""

    @property
    def deadline(self) -> int:
        return min(self.idle, self.facts.absolute)

    def alive(self, now: int) -> bool:
        return self.deadline > now


Found = Record | Moved | Expiry | None
"""What ``load`` answers. EXPIRED is a hint, for the log: it means what None means."""


class Change(NamedTuple):
    """One conditional write to a live record.

    Entries in ``set`` are written, names in ``remove`` removed, after ``clear`` has removed
    all; ``idle`` moves the idle deadline. The write is refused with ``Conflict`` unless every
    entry of ``expect`` still has that stored text, and with ``SessionGone`` unless the record
    is alive and, where ``rid`` is given, still bears it.

    Two more spare a store requests, and may be ignored: where moving the idle deadline costs
    one of its own, it may stay while it lags less than ``slack`` seconds behind ``idle``;
    ``seen`` is the record's ``rev`` when the writer last read it, and no condition.
    """

    set: Mapping[str, Entry] = NONE
    remove: frozenset[str] = frozenset()
    clear: bool = False
    idle: int | None = None
    expect: Mapping[str, str | Absence] = NONE
    rid: str | None = None
    nonce: str = ""
    slack: int = 0
    seen: object = None

    def applied_to(self, entries: Mapping[str, Entry]) -> dict[str, Entry]:
        kept = {} if self.clear else {n: e for n, e in entries.items() if n not in self.remove}
        return {**kept, **self.set}

    def is_met_by(self, entries: Mapping[str, Entry], now: int) -> bool:
        """Whether ``entries`` are as expected; an entry past its deadline is absent."""

        def stored(name: str) -> str | Absence:
            entry = entries.get(name)
            return entry.text if entry is not None and entry.alive(now) else ABSENT

        return all(stored(name) == text for name, text in self.expect.items())


def size_of(entries: Mapping[str, Entry]) -> int:
    """Bytes of names and sealed texts in UTF-8."""
    return sum(len(name.encode()) + len(entry.text.encode()) for name, entry in entries.items())


def refuse_oversize(size: int, limit: int) -> None:
    """Raises SessionTooLarge when ``size`` bytes are more than a record may take."""
    if size > limit:
        raise SessionTooLarge(f"the session takes {size} of {limit} bytes at most")


class Guarantees(NamedTuple):
    """What a store promises; the contract suite proves what is declared, and only that.

    conditional      writes honour ``Change.expect``: ``modify`` and ``flashes`` are atomic
    merges_keys      two invocations that change different keys both survive
    dead_stays_dead  no write brings back a destroyed, rotated or expired session
    atomic_rotation  a rotation is there whole or not at all
    lists_users, scans, purges   the capability of that name is there
    max_bytes        of a whole record, by ``size_of``; None: the backend's own refusal decides
    tells_expired    ``load`` answers EXPIRED as long as an expired record has not been removed
    shared_with_astro   a driver of Astro's reads and writes the same texts at the same place
    """

    conditional: bool = True
    merges_keys: bool = True
    dead_stays_dead: bool = True
    atomic_rotation: bool = True
    lists_users: bool = False
    scans: bool = False
    purges: bool = False
    max_bytes: int | None = 1_000_000
    tells_expired: bool = False
    shared_with_astro: bool = False

    def awaited(self) -> Guarantees:
        """Without what is upkeep, and never awaited."""
        return self._replace(scans=False, purges=False)


class Finding(NamedTuple):
    """One thing that ``check`` looked at: whether it is well, and what mends it if not."""

    ok: bool
    what: str
    remedy: str = ""


class SessionStore(ABC):
    """A place to keep records under stored keys (64 hex digits).

    Every error it raises is one of ``serverless_sessions.errors``, with the backend's own as
    ``__cause__``. It must be safe to use from several threads at once. Each call ends within
    ``clock.time_left()`` seconds, own retries included.
    """

    guarantees: Guarantees = Guarantees()
    kind: str = "other"
    """The backend in events: a constant of at most 32 of a-z, 0-9, ".", "_" and "-"."""

    @abstractmethod
    def load(self, key: str) -> Found:
        """The live record without the entries that have ended, where it moved while a
        rotation's grace lasts, or None. In place of None a store may answer EXPIRED where a
        whole record's deadline has passed, if that costs it no further request."""

    @abstractmethod
    def create(self, key: str, record: Record) -> None:
        """Store a new record; replaces a dead one.

        A repeat, known by a live record there with the same non-empty nonce, changes nothing.
        Raises Conflict when anything else stands there, a marker within its hour included, and
        SessionTooLarge.
        """

    @abstractmethod
    def update(self, key: str, change: Change) -> None:
        """Carry out one change. Raises SessionGone, Moved, Conflict, SessionTooLarge."""

    @abstractmethod
    def rotate(self, old: str, new: str, record: Record, rev: object, grace_until: int) -> None:
        """Store ``record`` under ``new`` and leave a marker under ``old``, if its rev is ``rev``.

        Until ``grace_until`` the marker answers ``load`` and ``update`` with Moved; for
        MARKER_SECONDS it answers ``delete`` so. A repeat, known by a live record under ``new``
        with the same non-empty nonce, changes nothing. Raises SessionGone, Moved, Conflict,
        SessionTooLarge.
        """

    @abstractmethod
    def delete(self, key: str) -> Deletion | Absence | Moved:
        """Remove the record. A marker stays and says where its session went."""

    def colocated(self, a: str, b: str) -> bool:
        """Whether a rotation from ``a`` to ``b`` can be one atomic write here."""
        return True

    def adopt(self, seconds: int) -> None:  # noqa: B027  (most stores have no such sessions)
        """Let what Astro began last ``seconds`` from the first change by a function on."""

    def native_async(self) -> AsyncSessionStore | None:
        """The same store over the backend's own asynchronous client; None where it has none."""
        return None

    def list_user(self, user: str) -> list[str]:
        """Stored keys of a superset of the live sessions bound to ``user``, at one moment."""
        raise Unsupported(f"{type(self).__name__} cannot list the sessions of a user")

    def scan(self) -> Iterator[tuple[str, Record]]:
        """Every live record with its stored key, in no order."""
        raise Unsupported(f"{type(self).__name__} cannot go through all sessions")

    def purge(self, limit: int = 1000) -> int:
        """Remove at most ``limit`` expired records and markers; returns how many went."""
        raise Unsupported(f"{type(self).__name__} removes expired sessions by itself")

    def provision(self) -> None:
        """Create what the store needs, where it is missing."""
        raise Unsupported(f"{type(self).__name__} needs nothing created")

    def deprovision(self) -> None:
        """Remove all that ``provision`` created, and every session with it."""
        raise Unsupported(f"{type(self).__name__} has nothing to remove")

    def check(self) -> list[Finding]:
        """Look, by harmless calls, whether the store is fit for use."""
        raise Unsupported(f"{type(self).__name__} has nothing to check")

    def close(self) -> None:  # noqa: B027  (most stores hold nothing open)
        """Let go of connections."""


class AsyncSessionStore(ABC):
    """``SessionStore`` with coroutines; what is said there holds here."""

    guarantees: Guarantees = Guarantees()
    kind: str = "other"

    @abstractmethod
    async def load(self, key: str) -> Found: ...

    @abstractmethod
    async def create(self, key: str, record: Record) -> None: ...

    @abstractmethod
    async def update(self, key: str, change: Change) -> None: ...

    @abstractmethod
    async def rotate(
        self, old: str, new: str, record: Record, rev: object, grace_until: int
    ) -> None: ...

    @abstractmethod
    async def delete(self, key: str) -> Deletion | Absence | Moved: ...

    def colocated(self, a: str, b: str) -> bool:
        return True

    def adopt(self, seconds: int) -> None:  # noqa: B027  (as above)
        """As of ``SessionStore``."""

    async def list_user(self, user: str) -> list[str]:
        raise Unsupported(f"{type(self).__name__} cannot list the sessions of a user")

    async def close(self) -> None:  # noqa: B027  (most stores hold nothing open)
        """Let go of connections."""


AnyStore = SessionStore | AsyncSessionStore
