"""What a session does to the headers of its response, the same behind every front door."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

Headers = list[tuple[str, str]]

# A cache's own targeted field wins over Cache-Control there (RFC 9213 2.2; Akamai, "Edge-Control";
# nginx, "proxy_cache_valid").
_SHARED_CACHE_CONTROL = (
    "cdn-cache-control",
    "surrogate-control",
    "edge-control",
    "x-accel-expires",
)
_STORING = frozenset({"public", "max-age", "s-maxage"})


class Outcome(NamedTuple):
    """What the response must carry: a header field that issues or clears the id, if any, and
    whether the session was consulted, so that a cache must tell visitors apart, by the field
    ``vary`` where there is one."""

    issued: tuple[str, str] | None = None
    accessed: bool = False
    vary: str | None = "Cookie"

    def __bool__(self) -> bool:
        return self.accessed or self.issued is not None

    @property
    def set_cookie(self) -> str | None:
        """The value of the Set-Cookie, where the id travels in one."""
        if self.issued is None or self.issued[0] != "Set-Cookie":
            return None
        return self.issued[1]

    def applied_to(self, headers: Iterable[tuple[str, str]]) -> Headers:
        """The handler's headers, kept, with ours merged in.

        A response that sets or clears the cookie is never stored (ASVS 5.0 14.3.2).
        """
        kept = list(headers)
        if not self:
            return kept
        if self.issued is not None:
            field = self.issued[0]
            own = kept if field == "Set-Cookie" else _without(kept, field)
            kept = [*_never_stored(own), self.issued]
        elif not _directives(_values(kept, "cache-control")):
            kept = [*_without(kept, "cache-control"), ("Cache-Control", "private")]
        return _vary_by(self.vary, kept) if self.vary is not None else kept


def _without(headers: Headers, name: str) -> Headers:
    return [(given, value) for given, value in headers if given.lower() != name.lower()]


def _values(headers: Headers, name: str) -> list[str]:
    return [value for given, value in headers if given.lower() == name]


def _directives(values: Iterable[str]) -> list[str]:
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def _never_stored(headers: Headers) -> Headers:
    kept = [
        directive
        for directive in _directives(_values(headers, "cache-control"))
        if directive.partition("=")[0].strip().lower() not in {*_STORING, "no-store"}
    ]
    others = [
        (name, value)
        for name, value in headers
        if name.lower() != "cache-control" and not name.lower().endswith(_SHARED_CACHE_CONTROL)
    ]
    return [*others, ("Cache-Control", ", ".join(["no-store", *kept]))]


def _vary_by(field: str, headers: Headers) -> Headers:
    named = {given.lower() for given in _directives(_values(headers, "vary"))}
    if named & {field.lower(), "*"}:
        return headers
    before = _directives(_values(headers, "vary"))
    return [*_without(headers, "vary"), ("Vary", ", ".join([*before, field]))]
