"""How long a lost race waits before it is run again."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable

from .errors import Conflict, SessionError
from .steps import Pause, Steps

LEAST, MOST = 0.004, 1.0
"""Seconds: of the first pause at most, and of any."""
LONGEST = 30.0
"""Seconds that one operation may go on where the platform sets its invocation no time."""


class Backoff:
    """Pauses between the attempts of one operation, at random up to twice the last limit.

    The first limit is what the attempt took: where a store is slow or busy, others need as long.
    ``time_left`` gives the seconds of the invocation; ``tell`` is called at each lost race.
    """

    def __init__(self, time_left: Callable[[], float], tell: Callable[[], None]) -> None:
        self._time_left = time_left
        self._tell = tell
        self._began = time.monotonic()
        self._ends = self._began + LONGEST
        self._limit = 0.0

    def after(self, lost: SessionError) -> Steps[None]:
        """Raises Conflict when no time is left for another attempt."""
        self._tell()
        took = time.monotonic() - self._began
        self._limit = min(MOST, max(LEAST, 2 * took, 2 * self._limit))
        seconds = random.uniform(0, self._limit)  # noqa: S311  (jitter)
        left = self._time_left()
        if left == math.inf:
            left = self._ends - time.monotonic()
        if left <= seconds:
            raise Conflict("others kept changing the session until time was up") from lost
        yield Pause(seconds)
        self._began = time.monotonic()
