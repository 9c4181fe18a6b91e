"""Hooks for a watched store: what it does to an operation."""

from __future__ import annotations

from collections.abc import Callable

from serverless_sessions.errors import StoreUnavailable


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
