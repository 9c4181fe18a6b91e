"""Whether this machine and a store's server agree on the time."""

from __future__ import annotations

from collections.abc import Callable

from . import clock
from .errors import SessionError
from .store import Finding

TOLERATED = 5.0
"""Seconds. Every deadline is held to the clock of the machine that looks at it."""


def clock_finding(ask: Callable[[], float]) -> Finding:
    """``ask`` returns the server's Unix time, perhaps in whole seconds."""
    asked = clock.precise()
    try:
        theirs = ask()
    except SessionError as error:
        return Finding(False, str(error), "see whether the store can be reached")
    answered = clock.precise()
    off = (asked + answered) / 2 - theirs
    if abs(off) <= TOLERATED + (answered - asked):
        return Finding(True, "the clocks of this machine and of the store's server agree")
    which = "ahead of" if off > 0 else "behind"
    return Finding(
        False,
        f"the clock of this machine is {abs(off):.0f} seconds {which} that of the store's server",
        "set the clock, for example `chronyc makestep`; sessions end by the clocks of functions",
    )


def of_date_header(value: str) -> float:
    """Unix time of HTTP's Date. Raises ValueError."""
    from email.utils import parsedate_to_datetime

    return parsedate_to_datetime(value).timestamp()
