"""HTTP for the backends that are asked without an SDK: by the standard library, which logs nothing.

That matters where Astro's ids are used: there an id is part of a request's path.
"""

from __future__ import annotations

import http.client
import json
import re
import selectors
import ssl
from collections import defaultdict, deque
from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from serverless_sessions import clock
from serverless_sessions.errors import (
    AccessDenied,
    ConfigurationError,
    SessionError,
    SessionTooLarge,
    StoreTimeout,
    StoreUnavailable,
)

_ADDRESS = re.compile(r"https?://[A-Za-z0-9._\[\]:-]+(/[A-Za-z0-9._~%/-]*)?")


class Answer(NamedTuple):
    """``headers`` finds a name in any case."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> dict[str, Any]:
        """Empty where the body is no JSON object."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class Connections:
    """Connections to a ``service``, kept open between requests; any number of threads may send.

    No request is sent twice, no redirection followed. Each wait for the server is over when the
    store call's time is.
    """

    def __init__(self, service: str) -> None:
        self._service = service
        self._idle: dict[tuple[str, str], deque[http.client.HTTPConnection]] = defaultdict(deque)

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        """Raises StoreTimeout and StoreUnavailable; any status is an answer."""
        try:
            return self._send(method, url, headers, body)
        except TimeoutError as error:
            raise StoreTimeout(f"{self._service} did not answer in time") from error
        except (OSError, http.client.HTTPException) as error:
            told = f"{self._service} cannot be reached: {type(error).__name__}"
            raise StoreUnavailable(told) from error

    def close(self) -> None:
        for idle in self._idle.values():
            while idle:
                idle.popleft().close()

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        parts = urlsplit(url)
        idle = self._idle[parts.scheme, parts.netloc]
        connection = self._connected(idle, parts.scheme, parts.netloc)
        target = parts._replace(scheme="", netloc="").geturl()
        try:
            _limit(connection)
            connection.request(method, target, body, dict(headers))
            _limit(connection)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        except BaseException:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        else:
            idle.append(connection)
        return answer

    def _connected(
        self, idle: deque[http.client.HTTPConnection], scheme: str, netloc: str
    ) -> http.client.HTTPConnection:
        while idle:
            try:
                connection = idle.pop()
            except IndexError:  # another thread took it
                break
            if not _is_dropped(connection):
                return connection
            connection.close()
        if scheme == "https":
            connection = http.client.HTTPSConnection(netloc, context=self._tls)
        else:
            connection = http.client.HTTPConnection(netloc)
        connection.timeout = _seconds_left()
        connection.connect()
        return connection

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()


def refused(answer: Answer, service: str, remedy: str) -> SessionError:
    """An answer that none was hoped for; ``remedy`` says whose credentials want looking at."""
    if answer.status in (401, 403):
        return AccessDenied(f"{service} refuses the request: {remedy}")
    if answer.status == 413:
        return SessionTooLarge(f"{service} takes no text of that size")
    return StoreUnavailable(f"{service} answered with the status {answer.status}")


def address(text: str, name: str) -> str:
    """``text`` as the beginning of urls. Raises ConfigurationError, which names ``name`` only."""
    if not _ADDRESS.fullmatch(text):
        raise ConfigurationError(f"{name} must be an https:// or http:// url without a query")
    return text.rstrip("/")


def token(text: str, name: str) -> str:
    """``text`` as part of a header. Raises ConfigurationError, which names ``name`` only."""
    if not text:
        raise ConfigurationError(f"{name} is not set")
    if not re.fullmatch(r"[!-~]+", text):
        raise ConfigurationError(f"{name} holds what cannot be part of a header")
    return text


def _is_dropped(connection: http.client.HTTPConnection) -> bool:
    """The server hung up while nobody asked, as it does to a function that was frozen."""
    with selectors.DefaultSelector() as selector:
        selector.register(connection.sock, selectors.EVENT_READ)
        return bool(selector.select(0))


def _limit(connection: http.client.HTTPConnection) -> None:
    connection.sock.settimeout(_seconds_left())


def _seconds_left() -> float:
    """Raises TimeoutError when there is none: what cannot be waited for is not sent."""
    seconds = clock.time_left()
    if seconds <= 0:
        raise TimeoutError
    return seconds
