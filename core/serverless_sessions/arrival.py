"""How the id of a session arrives with a request, and leaves with the answer."""

from __future__ import annotations

import hashlib
import hmac
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from . import cookies, ids
from .config import SessionConfig
from .errors import ConfigurationError, InvalidArgument, Unsupported

MAX_TRUSTED_BYTES = 2048
_FIELD_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_SOURCE_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
# Fields that mean something else to a browser, a proxy or the HTTP connection; among them those
# that a page of another site can send without asking first (Fetch, "CORS-safelisted
# request-header").
_NOT_FOR_IDS = frozenset(
    {
        *("accept", "accept-language", "age", "authorization", "cache-control", "connection"),
        *("content-language", "content-length", "content-type", "cookie", "date", "expires"),
        *("forwarded", "host", "location", "origin", "pragma", "range", "referer", "set-cookie"),
        *("te", "trailer", "transfer-encoding", "upgrade", "user-agent", "vary"),
    }
)


class Request(NamedTuple):
    """What of a request can tell whose session it is.

    ``lines`` gives the raw values of the header field with a lower-case name; ``original`` is
    what the platform handed over: an event, a request, a scope. ``one_way`` is one whose answer
    can tell the client no id.
    """

    lines: Callable[[str], Iterable[str]]
    original: Any = None
    one_way: bool = False

    @classmethod
    def with_cookies(cls, *lines: str) -> Request:
        """One that came with these Cookie header lines and nothing else."""
        return cls(lambda name: lines if name == "cookie" else ())


TrustedId = tuple[str, Callable[[Any], str | None]]
"""A name for where the id comes from, and a function that finds it in the platform's request."""


class Source(ABC):
    """One way by which ids arrive.

    ``vary`` is the header field by which a cache must tell visitors apart. An id that is
    ``fixed`` is the platform's: no session of its can get another one. Over a source that is
    ``one_way`` the client learns of no other id either.
    """

    vary: str | None = None
    fixed: str | None = None
    one_way: bool = False
    kind: ids.Kind = ids.OWN

    @abstractmethod
    def offered(self) -> tuple[list[str], bool]:
        """The ids to try, in this order, and whether any value was refused."""

    def key(self, session_id: str) -> str:
        """The stored key of an id."""
        return self.kind.stored_key(session_id)

    @abstractmethod
    def issue(self, session_id: str, max_age: int | None) -> tuple[str, str] | None:
        """The header field that tells the client its id, to be kept ``max_age`` seconds; None:
        until the browser is closed."""

    @abstractmethod
    def clear(self) -> tuple[str, str] | None:
        """The header field that makes the client forget its id."""

    def refuse_if_fixed(self, what: str) -> None:
        """Raises Unsupported where the id is the platform's."""
        if self.fixed is not None:
            raise Unsupported(
                f"{what} by giving the client another id; the id of this session is the platform's"
            )

    def refuse_one_way(self, what: str) -> None:
        """Raises Unsupported where no answer can tell the client an id that it has to know."""
        if self.one_way and self.fixed is None:
            raise Unsupported(
                f"{what} by sending the client an id, which the answer to this request cannot do"
            )

    def refuse_another_id(self, what: str) -> None:
        self.refuse_if_fixed(what)
        self.refuse_one_way(what)


class CookieSource(Source):
    vary = "Cookie"

    def __init__(self, config: SessionConfig, request: Request) -> None:
        self.kind = config.id_kind
        self._config = config
        self._request = request

    def offered(self) -> tuple[list[str], bool]:
        lines = self._request.lines("cookie")
        return cookies.find_ids(lines, self._config.cookie_name, self.kind)

    def issue(self, session_id: str, max_age: int | None) -> tuple[str, str]:
        return "Set-Cookie", cookies.issue(self._config, session_id, max_age)

    def clear(self) -> tuple[str, str]:
        return "Set-Cookie", cookies.clear(self._config)


class HeaderSource(Source):
    """Ids of the cookie's kind in a header field, which only a client that is no browser page
    of another site can send."""

    def __init__(self, name: str, kind: ids.Kind, request: Request) -> None:
        self.vary = name
        self.kind = kind
        self._name = name
        self._request = request

    def offered(self) -> tuple[list[str], bool]:
        values = [line.strip(" \t") for line in self._request.lines(self._name.lower())]
        found = [value for value in dict.fromkeys(values) if self.kind.is_well_formed(value)]
        return found[: cookies.CANDIDATES], any(not self.kind.is_well_formed(v) for v in values)

    def issue(self, session_id: str, max_age: int | None) -> tuple[str, str]:
        return self._name, session_id

    def clear(self) -> None:
        return None


class TrustedSource(Source):
    """An id that the platform vouches for. Its stored key is an HMAC under the name of where it
    comes from, so that whoever knows the id, or sends it in a cookie, opens nothing."""

    def __init__(self, name: str, key: str, trusted: str) -> None:
        self.fixed = trusted
        self._hmac = hmac.new(key.encode(), f"{name}\0{trusted}".encode(), hashlib.sha256)

    def offered(self) -> tuple[list[str], bool]:
        return [self.fixed or ""], False

    def key(self, session_id: str) -> str:
        return self._hmac.hexdigest()

    def issue(self, session_id: str, max_age: int | None) -> None:
        return None

    def clear(self) -> None:
        return None


class Header(NamedTuple):
    """The header field in which API clients send and get the session's id."""

    name: str


def header(name: str) -> Header:
    """``id_from=header("X-Session-Id")``: ids travel in this field and in no cookie.

    Raises ConfigurationError for a name that no field can have, or that means something else.
    """
    if not _FIELD_NAME.fullmatch(name) or name.lower() in _NOT_FOR_IDS:
        raise ConfigurationError(
            f"id_from names the header field {name!r}; allowed is one of your own,"
            " such as X-Session-Id"
        )
    return Header(name)


class Arrivals:
    """Where a manager looks for ids. Raises ConfigurationError for options that cannot work."""

    def __init__(
        self, config: SessionConfig, id_from: Header | None, trusted_id: TrustedId | None
    ) -> None:
        self._id_from = id_from
        self._trusted_id = trusted_id
        if trusted_id is not None:
            _check_trusted(trusted_id, config)

    def source(self, config: SessionConfig, request: Request) -> Source:
        """How the id of this request's session travels.

        A trusted id comes before a cookie or header. Raises ConfigurationError for one that is
        no text.
        """
        trusted = self.trusted(config, request.original)
        if trusted is not None:
            return trusted
        source: Source
        if self._id_from is not None:
            source = HeaderSource(self._id_from.name, config.id_kind, request)
        else:
            source = CookieSource(config, request)
        source.one_way = request.one_way
        return source

    def trusted(self, config: SessionConfig, original: Any) -> TrustedSource | None:
        """The source of the trusted id in a platform's request; None where there is none."""
        if self._trusted_id is None:
            return None
        name, find = self._trusted_id
        found = find(original)
        if found is None:
            return None
        return TrustedSource(name, config.trusted_id_key, _checked(name, found))


def _check_trusted(trusted_id: TrustedId, config: SessionConfig) -> None:
    name, find = trusted_id
    if config.shared_with_astro:
        raise ConfigurationError(
            "trusted_id has no place beside shared_with_astro (SESSION_SHARED_WITH_ASTRO): Astro"
            " finds a session by its cookie alone"
        )
    if not _SOURCE_NAME.fullmatch(name) or name == ids.COOKIE or not callable(find):
        raise ConfigurationError(
            f"trusted_id is a name and a function that finds the id in the request, such as"
            f' ("connection", find); the name {name!r} is not allowed: it is made of a-z, 0-9,'
            f' ".", "_", "-" and is not "{ids.COOKIE}"'
        )
    if not config.trusted_id_key:
        raise ConfigurationError(
            "trusted_id needs trusted_id_key (SESSION_TRUSTED_ID_KEY): a secret text of 32 or"
            " more characters, the same in every instance"
        )


def _checked(name: str, found: object) -> str:
    if not isinstance(found, str) or not found:
        raise ConfigurationError(
            f"the trusted id {name!r} is a {type(found).__name__}; it must be a non-empty str, or"
            " None where the request has none"
        )
    try:
        size = len(found.encode())
    except UnicodeEncodeError:
        raise InvalidArgument(f"the trusted id {name!r} must not hold lone surrogates") from None
    if size > MAX_TRUSTED_BYTES:
        raise InvalidArgument(
            f"the trusted id {name!r} takes {size} bytes; {MAX_TRUSTED_BYTES} are allowed"
        )
    return found
