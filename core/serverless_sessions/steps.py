"""Store operations as steps of a generator, so that one lifecycle serves calls and awaits.

A write whose reply was lost is settled here: the operations are built so that sending them
again is harmless, or so that a look at the store shows by the nonce whether they happened.
"""

from __future__ import annotations

import random
import time
from collections.abc import Generator
from typing import Any, Literal, NamedTuple, TypeVar

from .errors import Conflict, Moved, SessionGone, StoreTimeout, StoreUnavailable
from .store import Absence, Change, Deletion, Found, Record

Operation = Literal["load", "create", "update", "rotate", "delete", "list_user"]
READS: frozenset[Operation] = frozenset({"load", "list_user"})
T = TypeVar("T")

RESEND_AFTER = (0.01, 0.03)
"""Seconds."""


class StoreCall(NamedTuple):
    """Call the store's method of this name. ``ends`` is a ``time.monotonic`` moment.

    One that ``settles`` finds out, or makes sure, that a write before it has arrived.
    """

    operation: Operation
    arguments: tuple[Any, ...]
    ends: float
    settles: bool = False


class Pause(NamedTuple):
    """Wait before trying again; one that ``settles`` comes before a call that does."""

    seconds: float
    settles: bool = False


Steps = Generator[StoreCall | Pause, Any, T]


class StoreSteps:
    """The operations; each is over within ``seconds``, its settlement included."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def load(self, key: str) -> Steps[Found]:
        # A function that was frozen between two invocations finds its connections cut.
        found: Found
        found = yield from _sent_again_if_lost(self._call("load", key))
        return found

    def create(self, key: str, record: Record) -> Steps[None]:
        yield from _sent_again_if_lost(self._call("create", key, record))

    def delete(self, key: str) -> Steps[Deletion | Absence | Moved]:
        answer: Deletion | Absence | Moved
        answer = yield from _sent_again_if_lost(self._call("delete", key))
        return answer

    def list_user(self, user: str) -> Steps[list[str]]:
        listed: list[str] = yield from _sent_again_if_lost(self._call("list_user", user))
        return listed

    def update(self, key: str, change: Change) -> Steps[None]:
        call = self._call("update", key, change)
        if not change.expect:
            yield from _sent_again_if_lost(call)
            return
        try:
            yield call
        except StoreUnavailable as lost:
            yield from _breath(lost)
            yield from _settle_conditional(call, key, change, lost)

    def rotate(
        self, old: str, new: str, record: Record, rev: object, grace_until: int
    ) -> Steps[None]:
        """Where no reply comes at all, it is open whether the session lives under ``old`` or under
        ``new``; it is one of them, never both."""
        call = self._call("rotate", old, new, record, rev, grace_until)
        arrived = StoreCall("load", (new,), call.ends, settles=True)
        try:
            yield call
        except StoreUnavailable as lost:
            yield from _breath(lost)
            if _stands((yield from _sent_again_if_lost(arrived))):
                return
            try:
                yield call._replace(settles=True)
            except (SessionGone, Moved, Conflict):
                if not _stands((yield arrived)):
                    raise

    def _call(self, operation: Operation, *arguments: Any) -> StoreCall:
        return StoreCall(operation, arguments, time.monotonic() + self._seconds)


def _sent_again_if_lost(call: StoreCall) -> Steps[Any]:
    try:
        return (yield call)
    except StoreUnavailable as lost:
        yield from _breath(lost)
        return (yield call._replace(settles=True))


def _settle_conditional(
    call: StoreCall, key: str, change: Change, lost: StoreUnavailable
) -> Steps[None]:
    """Send a compare-and-set again unless it arrived; where neither is certain, say so.

    That the entries are as expected proves nothing once others have written: they may have
    brought back what the change replaced.
    """
    look = StoreCall("load", (key,), call.ends, settles=True)
    found = yield from _sent_again_if_lost(look)
    if _bears(found, change.nonce):
        return
    is_open = StoreTimeout("a reply was lost: whether the change is stored is open")
    if isinstance(found, Record) and change.seen not in (None, found.rev):
        raise is_open from lost
    try:
        yield call._replace(settles=True)
    except (Conflict, Moved):
        if not _bears((yield look), change.nonce):
            raise is_open from lost


def _breath(lost: StoreUnavailable) -> Steps[None]:
    """Before a call is made again: a moment for a client to connect anew, or a server to breathe.
    Raises ``lost`` when the call's time is up."""
    if isinstance(lost, StoreTimeout):
        raise lost
    yield Pause(random.uniform(*RESEND_AFTER), settles=True)  # noqa: S311  (jitter)


def _stands(found: object) -> bool:
    return isinstance(found, Record | Moved)


def _bears(found: object, nonce: str) -> bool:
    return isinstance(found, Record) and found.nonce == nonce
