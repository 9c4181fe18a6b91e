from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from serverless_sessions.cli.gateway import Report
from serverless_sessions.cli.report import JsonLines, Terminal, line
from serverless_sessions.events import Event

Printed = Callable[[Report], str]


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


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Printed:
    """What stands in a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")

    def of(report: Report) -> str:
        Terminal().tell(report)
        return capsys.readouterr().out

    return of


def test_a_path_is_not_read_as_markup_nor_wrapped(printed: Printed) -> None:
    text = printed(Report("GET", "/[bold]x[/bold]" + "a" * 100, 200))
    assert text.count("\n") == 1
    assert "/[bold]x[/bold]aaa" in text


def test_for_a_program_each_line_is_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    lines, events = JsonLines(), [call(0.001), call(0.002), Event("loaded")]
    lines.say("app:handler is served")
    lines.tell(Report("GET", "/cart", 200, 0.0123, events))
    lines.tell(Report("GET", "/", 500, error=ValueError("wrong\n\x1b"), remark="too late"))
    said, good, bad = map(json.loads, capsys.readouterr().out.splitlines())
    assert said == {"said": "app:handler is served"}
    assert good == {
        "method": "GET",
        "path": "/cart",
        "status": 200,
        "seconds": 0.0123,
        "store_calls": 2,
        "store_seconds": 0.003,
        "events": ["loaded"],
        "remark": None,
        "error": None,
    }
    assert (bad["status"], bad["remark"]) == (500, "too late")
    assert bad["error"].startswith("ValueError: wrong")
