"""A line for each request, and a readable traceback for a handler that failed."""

from __future__ import annotations

import json

from rich.console import Console
from rich.text import Text

from .gateway import Report
from .tracebacks import readable

_STYLES = {2: "green", 3: "cyan", 4: "yellow", 5: "bold red"}


class Terminal:
    """Prints reports; nothing of a query, a header, a body or a local variable."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        self._console.print(Text(text))

    def tell(self, report: Report) -> None:
        if report.error is not None:
            self._console.print(readable(report.error))
        self._console.print(line(report))


class JsonLines:
    """The same for a program: an object in each line."""

    def say(self, text: str) -> None:
        self._print({"said": text})

    def tell(self, report: Report) -> None:
        calls, others = _events(report)
        self._print(
            {
                "method": report.method,
                "path": report.path,
                "status": report.status,
                "seconds": round(report.seconds, 6),
                "store_calls": len(calls),
                "store_seconds": round(sum(calls), 6),
                "events": others,
                "remark": report.remark,
                "error": None if report.error is None else readable(report.error).plain,
            }
        )

    def _print(self, told: dict[str, object]) -> None:
        print(json.dumps(told), flush=True)


def line(report: Report) -> Text:
    calls, others = _events(report)
    parts = [
        (f"{report.method} {report.path}  ", "bold"),
        (str(report.status), _STYLES.get(report.status // 100, "")),
        (f"  {report.seconds * 1000:.1f} ms  {_counted(calls)}", ""),
        (f"  {', '.join(others)}" if others else "", "dim"),
        (f"  {report.remark}" if report.remark else "", "red"),
    ]
    return Text.assemble(*parts)


def _events(report: Report) -> tuple[list[float], list[str]]:
    """The seconds of each store call, and the names of what else happened."""
    calls = [event.seconds or 0.0 for event in report.events if event.name == "store_call"]
    return calls, [event.name for event in report.events if event.name != "store_call"]


def _counted(calls: list[float]) -> str:
    if not calls:
        return "0 store calls"
    plural = "" if len(calls) == 1 else "s"
    return f"{len(calls)} store call{plural} in {sum(calls) * 1000:.1f} ms"
