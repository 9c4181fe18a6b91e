"""Firestore stores whose requests a test counts, cuts off, loses and interleaves."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar

from serverless_sessions import clock, ids
from serverless_sessions.errors import SessionError
from serverless_sessions.sansio import Asking, Request
from serverless_sessions.store import Change, SessionStore
from serverless_sessions.testing.cases.base import entries, loaded
from serverless_sessions_adapters._firestore_client import Firestore, Snapshot, Write, Written
from serverless_sessions_adapters.firestore import FirestoreStore

T = TypeVar("T")


class WatchedFirestore(Firestore):
    """Notes each request. ``before`` and ``after`` are called with its name; what they raise is
    raised, so that a reply is lost when ``after`` raises. Nobody waits."""

    def __init__(self, inner: Firestore) -> None:
        super().__init__(inner._location)
        self.requests: list[str] = []
        self.before: Callable[[str], None] = lambda _: None
        self.after: Callable[[str], None] = lambda _: None

    def get(self, key: str, fields: Iterable[str] | None = None) -> Snapshot | None:
        return self._noted("get", partial(super().get, key, fields))

    def commit(self, writes: Iterable[Write]) -> list[Written]:
        return self._noted("commit", partial(super().commit, writes))

    def keys_with(self, field: str, value: str) -> list[str]:
        return self._noted("query", partial(super().keys_with, field, value))

    def pause(self, seconds: float) -> None:
        self.requests.append("pause")

    def _noted(self, name: str, request: Callable[[], T]) -> T:
        self.requests.append(name)
        self.before(name)
        answer = request()
        self.after(name)
        return answer


def empty_store() -> FirestoreStore:
    """A store on a collection that nobody else has, in the emulator that is set."""
    return FirestoreStore(f"sessions-{uuid.uuid4().hex}", project="tests")


def watched(store: FirestoreStore) -> WatchedFirestore:
    """The client of ``store``, from now on one that is watched."""
    client = store.client = WatchedFirestore(store.client)
    return client


def failing(error: Callable[[str], Exception], times: int = 1) -> Callable[[str], None]:
    """For ``before`` or ``after``: raise ``error`` at the first commits."""
    failures = iter(range(times))

    def hook(request: str) -> None:
        if request == "commit" and next(failures, None) is not None:
            raise error("on purpose")

    return hook


def blind(store: SessionStore, key: str, **texts: str) -> Change:
    return Change(set=entries(**texts))


def blind_and_due(store: SessionStore, key: str, **texts: str) -> Change:
    return Change(set=entries(**texts), idle=clock.now() + 7200)


def as_seen(store: SessionStore, key: str, **texts: str) -> Change:
    """As a request that has read the session makes it."""
    record = loaded(store, key)
    handle, idle = record.facts.rid, clock.now() + 7200
    nonce = ids.draw_nonce()
    return Change(set=entries(**texts), rid=handle, seen=record.rev, idle=idle, nonce=nonce)


def as_expected(store: SessionStore, key: str, **texts: str) -> Change:
    """As one that has read it through another id."""
    return Change(set=entries(**texts), expect={"first": "1"}, nonce=ids.draw_nonce())


Making = Callable[..., Change]
CHANGES: tuple[Making, ...] = (blind, blind_and_due, as_seen, as_expected)
"""Each way in which an update is carried out, made for a session with ``first``."""


def marker_ends(client: WatchedFirestore, key: str) -> int:
    """The second at which Firestore may remove it."""
    marker = client.get(key)
    assert marker is not None
    return int(marker.fields["expires_at"].timestamp())


class Stepped:
    """An operation that is carried out request by request."""

    def __init__(self, client: WatchedFirestore, asking: Asking[Any]) -> None:
        self.outcome: Any = None
        self._client = client
        self._asking = asking
        self._request: Request | None = None
        self._go_on(lambda: next(asking))

    @property
    def done(self) -> bool:
        return self._request is None

    def step(self) -> None:
        """Make the next request, and let pauses pass."""
        while self._request is not None:
            self._client.requests.clear()
            self._perform(self._request)
            if self._client.requests != ["pause"]:
                return

    def _perform(self, request: Request) -> None:
        try:
            answer = request(self._client)
        except Exception as error:  # noqa: BLE001  (the operation decides about it)
            refused = error
            self._go_on(lambda: self._asking.throw(refused))
        else:
            self._go_on(lambda: self._asking.send(answer))

    def _go_on(self, resume: Callable[[], Request]) -> None:
        self._request = None
        try:
            self._request = resume()
        except StopIteration as stop:
            self.outcome = stop.value
        except SessionError as error:
            self.outcome = error


def in_every_order(begin: Callable[[], tuple[list[Stepped], Callable[..., None]]]) -> int:
    """Run two or more operations with their requests in each order that there is.

    ``begin`` gives them anew for each order, and what to ask of their outcomes afterwards.
    """
    orders: list[list[int]] = [[]]
    count = 0
    while orders:
        order, taken = orders.pop(), 0
        operations, check = begin()
        while undone := [n for n, operation in enumerate(operations) if not operation.done]:
            if taken == len(order):
                orders += [[*order, other] for other in undone[1:]]
                order = [*order, undone[0]]
            operations[order[taken]].step()
            taken += 1
        check(*(operation.outcome for operation in operations))
        count += 1
    return count
