"""A line in the terminal for each request, and a readable traceback for a handler that failed."""

from __future__ import annotations

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


def line(report: Report) -> Text:
    calls = [event.seconds or 0.0 for event in report.events if event.name == "store_call"]
    others = [event.name for event in report.events if event.name != "store_call"]
    parts = [
        (f"{report.method} {report.path}  ", "bold"),
        (str(report.status), _STYLES.get(report.status // 100, "")),
        (f"  {report.seconds * 1000:.1f} ms  {_counted(calls)}", ""),
        (f"  {', '.join(others)}" if others else "", "dim"),
        (f"  {report.remark}" if report.remark else "", "red"),
    ]
    return Text.assemble(*parts)


def _counted(calls: list[float]) -> str:
    if not calls:
        return "0 store calls"
    plural = "" if len(calls) == 1 else "s"
    return f"{len(calls)} store call{plural} in {sum(calls) * 1000:.1f} ms"
