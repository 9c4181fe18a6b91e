"""What must not come out of a snapshot twice: connections, credentials, the state of ``random``.

SnapStart starts many instances from one snapshot of a process (AWS Lambda, "Handling uniqueness
with Lambda SnapStart"). Ids come from the system's CSPRNG at the time they are drawn, which gives
each instance others.
"""

from __future__ import annotations

import os
import random
from contextlib import suppress

from ..aio import async_store
from ..manager import SessionManager
from ..store import SessionStore
from . import _loop


def renew_after_restore(manager: SessionManager, awaited: bool) -> None:
    """Under SnapStart, close the store before the snapshot and open it anew in each instance.

    ``awaited`` tells whether the store is used on the loop.
    """
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") != "snap-start":
        return
    try:
        from snapshot_restore_py import register_after_restore, register_before_snapshot
    except ImportError:
        # Every managed runtime with SnapStart has it ("Lambda SnapStart runtime hooks for
        # Python"); in another one a connection that is dead is replaced when it is used.
        return

    register_before_snapshot(_let_go, manager, awaited)
    register_after_restore(_begin_anew, manager)


def _let_go(manager: SessionManager, awaited: bool) -> None:
    store = manager.forget()
    if store is None:
        return
    with suppress(Exception):  # what cannot be closed is not used any more all the same
        if isinstance(store, SessionStore):
            store.close()
        if awaited:
            _loop.run(async_store(store).close())


def _begin_anew(manager: SessionManager) -> None:
    random.seed()  # pauses after lost races are drawn from it
    manager.open_now()
