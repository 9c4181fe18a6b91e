"""How long a store's write that others keep from happening waits before it is tried again."""

from __future__ import annotations

import random
import time

from . import clock
from .errors import Conflict
from .sansio import Asking

TRY_SECONDS = 0.05
"""With less than this left, another try would be cut off, and open whether it was made."""


class Patience:
    """A random pause before each further try of one store call, until its time is used up.

    The first is up to ``limit`` seconds, each next one up to twice as long, ``longest`` at most.
    """

    def __init__(self, limit: float, longest: float) -> None:
        self._limit = limit
        self._longest = longest
        self._ends = time.monotonic() + clock.time_left()

    def wait(self) -> Asking[None]:
        """Raises Conflict when no time is left, without what was lost: that may name the key."""
        seconds = random.random() * min(self._limit, self._longest)  # noqa: S311  (jitter)
        self._limit *= 2
        if time.monotonic() + seconds + TRY_SECONDS >= self._ends:
            raise Conflict("others kept changing the session until time was up") from None
        yield lambda client: client.pause(seconds)
