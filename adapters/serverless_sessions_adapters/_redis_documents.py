"""Sessions of Redis and Upstash as Astro's drivers keep them: a text each, at ``BASE:ID``.

A text's version is the text itself, which one script compares and replaces. What a driver of
Astro's writes takes the expiry away again, as it sets none unless its option ``ttl`` is set.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from serverless_sessions.document_operations import MAX_BYTES, Texts, TextStore
from serverless_sessions.errors import ConfigurationError, Conflict, SessionError
from serverless_sessions.sansio import Asking
from serverless_sessions.store import ABSENT
from serverless_sessions.urls import Parameters, StoreURL

from ._redis_operations import ScriptOperations

GET = "return redis.call('GET', KEYS[1])"
PUT = """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
if ARGV[3] ~= '' then redis.call('EXPIREAT', KEYS[1], ARGV[3]) end
return 1
"""
REMOVE = "return redis.call('UNLINK', KEYS[1])"


class Connected(NamedTuple):
    """A client of Redis or Upstash, and how to wait a little."""

    client: Any
    pause: Callable[[float], Any] = time.sleep

    def close(self) -> None:
        self.client.close()


class AsyncConnected(NamedTuple):
    """``Connected`` for one event loop: what it does is to be awaited."""

    client: Any
    pause: Callable[[float], Any] = asyncio.sleep

    async def close(self) -> None:
        await (getattr(self.client, "aclose", None) or self.client.close)()


class ScriptTexts(Texts):
    """Texts that scripts of ``operations`` read and write, on the primary as all scripts."""

    def __init__(self, operations: ScriptOperations, base: str, max_bytes: int = MAX_BYTES) -> None:
        self.kind = operations.kind
        self.max_bytes = max_bytes
        self._operations = operations
        self._base = base

    def get(self, key: str) -> Asking[tuple[str, str] | None]:
        text: str | None = yield from self._run(GET, key)
        return (_readable(text), text) if text else None

    def put(self, key: str, text: str, *, if_version: Any, expires: int | None) -> Asking[str]:
        before = "" if if_version is ABSENT else if_version
        ends = "" if expires is None else str(expires)
        if not (yield from self._run(PUT, key, before, text, ends)):
            raise Conflict("somebody changed the session first")
        return text

    def remove(self, key: str) -> Asking[None]:
        yield from self._run(REMOVE, key)

    def translated(self, error: Exception, action: str) -> SessionError:
        told = self._operations.translated(error, action)
        if not isinstance(told, ConfigurationError):
            return told
        return ConfigurationError(
            f"{action}: another program uses these keys; give Astro's driver and SESSION_STORE"
            " another base, as in ?layout=astro&base=shop"
        )

    def place_of(self, key: str) -> str:
        return f"{self._base}:{key}" if self._base else key

    def _run(self, script: str, key: str, *arguments: str) -> Asking[Any]:
        command = self._operations.command("EVAL", script, [self.place_of(key)], [*arguments])
        return (yield lambda connected: command(connected.client))


def _readable(text: str) -> str:
    """Bytes that are no UTF-8 have come as lone surrogates: they are a text that cannot be read."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return ""
    return text


class ScriptTextStore(TextStore):
    """Sessions in Redis or Upstash that Astro's driver with the same ``base`` reads and writes."""

    def __init__(
        self, texts: ScriptTexts, client: Any, open_async: Callable[[], Any] | None = None
    ) -> None:
        awaited = (lambda: AsyncConnected(open_async())) if open_async is not None else None
        super().__init__(texts, Connected(client), awaited)
        self.texts = texts

    def close(self) -> None:
        self.client.close()


def base_of(url: StoreURL, take: Parameters) -> str | None:
    """Where Astro's driver keeps sessions by its option ``base``; None unless the url says
    ``layout=astro``. Raises ConfigurationError."""
    is_astro = take.choice("layout", "fields", "astro") == "astro"
    base = take.text("base")
    if is_astro and "prefix" in url.query:
        raise ConfigurationError(f"{url}: with layout=astro the keys' prefix is named base")
    if base and not is_astro:
        raise ConfigurationError(f"{url}: base is for layout=astro alone")
    return re.sub(r"[:/\\]+", ":", base).strip(":") if is_astro else None
