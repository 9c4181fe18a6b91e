"""Removing expired sessions from stores that keep them until told."""

from __future__ import annotations

import functools
import time

from . import clock
from .errors import ConfigurationError, StoreTimeout
from .manager import SessionManager
from .store import AnyStore, SessionStore

BATCH = 500
"""A store may search from its beginning each time it is asked, so it is not asked for a few."""


def purge_expired(
    store: str | AnyStore | None = None,
    *,
    limit: int = 10_000,
    seconds: float = 60.0,
    per_second: float = 100.0,
) -> int:
    """Remove expired sessions, for a function that a timer calls; returns how many went.

    It ends when the store removes fewer than it may, after ``limit`` or after ``seconds``, and
    pauses so that it removes ``per_second`` on average: the next call goes on. What went in a last
    store call that ran out of time is not counted. ``store`` is a store or its url; without one
    SESSION_STORE counts. Raises ConfigurationError for a store that can only be awaited,
    Unsupported for one that removes expired sessions by itself, and the errors of a store that
    fails.
    """
    named = store is None or isinstance(store, str)
    chosen = _manager(store).store if named else SessionManager(store).store
    if not isinstance(chosen, SessionStore):
        raise ConfigurationError(f"{type(chosen).__name__} can only be awaited; it is not purged")
    began = time.monotonic()
    gone = 0
    while gone < limit:
        due = began + min(gone / per_second, seconds)
        if (early := due - time.monotonic()) > 0:
            time.sleep(early)
        wanted = min(BATCH, limit - gone)
        left = began + seconds - time.monotonic()
        if left <= 0:
            break
        try:
            with clock.call_limit(left):
                went = chosen.purge(wanted)
        except StoreTimeout:
            if time.monotonic() - began < seconds:
                raise
            break
        gone += went
        if went < wanted:
            break
    return gone


@functools.cache
def _manager(store: str | None) -> SessionManager:
    """One client for each store, however often the timer calls."""
    return SessionManager(store)
