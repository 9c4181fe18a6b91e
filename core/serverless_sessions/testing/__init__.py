"""Tools for tests of handlers and stores; nothing else in the package imports them."""

from .clock import FrozenClock
from .requests import lambda_event
from .stored import SessionMaker, StoredSession, replaced_store

__all__ = ["FrozenClock", "SessionMaker", "StoredSession", "lambda_event", "replaced_store"]
