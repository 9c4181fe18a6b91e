"""Requests and answers as the shop sees them, whatever platform they travel on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 10

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


class BadForm(Exception):
    """The form is not one of ours; the message may be shown to whoever sent it."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def form(self) -> dict[str, str]:
        """The fields of a posted form, each given once."""
        kind = {name.lower(): value for name, value in self.headers.items()}.get("content-type", "")
        if kind.partition(";")[0].strip().lower() != FORM:
            raise BadForm(f"A form is sent as {FORM}.")
        try:
            pairs = parse_qsl(
                self.body.decode("ascii"),
                keep_blank_values=True,
                max_num_fields=MOST_FIELDS,
                errors="strict",
            )
        except ValueError:
            raise BadForm("The form cannot be read.") from None
        if len({name for name, _ in pairs}) != len(pairs):
            raise BadForm("A field is there twice.")
        return dict(pairs)


@dataclass(frozen=True)
class Answer:
    status: int
    body: str = ""
    content_type: str = "text/html; charset=utf-8"
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        return {**SECURITY_HEADERS, "Content-Type": self.content_type, **self.more}


def redirect(path: str) -> Answer:
    """See Other: the browser asks for ``path`` with GET, so that a reload repeats nothing."""
    return Answer(303, content_type="text/plain; charset=utf-8", more={"Location": path})
