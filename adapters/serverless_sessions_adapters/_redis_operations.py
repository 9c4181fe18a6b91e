"""The store operations of Redis and Upstash: arguments for the scripts, and their answers read."""

from __future__ import annotations

import hashlib
import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any

from serverless_sessions import clock
from serverless_sessions.errors import ConfigurationError, Conflict, Moved, SessionGone
from serverless_sessions.sansio import Asking, ClientStore, Request, StoreOperations
from serverless_sessions.store import (
    ABSENT,
    DELETED,
    EXPIRED,
    MARKER_SECONDS,
    TTL_LAG_SECONDS,
    Absence,
    Change,
    Deletion,
    Entry,
    Facts,
    Found,
    Guarantees,
    Record,
    refuse_oversize,
    size_of,
)

from . import _redis_scripts as scripts
from ._redis_scripts import Script

DEFAULT_PREFIX = "session"
MAX_BYTES = 1_000_000
PAGE = 500
"""Keys that one SCAN looks at."""
Argument = str | int

_STORED = re.compile(r"([0-9]*):(.*)", re.DOTALL)


class ScriptOperations(StoreOperations):
    """One script for each operation, at ``PREFIX:{HH}:KEY``, HH being the key's first two digits.

    Redis Cluster hashes what stands in braces, so a session rotates within its slot. A user's
    sessions are a sorted set by absolute deadline, in a slot of its own: it is written by one
    request more, before a session of that user is stored and after it is gone. Cut off in
    between, it names a session that is not there, until that session's deadline. A member is key
    and handle, so that whoever takes one out leaves a later session of the same key in.

    Requests: load 1, update 1, create 1, rotate 1, delete 1; with a user create 2, rotate 3,
    delete 2.
    """

    def __init__(self, prefix: str = DEFAULT_PREFIX, max_bytes: int = MAX_BYTES) -> None:
        if not prefix or "{" in prefix or "}" in prefix:
            raise ConfigurationError("the prefix of the keys in Redis must be text without braces")
        self.guarantees = Guarantees(
            lists_users=True, scans=True, max_bytes=max_bytes, tells_expired=True
        )
        self._prefix = prefix
        self._max_bytes = max_bytes

    @abstractmethod
    def command(self, name: str, code: str, keys: list[str], arguments: list[str]) -> Request:
        """A request for EVALSHA or EVAL."""

    @abstractmethod
    def is_unknown_script(self, error: Exception) -> bool:
        """Whether ``error`` is the server's NOSCRIPT."""

    def load(self, key: str) -> Asking[Found]:
        answer = yield from self._run(scripts.LOAD, [self.place_of(key)])
        match answer:
            case ["live", fields]:
                return _record(dict(zip(fields[::2], fields[1::2], strict=True)))
            case ["moved", to]:
                return Moved(to)
            case ["expired"]:
                return EXPIRED
            case _:
                return None

    def create(self, key: str, record: Record) -> Asking[None]:
        refuse_oversize(size_of(record.entries), self._max_bytes)
        yield from self._enlist(key, record)
        fields = _flat(_fields(record))
        answer = yield from self._run(scripts.CREATE, [self.place_of(key)], record.nonce, *fields)
        self._accept(answer, "another session stands under this key")

    def update(self, key: str, change: Change) -> Asking[None]:
        removed = [f"k:{name}" for name in change.remove]
        answer = yield from self._run(
            scripts.UPDATE,
            [self.place_of(key)],
            change.nonce,
            "" if change.idle is None else change.idle,
            change.rid or "",
            int(change.clear),
            self._max_bytes,
            len(change.expect),
            *_expectations(change),
            len(removed),
            *removed,
            *_flat(_values(change.set)),
        )
        self._accept(answer, "an entry is not as the change expects it")

    def rotate(
        self, old: str, new: str, record: Record, rev: object, grace_until: int
    ) -> Asking[None]:
        refuse_oversize(size_of(record.entries), self._max_bytes)
        yield from self._enlist(new, record)
        answer = yield from self._run(
            scripts.ROTATE,
            [self.place_of(old), self.place_of(new)],
            record.nonce,
            str(rev),
            new,
            grace_until,
            clock.now() + MARKER_SECONDS,
            *_flat(_fields(record)),
        )
        self._accept(answer, "the session changed since it was read, or the new key is taken")
        yield from self._delist(old, answer)

    def delete(self, key: str) -> Asking[Deletion | Absence | Moved]:
        answer = yield from self._run(scripts.DELETE, [self.place_of(key)])
        if answer[0] == "moved":
            return Moved(answer[1])
        yield from self._delist(key, answer)
        return DELETED if answer[0] == "deleted" else ABSENT

    def list_user(self, user: str) -> Asking[list[str]]:
        members = yield from self._run(scripts.LISTED, [self.place_of_user(user)])
        return list(dict.fromkeys(member.partition(":")[0] for member in members))

    def place_of(self, key: str) -> str:
        """The key in Redis of the session with this stored key."""
        return f"{self._prefix}:{{{key[:2]}}}:{key}"

    @property
    def places(self) -> str:
        """The pattern of ``place_of`` for SCAN."""
        escaped = re.sub(r"([*?\[\]\\^-])", r"\\\1", self._prefix)
        return f"{escaped}:{{??}}:*"

    def colocated(self, a: str, b: str) -> bool:
        return a[:2] == b[:2]

    def _enlist(self, key: str, record: Record) -> Asking[None]:
        user, absolute = record.facts.user, record.facts.absolute
        if user is not None:
            place, member = self.place_of_user(user), _member(key, record.facts.rid)
            yield from self._run(scripts.ENLIST, [place], member, absolute)

    def _delist(self, key: str, answer: list[Any]) -> Asking[None]:
        """Take out the session of ``key`` whose user and handle a script named. What that did
        stands whether or not."""
        match answer:
            case [_, str(user), str(rid)]:
                with suppress(Exception):
                    place, member = self.place_of_user(user), _member(key, rid)
                    yield from self._run(scripts.DELIST, [place], member)

    def _run(self, script: Script, keys: list[str], *arguments: Argument) -> Asking[Any]:
        given = [str(argument) for argument in (clock.now(), TTL_LAG_SECONDS, *arguments)]
        try:
            return (yield self.command("EVALSHA", script.sha, keys, given))
        except Exception as error:
            if not self.is_unknown_script(error):
                raise
        return (yield self.command("EVAL", script.text, keys, given))

    def _accept(self, answer: list[Any], conflict: str) -> None:
        match answer:
            case ["conflict"]:
                raise Conflict(conflict)
            case ["moved", to]:
                raise Moved(to)
            case ["gone"]:
                raise SessionGone("the session has ended")
            case ["large", size]:
                refuse_oversize(size, self._max_bytes)

    def place_of_user(self, user: str) -> str:
        return f"{self._prefix}:u:{hashlib.sha256(user.encode()).hexdigest()}"


class ScriptStore(ClientStore):
    """What the stores over Redis and Upstash share beside the five operations."""

    operations: ScriptOperations

    @abstractmethod
    def places(self) -> Iterator[str]:
        """What SCAN finds of ``ScriptOperations.places``, at least once each."""

    def scan(self) -> Iterator[tuple[str, Record]]:
        places, action = self.places(), "going through all sessions"
        while page := self.ask(action, asked(lambda _: list(islice(places, PAGE)))):
            for key in dict.fromkeys(place.rpartition(":")[2] for place in page):
                found = self.load(key)
                if isinstance(found, Record):
                    yield key, found

    def close(self) -> None:
        self.client.close()


def asked(request: Request) -> Asking[Any]:
    return (yield request)


def _member(key: str, rid: str) -> str:
    return f"{key}:{rid}"


def _values(entries: Mapping[str, Entry]) -> dict[str, Argument]:
    return {
        f"k:{name}": f"{'' if entry.deadline is None else entry.deadline}:{entry.text}"
        for name, entry in entries.items()
    }


def _fields(record: Record) -> dict[str, Argument]:
    facts = record.facts
    optional = {"m:user": facts.user, "m:authenticated": facts.authenticated_at}
    return {
        "m:rid": facts.rid,
        "m:created": facts.created,
        "m:absolute": facts.absolute,
        "m:idle": record.idle,
        "m:rev": 1,
        "m:nonce": record.nonce,
        "m:size": size_of(record.entries),
        **{field: value for field, value in optional.items() if value is not None},
        **_values(record.entries),
    }


def _flat(fields: Mapping[str, Argument]) -> Iterator[Argument]:
    for field, value in fields.items():
        yield field
        yield value


def _expectations(change: Change) -> Iterator[Argument]:
    for name, text in change.expect.items():
        yield f"k:{name}"
        yield int(not isinstance(text, Absence))
        yield "" if isinstance(text, Absence) else text


def _record(fields: Mapping[str, str]) -> Record:
    now = clock.now()
    stored = {name[2:]: _entry(value) for name, value in fields.items() if name.startswith("k:")}
    authenticated = fields.get("m:authenticated")
    facts = Facts(
        rid=fields["m:rid"],
        created=int(fields["m:created"]),
        absolute=int(fields["m:absolute"]),
        user=fields.get("m:user"),
        authenticated_at=None if authenticated is None else int(authenticated),
    )
    return Record(
        entries={name: entry for name, entry in stored.items() if entry.alive(now)},
        facts=facts,
        idle=int(fields["m:idle"]),
        rev=f"{facts.rid} {fields.get('m:rev', '')}",
        nonce=fields.get("m:nonce", ""),
    )


def _entry(value: str) -> Entry:
    found = _STORED.fullmatch(value)
    if found is None:
        return Entry("")  # no text of a value: CorruptRecord to who reads it
    return Entry(found[2], int(found[1]) if found[1] else None)
