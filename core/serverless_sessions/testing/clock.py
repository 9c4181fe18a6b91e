"""Time that stands still until a test moves it."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Self

from .. import clock


class FrozenClock:
    """The time of every deadline inside a ``with`` block, in the whole process.

    It starts at the present second, or at ``start``, in Unix seconds. The present suits stores
    whose server has a clock of its own: what the test calls alive is so for the server too.
    """

    def __init__(self, start: float | None = None) -> None:
        self.time = float(int(time.time())) if start is None else start
        self._replacement = ExitStack()

    def __call__(self) -> float:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += seconds

    def __enter__(self) -> Self:
        self._replacement.enter_context(clock.replaced(self))
        return self

    def __exit__(self, *exception: object) -> None:
        self._replacement.close()
