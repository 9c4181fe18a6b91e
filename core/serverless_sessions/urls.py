"""The urls of ``SESSION_STORE``: parsed strictly, and never shown with a secret in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NoReturn

from .errors import ConfigurationError

_BARE_NAME = re.compile(r"[a-z][a-z0-9+.-]*", re.IGNORECASE)
# A stray "@" after the host is refused: what stands before it is likely half a password.
_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://"
    r"(?:(?P<userinfo>[^/?#]*)@)?"
    r"(?P<host>\[[0-9a-f:.]+\]|[^:/?#@\[\]]*)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[^?#@]*)?"
    r"(?:\?(?P<query>(?:[a-z0-9_-]+=[^&#]*(?:&|\Z))*))?",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MASK = "***"
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


@dataclass(frozen=True, slots=True, repr=False)
class StoreURL:
    """Where a store is: the parts of a url, percent-decoded, the host in its own case.

    ``str`` and ``repr`` mask user name, password and the values of the query.
    """

    scheme: str
    user: str | None = None
    password: str | None = None
    host: str = ""
    port: int | None = None
    path: str = ""
    query: Mapping[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def parse(cls, text: str) -> StoreURL:
        """Read ``scheme://user:password@host:port/path?name=value`` or a bare scheme.

        Raises ConfigurationError, which shows nothing of a text that it cannot mask.
        """
        from urllib.parse import unquote

        if _BARE_NAME.fullmatch(text):
            return cls(text.lower())
        found = _URL.fullmatch(text)
        if found is None or _CONTROL.search(unquote(text)):
            raise ConfigurationError(
                "a store is named by a url such as sqlite:///sessions.db or by a bare scheme such "
                "as memory; special characters in user name and password are percent-encoded"
            )
        user, colon, password = (found["userinfo"] or "").partition(":")
        return cls(
            scheme=found["scheme"].lower(),
            user=unquote(user) or None,
            password=unquote(password) if colon else None,
            host=found["host"].strip("[]"),
            port=int(found["port"]) if found["port"] else None,
            path=unquote(found["path"] or ""),
            query=_pairs(found["query"] or ""),
        )

    def __str__(self) -> str:
        userinfo = f"{_MASK}@" if self.user or self.password else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        query = "&".join(f"{name}={_MASK}" for name in self.query)
        return f"{self.scheme}://{userinfo}{host}{port}{self.path}{'?' if query else ''}{query}"

    def __repr__(self) -> str:
        return f"StoreURL({str(self)!r})"

    def allow_parts(self, *allowed: str) -> None:
        """Raise ConfigurationError if a part other than ``allowed`` and the query is there."""
        for part in ("user", "password", "host", "port", "path"):
            if part not in allowed and getattr(self, part) not in (None, ""):
                raise ConfigurationError(
                    f"{self}: a {self.scheme} url takes no {part}, "
                    f"only {', '.join((*allowed, 'parameters'))}"
                )

    @contextmanager
    def parameters(self) -> Iterator[Parameters]:
        """Take the query's parameters by type; one that nobody took is refused at the end."""
        parameters = Parameters(self)
        yield parameters
        parameters.refuse_the_rest()


class Parameters:
    """The query of a store's url. Each method returns the default for an absent parameter.

    Raises ConfigurationError naming the parameter and what is allowed, never its value.
    """

    def __init__(self, url: StoreURL) -> None:
        self._url = url
        self._known: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        self._known.append(name)
        return self._url.query.get(name, default)

    def integer(self, name: str, default: int, *, least: int = 0) -> int:
        text = self.text(name, str(default))
        if not re.fullmatch(r"[0-9]{1,18}", text) or int(text) < least:
            self._refuse(name, f"a whole number, at least {least}")
        return int(text)

    def flag(self, name: str, default: bool) -> bool:
        text = self.text(name, "on" if default else "off").lower()
        if text not in _TRUE + _FALSE:
            self._refuse(name, "on or off")
        return text in _TRUE

    def choice(self, name: str, default: str, *others: str) -> str:
        text = self.text(name, default)
        if text not in (default, *others):
            self._refuse(name, " or ".join((default, *others)))
        return text

    def refuse_the_rest(self) -> None:
        for name in self._url.query:
            if name not in self._known:
                allowed = ", ".join(sorted(self._known)) or "none"
                raise ConfigurationError(
                    f"{self._url}: unknown parameter {name!r}; allowed are: {allowed}"
                )

    def _refuse(self, name: str, allowed: str) -> NoReturn:
        raise ConfigurationError(f"{self._url}: the parameter {name!r} must be {allowed}")


def _pairs(query: str) -> dict[str, str]:
    """``a=1&b=2``, percent-decoded; a plus sign is itself, as tokens and keys contain it."""
    from urllib.parse import unquote

    pairs: dict[str, str] = {}
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        if name in pairs:
            raise ConfigurationError(f"the store's url gives the parameter {name!r} twice")
        pairs[name] = unquote(value)
    return pairs
