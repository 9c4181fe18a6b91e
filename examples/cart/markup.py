"""HTML from templates: every value is escaped unless it is HTML already."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from string import Template


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def fill(template: str, **values: object) -> Html:
    return Html(Template(template).substitute({n: _safe(v) for n, v in values.items()}))


def join(parts: Iterable[Html]) -> Html:
    return Html("\n".join(parts))


def _safe(value: object) -> str:
    return value if isinstance(value, Html) else escape(str(value))
