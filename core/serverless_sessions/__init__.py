"""Sessions for serverless functions: one decorator, one environment variable."""

from __future__ import annotations

from .account import UserSession
from .aio import AsyncSession, to_async
from .arrival import header
from .config import SessionConfig
from .contents import SessionInfo
from .current import current_async_session, current_session
from .errors import (
    AccessDenied,
    ConfigurationError,
    Conflict,
    CorruptRecord,
    InvalidArgument,
    MissingDependency,
    Moved,
    SessionClosed,
    SessionError,
    SessionGone,
    SessionNotFound,
    SessionTooLarge,
    StoreTimeout,
    StoreUnavailable,
    TooManySessions,
    Unsupported,
    UnsupportedValue,
)
from .events import Event
from .manager import SessionManager
from .memory import MemoryStore
from .registry import open_store
from .session import Session
from .store import AsyncSessionStore, SessionStore
from .values import codec, devalue

__all__ = [
    "AccessDenied",
    "AsyncSession",
    "AsyncSessionStore",
    "ConfigurationError",
    "Conflict",
    "CorruptRecord",
    "Event",
    "InvalidArgument",
    "MemoryStore",
    "MissingDependency",
    "Moved",
    "Session",
    "SessionClosed",
    "SessionConfig",
    "SessionError",
    "SessionGone",
    "SessionInfo",
    "SessionManager",
    "SessionNotFound",
    "SessionStore",
    "SessionTooLarge",
    "StoreTimeout",
    "StoreUnavailable",
    "TooManySessions",
    "Unsupported",
    "UnsupportedValue",
    "UserSession",
    "codec",
    "current_async_session",
    "current_session",
    "devalue",
    "header",
    "open_store",
    "to_async",
]
