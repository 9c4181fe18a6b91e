"""Tools for tests of stores; nothing else in the package imports them."""

from .clock import FrozenClock

__all__ = ["FrozenClock"]
