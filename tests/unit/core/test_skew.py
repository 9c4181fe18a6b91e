"""Whether two clocks agree, as far as a question can tell."""

from __future__ import annotations

import pytest

from serverless_sessions import clock
from serverless_sessions.errors import StoreTimeout
from serverless_sessions.skew import clock_finding, of_date_header


@pytest.mark.parametrize(
    ("theirs", "ok", "word"),
    [
        (1000, True, "agree"),
        (1004, True, "agree"),
        (1010, False, "10 seconds behind"),
        (990, False, "10 seconds ahead of"),
    ],
)
def test_a_difference_of_seconds_is_found(theirs: float, ok: bool, word: str) -> None:
    with clock.replaced(lambda: 1000.0):
        finding = clock_finding(lambda: theirs)
    assert finding.ok is ok
    assert word in finding.what


def test_a_slow_answer_is_no_wrong_clock() -> None:
    moments = iter([1000.0, 1030.0])
    with clock.replaced(lambda: next(moments)):
        assert clock_finding(lambda: 1030.0).ok


def test_a_server_that_fails_is_a_finding() -> None:
    def fail() -> float:
        raise StoreTimeout("asking the time: nothing came")

    finding = clock_finding(fail)
    assert (finding.ok, finding.what) == (False, "asking the time: nothing came")


def test_http_dates_are_read() -> None:
    assert of_date_header("Thu, 01 Jan 1970 00:01:00 GMT") == 60
