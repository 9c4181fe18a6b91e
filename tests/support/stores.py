"""A store that records the calls it gets, and lets a test step in between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from serverless_sessions.errors import Moved, StoreUnavailable
from serverless_sessions.store import Absence, Change, Deletion, Record, SessionStore


class WatchedStore(SessionStore):
    """Passes every operation on to ``inner`` and notes its name in ``calls``.

    ``before`` and ``after`` are called with an operation's name around it; what they raise is
    raised. A reply is lost when ``after`` raises StoreUnavailable.
    """

    def __init__(self, inner: SessionStore) -> None:
        self.inner = inner
        self.guarantees = inner.guarantees
        self.calls: list[str] = []
        self.before: Callable[[str], None] = lambda _: None
        self.after: Callable[[str], None] = lambda _: None

    def _pass_on(self, operation: str, *arguments: Any) -> Any:
        self.calls.append(operation)
        self.before(operation)
        result = getattr(self.inner, operation)(*arguments)
        self.after(operation)
        return result

    def load(self, key: str) -> Record | Moved | None:
        found: Record | Moved | None = self._pass_on("load", key)
        return found

    def create(self, key: str, record: Record) -> None:
        self._pass_on("create", key, record)

    def update(self, key: str, change: Change) -> None:
        self._pass_on("update", key, change)

    def rotate(self, old: str, new: str, record: Record, rev: object, grace_until: int) -> None:
        self._pass_on("rotate", old, new, record, rev, grace_until)

    def delete(self, key: str) -> Deletion | Absence | Moved:
        answer: Deletion | Absence | Moved = self._pass_on("delete", key)
        return answer


def once(action: Callable[[], None], at: str = "") -> Callable[[str], None]:
    """For ``before`` or ``after``: run ``action`` at the first call (of operation ``at``)."""
    pending = [action]

    def hook(operation: str) -> None:
        if pending and at in ("", operation):
            pending.pop()()

    return hook


def down(_: str) -> None:
    """For ``before``: the store does not answer."""
    raise StoreUnavailable("the store is down")
