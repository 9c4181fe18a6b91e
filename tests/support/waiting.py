"""What comes about by itself, a moment later."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 30.0


def wait_until(is_so: Callable[[], bool]) -> None:
    """Raises AssertionError when it does not become so."""
    ends = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < ends, "it did not come about"
        time.sleep(0.01)
