from __future__ import annotations

import io

import pytest
from rich.console import Console

from serverless_sessions import MemoryStore
from serverless_sessions.cli.gateway import Report
from serverless_sessions.cli.report import Terminal, line
from serverless_sessions.events import Event
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.testing.lambda_events import HttpRequest, to_event


def call(seconds: float) -> Event:
    return Event("store_call", operation="load", seconds=seconds)


@pytest.mark.parametrize(
    ("events", "counted"),
    [
        ([], "0 store calls"),
        ([call(0.0015), Event("loaded")], "1 store call in 1.5 ms  loaded"),
        (
            [call(0.001), call(0.002), Event("loaded"), Event("rotated")],
            "2 store calls in 3.0 ms  loaded, rotated",
        ),
    ],
)
def test_a_line_counts_store_calls(events: list[Event], counted: str) -> None:
    report = Report("GET", "/cart", 200, 0.0123, events)
    assert line(report).plain == f"GET /cart  200  12.3 ms  {counted}"


def test_a_remark_ends_the_line() -> None:
    report = Report("GET", "/", 500, 0.001, remark="too large")
    assert line(report).plain == "GET /  500  1.0 ms  0 store calls  too large"


def printed(report: Report) -> str:
    out = io.StringIO()
    Terminal(Console(file=out, width=200, highlight=False, soft_wrap=True)).tell(report)
    return out.getvalue()


def test_a_path_is_not_read_as_markup_nor_wrapped() -> None:
    text = printed(Report("GET", "/[bold]x[/bold]" + "a" * 100, 200))
    assert text.count("\n") == 1
    assert "/[bold]x[/bold]aaa" in text


def test_a_traceback_shows_the_error_and_its_line_but_no_local_variable() -> None:
    def handler() -> None:
        password = "-".join(["hunter", "two"])
        raise ValueError("out of lanterns" if password else "")

    with pytest.raises(ValueError, match="lanterns") as raised:
        handler()
    text = printed(Report("GET", "/", 500, error=raised.value))
    assert "ValueError: out of lanterns" in text
    assert "test_report.py" in text
    assert "hunter-two" not in text
    assert text.splitlines()[-1].startswith("GET /  500")


def test_a_traceback_begins_in_the_handler() -> None:
    def handler(event: object, context: object) -> None:
        raise ValueError("out of lanterns")

    with pytest.raises(ValueError, match="lanterns") as raised:
        with_session(store=MemoryStore())(handler)(to_event("http-api", HttpRequest()), None)
    error = raised.value
    assert error.__traceback__ is not None
    text = printed(Report("GET", "/", 500, error=error.with_traceback(error.__traceback__.tb_next)))
    assert "test_report.py" in text
    assert "_exchange.py" not in text
