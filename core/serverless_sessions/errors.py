"""Every error of the library, and the HTTP status each one becomes."""

from __future__ import annotations


class SessionError(Exception):
    """Base of all errors raised here.

    ``http_status`` is what a front door answers when the error reaches it; None means
    that the error is the handler's own mistake or business and propagates unchanged.
    """

    http_status: int | None = None


class ConfigurationError(SessionError):
    """A setting is missing or wrong; the message names it, its value and what is allowed."""

    http_status = 500


class MissingDependency(ConfigurationError):
    """The package that a store or feature needs is not installed; the message names the extra."""


class StoreUnavailable(SessionError):
    """The store cannot be reached or answers with an error of its own."""

    http_status = 503


class StoreTimeout(StoreUnavailable):
    """The store did not answer in time; a write may or may not have been carried out."""


class Conflict(SessionError):
    """Somebody else changed the record first, and the time to try again is used up."""

    http_status = 503


class AccessDenied(SessionError):
    """The store refuses this function's credentials; the message names table and action."""

    http_status = 500


class SessionTooLarge(SessionError):
    """A value, or the whole session, passes the store's limit in bytes. Nothing was stored."""

    http_status = 500


class CorruptRecord(SessionError):
    """A stored value cannot be decoded. It stays stored until it is set or deleted."""

    http_status = 500


class SessionGone(SessionError):
    """The session was destroyed, rotated or expired since it was read; nothing was stored."""


class Moved(SessionError):
    """The session lives on under another stored key, ``to``, because its id was rotated.

    Stores return it from ``load`` and ``delete`` and raise it from ``update`` and ``rotate``.
    """

    def __init__(self, to: str) -> None:
        super().__init__("the session has moved to another key")
        self.to = to


class SessionNotFound(SessionError, LookupError):
    """``load(id)`` was given an id that is malformed or names no live session; ``revoke`` a handle
    that names no live session of that user. Nothing was ended."""


class TooManySessions(SessionError):
    """The user has as many sessions as ``max_per_user`` allows: this log-in does not hold.

    409, as RFC 9110 (15.5.10) has it for what the user can mend: log out elsewhere, and try again.
    """

    http_status = 409


class SessionClosed(SessionError, RuntimeError):
    """The session was used after its response had left."""

    def __init__(
        self, message: str = "the response has left; its session can no longer be used"
    ) -> None:
        super().__init__(message)


class InvalidArgument(SessionError, ValueError):
    """A key, ttl or user is not allowed; the message names it and what is."""


class UnsupportedValue(SessionError, TypeError):
    """A value has a type that cannot be stored; the message names key, path and remedy."""


class Unsupported(SessionError):
    """The store declares that it cannot give the guarantee that this call needs."""
