"""What the SESSION_* variables say, each one looked at for itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from difflib import get_close_matches
from enum import IntEnum
from typing import NamedTuple

from ..config import DAY, SessionConfig
from ..errors import ConfigurationError

_NAMED = re.compile(r"\((SESSION_[A-Z_]+)\)")
_KNOWN = tuple(
    f"SESSION_{field.name.upper()}" for field in fields(SessionConfig) if field.name != "on_event"
)
_OPERATORS = ("SESSION_STORE_FROM", "SESSION_STORE_TO")


class Level(IntEnum):
    OK = 0
    WARNING = 1
    ERROR = 2


class Diagnosis(NamedTuple):
    level: Level
    what: str
    remedy: str = ""


def of_configuration(environ: dict[str, str]) -> tuple[SessionConfig | None, list[Diagnosis]]:
    """The configuration without the variables that are wrong, and what is to be said of all."""
    found = list(_misspelt(environ))
    config = None
    for _ in range(len(_KNOWN) + 1):
        try:
            config = SessionConfig.from_env(environ)
            break
        except ConfigurationError as error:
            found.append(
                Diagnosis(Level.ERROR, str(error), "set it to what is allowed, or unset it")
            )
            named = _NAMED.search(str(error))
            if named is None or environ.pop(named[1], None) is None:
                break
    if config is not None:
        found += _warnings(config)
    if not found:
        found.append(Diagnosis(Level.OK, "the SESSION_ variables are in order"))
    return config, found


def _misspelt(environ: Mapping[str, str]) -> Iterator[Diagnosis]:
    for name in sorted(environ):
        if name.startswith("SESSION_") and name not in (*_KNOWN, *_OPERATORS):
            near = get_close_matches(name, _KNOWN, n=1, cutoff=0.85)
            if near:
                what = f"{name} is no setting, and is not read"
                yield Diagnosis(Level.WARNING, what, f"did you mean {near[0]}?")


def _warnings(config: SessionConfig) -> Iterator[Diagnosis]:
    if not config.cookie_secure:
        yield Diagnosis(
            Level.WARNING,
            "the cookie is sent over plain http as well, where anybody on the way reads it",
            "unset SESSION_COOKIE_SECURE; browsers take Secure cookies from http://localhost",
        )
    if config.cookie_samesite == "None":
        yield Diagnosis(
            Level.WARNING,
            "SameSite=None: every other site can send requests that carry the session",
            "SESSION_COOKIE_SAMESITE=Lax, or csrf protection on each change",
        )
    if config.cookie_domain is not None:
        yield Diagnosis(
            Level.WARNING,
            f"every host under {config.cookie_domain} gets the cookie, and can set one of its own",
            "unset SESSION_COOKIE_DOMAIN, and only the host that set it gets the cookie",
        )
    if config.absolute_timeout > 30 * DAY:
        yield Diagnosis(
            Level.WARNING,
            f"a session may last {config.absolute_timeout // DAY} days; NIST SP 800-63B allows 30",
            f"SESSION_ABSOLUTE_TIMEOUT={30 * DAY} or less",
        )
    if config.idle_timeout > 7 * DAY:
        yield Diagnosis(
            Level.WARNING,
            f"a session may lie unused for {config.idle_timeout // DAY} days",
            f"SESSION_IDLE_TIMEOUT={DAY} or less",
        )
