"""Firestore stores whose requests a test counts, cuts off, loses and interleaves."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

from serverless_sessions import clock, ids
from serverless_sessions.store import Change, SessionStore
from serverless_sessions.testing.cases.base import entries, loaded
from serverless_sessions_adapters._firestore_client import Firestore, Snapshot, Write, Written
from serverless_sessions_adapters.firestore import FirestoreStore
from support.interleaving import PAUSED, Stepped, in_every_order

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

    def pause(self, seconds: float) -> object:  # type: ignore[override]  # a sign, and no pause
        self.requests.append("pause")
        return PAUSED

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


Begin = Callable[[], tuple[list[Stepped], Callable[..., None]]]


def checked_in_every_order(begin: Begin) -> int:
    """Run operations with their requests in each order that there is; returns how many.

    ``begin`` gives them anew for each order, and what to ask of their outcomes afterwards.
    """
    checks: list[Callable[..., None]] = []

    def start() -> list[Stepped]:
        operations, check = begin()
        checks.append(check)
        return operations

    for outcomes in in_every_order(start):
        checks[-1](*outcomes)
    return len(checks)
