"""The session cookie: found in Cookie header lines, written as a Set-Cookie value."""

from __future__ import annotations

from collections.abc import Iterable

from . import ids
from .config import SessionConfig

CANDIDATES = 2
_EPOCH = "Thu, 01 Jan 1970 00:00:00 GMT"


def find_ids(lines: Iterable[str], name: str, kind: ids.Kind = ids.OWN) -> tuple[list[str], bool]:
    """The first two well-formed ids under ``name`` in raw Cookie lines, and whether any value
    of that name was refused.

    Pairs are split at ``;``, trimmed of space and tab only, and compared byte for byte; nothing
    is unquoted or decoded, so that no other spelling passes for the cookie (RFC 6265bis 5.7).
    """
    found: list[str] = []
    refused = False
    for line in lines:
        for pair in line.split(";"):
            given, separator, value = pair.strip(" \t").partition("=")
            if not separator or given.rstrip(" \t") != name:
                continue
            value = value.lstrip(" \t")
            if not kind.is_well_formed(value):
                refused = True
            elif len(found) < CANDIDATES and value not in found:
                found.append(value)
    return found, refused


def issue(config: SessionConfig, session_id: str, max_age: int | None) -> str:
    """Set-Cookie for a new id; without ``max_age``, in seconds, it ends with the browser."""
    lifetime = "" if max_age is None else f"; Max-Age={max_age}"
    return f"{config.cookie_name}={session_id}{lifetime}{_scope(config)}"


def clear(config: SessionConfig) -> str:
    """Set-Cookie that removes the cookie: a browser wants every scoping attribute repeated."""
    return f"{config.cookie_name}=; Max-Age=0; Expires={_EPOCH}{_scope(config)}"


def _scope(config: SessionConfig) -> str:
    domain = f"; Domain={config.cookie_domain}" if config.cookie_domain else ""
    secure = "; Secure" if config.cookie_secure else ""
    partitioned = "; Partitioned" if config.cookie_partitioned else ""
    return (
        f"; Path={config.cookie_path}{domain}{secure}; HttpOnly"
        f"; SameSite={config.cookie_samesite}{partitioned}"
    )
