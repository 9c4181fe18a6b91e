"""The time of day, and the time left for a store call."""

from __future__ import annotations

import contextvars
import time

import pytest

from serverless_sessions import clock
from serverless_sessions.testing.clock import FrozenClock


def test_guarantee_3_now_is_whole_seconds_cut_not_rounded() -> None:
    with clock.replaced(lambda: 1999.999):
        assert clock.now() == 1999
        assert isinstance(clock.now(), int)
        assert clock.precise() == 1999.999


def test_now_is_the_systems_time() -> None:
    before = time.time()
    assert int(before) <= clock.now() <= time.time()
    assert before <= clock.precise() <= time.time()


def test_a_replacement_ends_with_its_block_and_after_an_error() -> None:
    def fail() -> None:
        with clock.replaced(lambda: 2.0):
            raise LookupError

    with clock.replaced(lambda: 1.0):
        with pytest.raises(LookupError):
            fail()
        assert clock.now() == 1
    assert clock.now() > 2


def test_a_frozen_clock_stands_until_it_is_moved() -> None:
    with FrozenClock(100) as frozen:
        frozen.advance(0.5)
        assert (clock.now(), clock.precise()) == (100, 100.5)
        frozen.advance(0.5)
        assert clock.now() == 101


def test_outside_of_a_call_the_default_counts() -> None:
    assert clock.time_left() == 2.0
    assert clock.time_left(7.5) == 7.5


def test_guarantee_6_inside_of_a_call_the_limit_counts_down_to_zero() -> None:
    with clock.call_limit(50.0):
        first = clock.time_left(99.0)
        second = clock.time_left()
        assert 0 < second <= first <= 50.0
        with clock.call_limit(0.0):
            assert clock.time_left() == 0.0
        assert clock.time_left() > 0.0
    assert clock.time_left() == 2.0


def test_a_limit_holds_in_its_own_context_only() -> None:
    elsewhere = contextvars.copy_context()
    with clock.call_limit(0.0):
        assert elsewhere.run(clock.time_left) == 2.0
        assert contextvars.copy_context().run(clock.time_left) == 0.0
