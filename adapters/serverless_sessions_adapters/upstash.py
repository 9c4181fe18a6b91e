"""Sessions in Upstash Redis over its REST API: one HTTP request for each operation."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import upstash_redis
import upstash_redis.asyncio

from serverless_sessions import clock
from serverless_sessions.errors import (
    AccessDenied,
    ConfigurationError,
    SessionError,
    SessionTooLarge,
    StoreTimeout,
    StoreUnavailable,
)
from serverless_sessions.sansio import Request
from serverless_sessions.skew import clock_finding
from serverless_sessions.store import Finding
from serverless_sessions.urls import StoreURL

from ._redis_documents import ScriptTexts, ScriptTextStore, base_of
from ._redis_operations import DEFAULT_PREFIX, MAX_BYTES, PAGE, ScriptOperations, ScriptStore, asked

URL_VARIABLE = "UPSTASH_REDIS_REST_URL"
TOKEN_VARIABLE = "UPSTASH_REDIS_REST_TOKEN"  # noqa: S105  (the variable's name)
CONNECT_SECONDS = 1.0


class UpstashStore(ScriptStore):
    """Keeps each session in a hash, changed by one script for each operation.

    Reads are scripts as well: those run on the primary, whereas a plain read may be answered by
    a replica that lags behind a log-out. The database's eviction must be off.
    """

    operations: UpstashOperations

    def __init__(
        self,
        client: upstash_redis.Redis,
        open_async: Callable[[], upstash_redis.asyncio.Redis] | None = None,
        *,
        prefix: str = DEFAULT_PREFIX,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        super().__init__(UpstashOperations(prefix, max_bytes), client, open_async)

    def places(self) -> Iterator[str]:
        cursor: int | None = None
        while cursor != 0:
            answer = self.client.scan(cursor or 0, match=self.operations.places, count=PAGE)
            cursor, page = int(answer[0]), answer[1]
            yield from page

    def check(self) -> list[Finding]:
        """Look whether the token may run scripts; a random key is read."""
        self.load(secrets.token_hex(32))
        return [Finding(True, "Upstash runs the scripts"), clock_finding(self._time)]

    def _time(self) -> float:
        told = self.ask("asking the time", asked(lambda client: client.time()))
        return float(told[0]) + float(told[1]) / 1e6


class UpstashTextStore(ScriptTextStore):
    """Keeps each session in a text where Astro's upstash driver keeps its own."""

    def check(self) -> list[Finding]:
        """As of ``UpstashStore``."""
        self.load(secrets.token_hex(32))
        return [Finding(True, "Upstash runs the scripts")]


class UpstashOperations(ScriptOperations):
    """The operations as upstash-redis's clients carry them out."""

    kind = "upstash"

    def command(self, name: str, code: str, keys: list[str], arguments: list[str]) -> Request:
        method = name.lower()
        return lambda client: getattr(client, method)(code, keys, arguments)

    def is_unknown_script(self, error: Exception) -> bool:
        return _said(error).startswith("NOSCRIPT")

    def translated(self, error: Exception, action: str) -> SessionError:
        said, what = _said(error), f"{action} in Upstash"
        if isinstance(error, httpx.TimeoutException):
            return StoreTimeout(f"{what}: {type(error).__name__}")
        if "WRONGPASS" in said or "NOAUTH" in said:
            return AccessDenied(f"{what}: the token in {TOKEN_VARIABLE} is not this database's")
        if "NOPERM" in said:
            return AccessDenied(f"{what}: the token in {TOKEN_VARIABLE} may not write")
        if "WRONGTYPE" in said:
            return ConfigurationError(
                f"{what}: another program uses these keys; "
                "name another prefix in SESSION_STORE, as in upstash://?prefix=shop"
            )
        if "max request size exceeded" in said:
            return SessionTooLarge(
                f"{what}: the change takes more bytes than a request to this database may have"
            )
        return StoreUnavailable(f"{what}: {type(error).__name__}")


def _said(error: Exception) -> str:
    """What Upstash answered in its ``error`` field."""
    return str(error) if isinstance(error, upstash_redis.errors.UpstashError) else ""


def open_url(url: StoreURL) -> UpstashStore | UpstashTextStore:
    """``upstash://``, with UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN set.

    Parameters: ``prefix`` of the keys (session), ``max_bytes`` of a session. With
    ``layout=astro``, sessions are where Astro's upstash driver with the option ``base`` keeps
    them; ``max_bytes`` is of a text.
    """
    url.allow_parts()
    with url.parameters() as take:
        base = base_of(url, take)
        prefix = take.text("prefix", DEFAULT_PREFIX)
        max_bytes = take.integer("max_bytes", MAX_BYTES, least=1)
    address, token = _from_environment(URL_VARIABLE), _from_environment(TOKEN_VARIABLE)
    if not address.startswith(("https://", "http://")):
        raise ConfigurationError(f"{URL_VARIABLE} must be the https:// address of the REST API")
    options: dict[str, Any] = {
        "url": address,
        "token": token,
        "rest_retries": 0,
        "allow_telemetry": False,
    }

    def open_async() -> upstash_redis.asyncio.Redis:
        return upstash_redis.asyncio.Redis(**options)

    client = upstash_redis.Redis(**options)
    _bound(client)
    if base is not None:
        texts = ScriptTexts(UpstashOperations(), base, max_bytes)
        return UpstashTextStore(texts, client, open_async)
    return UpstashStore(client, open_async, prefix=prefix, max_bytes=max_bytes)


def _from_environment(variable: str) -> str:
    value = os.environ.get(variable, "")
    if not value:
        raise ConfigurationError(f"{variable} is not set; the console of Upstash shows its value")
    return value


def _bound(client: upstash_redis.Redis) -> None:
    """Give each request the time that the store call has left; the SDK waits without end."""

    def with_time_limit(request: httpx.Request) -> None:
        seconds = max(clock.time_left(), 0.001)
        limit = httpx.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds))
        request.extensions["timeout"] = limit.as_dict()

    client._http._client.event_hooks = {"request": [with_time_limit]}
