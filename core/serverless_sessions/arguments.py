"""What a caller may give: keys, users and times."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any, Final

from . import clock
from .errors import InvalidArgument
from .store import RESERVED

MAX_KEY_BYTES: Final = 1024
MAX_TTL: Final = 100 * 366 * 86_400
Seconds = float | timedelta


def check_key(name: object) -> None:
    """Raises InvalidArgument unless ``name`` may be a session key."""
    if not isinstance(name, str) or not name:
        raise InvalidArgument("a session key must be a non-empty str")
    if name.startswith(RESERVED):
        raise InvalidArgument(f"session keys that begin with {RESERVED!r} are the library's own")
    _check_text(name, "a session key")


def check_user(user: object) -> None:
    """Raises InvalidArgument unless ``user`` may be bound to a session."""
    if user is None:
        return
    if not isinstance(user, str) or not user:
        raise InvalidArgument("bind() takes a non-empty str, or None to unbind")
    if user.startswith(RESERVED):
        raise InvalidArgument(f"users that begin with {RESERVED!r} are the library's own")
    _check_text(user, "a user")


def _check_text(text: str, what: str) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InvalidArgument(f"{what} must not hold lone surrogates") from None
    if size > MAX_KEY_BYTES:
        raise InvalidArgument(f"{what} takes {size} bytes of UTF-8; {MAX_KEY_BYTES} are allowed")


def deadline_of(ttl: Any) -> int | None:
    """The Unix second at which what is set now ends, None for never. Raises InvalidArgument."""
    if ttl is None:
        return None
    return clock.now() + math.ceil(seconds_of(ttl, "ttl"))


def seconds_of(given: Any, what: str) -> float:
    """Raises InvalidArgument, naming ``what``, for what is no time from over 0 to ``MAX_TTL``."""
    seconds = given.total_seconds() if isinstance(given, timedelta) else given
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise InvalidArgument(f"{what} must be seconds or a timedelta")
    if not 0 < seconds <= MAX_TTL:
        raise InvalidArgument(f"{what} is {seconds} seconds; allowed is over 0, at most {MAX_TTL}")
    return seconds
