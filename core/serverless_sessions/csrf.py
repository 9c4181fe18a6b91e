"""Whether a request was sent by another site's page, told by the headers that browsers set.

The check is the one of ASVS 5.0 3.5.1 and the fetch-metadata part of OWASP's cheat sheet on
cross-site request forgery: no token, no state, and nothing that a page could forge.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN = frozenset({"same-origin", "none"})


def is_cross_site(
    method: str, headers: Mapping[str, str], *, trusted_origins: Collection[str] = ()
) -> bool:
    """Whether a state-changing request came from a page of another origin: answer it with 403.

    Safe methods always pass, so they must not change anything. A sibling subdomain counts as
    another site, because it may be in other hands. ``trusted_origins`` such as
    ``https://login.example.com`` may post here all the same.

    ``Sec-Fetch-Site`` decides where it is there; otherwise ``Origin`` has to name the request's
    ``Host``. A request with neither passes: no current browser sends such a POST, clients such
    as curl do, and the session cookie's SameSite attribute still stands in the way.
    """
    if method in SAFE_METHODS:
        return False
    origin = _value(headers, "origin")
    if origin not in (None, "null") and origin in trusted_origins:
        return False
    site = _value(headers, "sec-fetch-site")
    if site is not None:
        return site not in _OWN
    return origin is not None and not _names_host(origin, _value(headers, "host"))


def _value(headers: Mapping[str, str], name: str) -> str | None:
    """A header that is there twice is joined, so that it equals nothing that is accepted."""
    values = [value.strip(" \t") for given, value in headers.items() if given.lower() == name]
    return ", ".join(values) if values else None


def _names_host(origin: str, host: str | None) -> bool:
    """Browsers leave the scheme's own port out of both headers, so that text equals text."""
    if not host:
        return False
    return origin.lower() in (f"https://{host}".lower(), f"http://{host}".lower())
