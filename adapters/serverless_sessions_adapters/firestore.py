"""Sessions in Google Cloud Firestore."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, TypeVar

from google.api_core.exceptions import NotFound

from serverless_sessions import clock
from serverless_sessions.errors import ConfigurationError, Moved, SessionError, SessionGone
from serverless_sessions.sansio import Asking, ClientStore
from serverless_sessions.skew import clock_finding
from serverless_sessions.store import Finding, Record
from serverless_sessions.urls import StoreURL

from ._firestore_client import (
    COLLECTION,
    DATABASE,
    AsyncFirestore,
    Firestore,
    Location,
    Snapshot,
    Write,
)
from ._firestore_documents import version
from ._firestore_operations import FirestoreOperations, handed_out, read

T = TypeVar("T")

_ADMIN_SECONDS = 30.0
"""For a request that no invocation waits for."""
_DATABASE = (
    "`terraform apply` of infra/gcp makes one; if it is there, name it, as in"
    " firestore://PROJECT/COLLECTION?database=sessions"
)
_PAGE = 50


class FirestoreStore(ClientStore):
    """Keeps sessions in a collection of a Firestore database in native mode, each in a document.

    Its fields: the map ``v`` with an entry under ``k`` and the name, text or [text, deadline];
    the whole seconds ``exp`` (idle deadline), ``abs`` (absolute deadline), ``created`` and
    ``auth``; ``rid``, ``user`` and ``nonce``; ``who``, the SHA-256 of the user, by whose index a
    user's sessions are listed (queries of Firestore are strongly consistent); ``rev``, the count
    of writes; and the timestamp ``expires_at``, for a TTL policy. A rotation replaces them all by
    ``to``, ``grace`` and ``ends``.

    Requests of an operation when nobody comes between; an update sends its own keys alone:

        load, rotate, list_user    1
        create                     1; in place of a dead session 3
        update                     1; 2 where it moves the deadline of a session it has not read
        delete                     2

    A document takes about one write a second for long; writers that meet try again, with jitter,
    until the call's time is used up, and raise Conflict then.

    The collection needs that TTL policy, and the fields of ``_firestore_admin.UNINDEXED`` exempt
    from indexing: ``provision`` asks for both, ``check`` looks. With more than some 4,800 entries
    a session can be too large below ``max_bytes``, as Firestore counts bytes for each of them. A
    forked child opens a client of its own; gRPC's support for that is on unless
    GRPC_ENABLE_FORK_SUPPORT turns it off.
    """

    def __init__(
        self,
        collection: str = COLLECTION,
        *,
        project: str | None = None,
        database: str = DATABASE,
        credentials: Any = None,
    ) -> None:
        self.location = Location(collection, project, database, credentials).completed()
        super().__init__(
            FirestoreOperations(self.location),
            Firestore(self.location),
            lambda: AsyncFirestore(self.location),
        )

    def __repr__(self) -> str:
        return f"FirestoreStore({self.location})"

    def scan(self) -> Iterator[tuple[str, Record]]:
        last: str | None = None
        while page := self._administered("going through all sessions", _page(last, _PAGE)):
            for snapshot in page:
                try:
                    record = handed_out(version(snapshot))
                except (Moved, SessionGone):
                    continue
                yield snapshot.key, record
            last = page[-1].key

    def provision(self) -> None:
        """Ask for the TTL policy and the index exemptions; Firestore carries them out in time."""
        from . import _firestore_admin as admin

        if not self.location.emulated:
            asking = admin.asking(admin.set_up, self.location)
            self._administered("setting up the collection", asking)

    def deprovision(self) -> None:
        """Remove every session, then what ``provision`` asked for."""
        from . import _firestore_admin as admin

        while self._administered("removing all sessions", _removal()):
            pass
        if not self.location.emulated:
            asking = admin.asking(admin.take_down, self.location)
            self._administered("taking down the collection", asking)

    def check(self) -> list[Finding]:
        from . import _firestore_admin as admin

        listing = self.operations.list_user("")
        role = "give the function's account the role roles/datastore.user"
        findings = [self._tried("reading", read("check", ()), role, _DATABASE)]
        if findings[0].remedy == _DATABASE:
            return findings
        findings += [
            self._tried("writing", _probe(), role),
            self._tried("listing a user's sessions", listing, "index the field 'who'"),
        ]
        if findings[0].ok:
            findings.append(clock_finding(self._time))
        if self.location.emulated:
            return [*findings, Finding(True, "the emulator has no TTL and needs no exemptions")]
        asking = admin.asking(admin.findings, self.location)
        return [*findings, *self._administered("checking the collection", asking)]

    def close(self) -> None:
        self.client.close()

    def _time(self) -> float:
        return self.ask("asking the time", _read_time())

    def _administered(self, action: str, asking: Asking[T]) -> T:
        with clock.call_limit(clock.time_left(_ADMIN_SECONDS)):
            return self.ask(action, asking)

    def _tried(
        self, what: str, asking: Asking[object], remedy: str, unconfigured: str = ""
    ) -> Finding:
        """``unconfigured`` is the remedy for a ConfigurationError, where it is another one."""
        try:
            self.ask(what, asking)
        except ConfigurationError as error:
            return Finding(False, str(error), unconfigured or remedy)
        except SessionError as error:
            return Finding(False, str(error), remedy)
        return Finding(True, f"{what} in {self.location} works")


def _page(
    after: str | None, limit: int, fields: tuple[str, ...] | None = None
) -> Asking[list[Snapshot]]:
    page: list[Snapshot] = yield lambda client: client.page(after, limit, fields)
    return page


def _removal() -> Asking[int]:
    """Remove some documents; returns how many."""
    doomed = yield from _page(None, 500, ())
    if doomed:
        yield lambda client: client.commit([Write("delete", each.key) for each in doomed])
    return len(doomed)


def _read_time() -> Asking[float]:
    moment: float = yield lambda client: client.read_time()
    return moment


def _probe() -> Asking[None]:
    """A write that must fail, as no session has this key."""
    with suppress(NotFound):
        yield lambda client: client.commit([Write("update", "check", {"rev": 1})])


def open_url(url: StoreURL) -> FirestoreStore:
    """``firestore://PROJECT/COLLECTION``, or parts of that, or bare ``firestore``.

    Takes the parameter ``database``.
    """
    url.allow_parts("host", "path")
    with url.parameters() as take:
        database = take.text("database", DATABASE)
    return FirestoreStore(
        url.path.removeprefix("/") or COLLECTION, project=url.host or None, database=database
    )
