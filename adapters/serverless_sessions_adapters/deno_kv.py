"""Sessions in Deno KV over KV Connect, where Astro's deno-kv driver keeps its own."""

from __future__ import annotations

import os
import re
from typing import Any

from serverless_sessions.document import Documents, DocumentStore
from serverless_sessions.errors import ConfigurationError, Conflict, SessionTooLarge
from serverless_sessions.store import ABSENT, Finding
from serverless_sessions.urls import StoreURL

from . import _deno_wire as wire
from . import _http
from ._deno_connect import TOKEN_VARIABLE, KVConnect

DEPLOY = "https://api.deno.com/databases/{}/connect"
VALUE_BYTES, KEY_BYTES, LONGEST_ID = 65_536, 2048, 128
TEXT_BYTES = 32_000
"""Of a text in UTF-8: with one character beyond Latin-1 a value takes two bytes for each."""
_NO_VERSION = b"\0" * 10


class DenoKVStore(DocumentStore):
    """Keeps each session as one text that Astro's deno-kv driver reads and writes too.

    Reads are strongly consistent, and a write holds only for the version that was read. Deno
    removes what has expired by itself, some time later. What Astro writes, it writes
    unconditionally.
    """

    documents: _Values

    def __init__(self, connect: KVConnect, *, base: tuple[str, ...] = ()) -> None:
        super().__init__(_Values(connect, base))

    def check(self) -> list[Finding]:
        return [self.condition_finding(_NO_VERSION, "values", "update the KV server")]


class _Values(Documents):
    kind = "deno-kv"
    max_bytes = TEXT_BYTES

    def __init__(self, connect: KVConnect, base: tuple[str, ...]) -> None:
        self._connect = connect
        self._base = base

    def get(self, key: str) -> tuple[str, bytes] | None:
        """A value that is no string is a text that cannot be read."""
        value = self._connect.read(self._key(key))
        if value is None:
            return None
        text = wire.deserialized(value.data) if value.encoding == wire.V8 else None
        return text or "", value.versionstamp

    def put(self, key: str, text: str, *, if_version: Any, expires: int | None) -> bytes:
        value = wire.serialized(text)
        if len(value) > VALUE_BYTES:
            raise SessionTooLarge(f"Deno KV takes {VALUE_BYTES} bytes under a key at most")
        check = b"" if if_version is ABSENT else if_version
        ends = 0 if expires is None else expires * 1000
        request = wire.write_request(self._key(key), value, check=check, expires_ms=ends)
        version = self._connect.write(request)
        if version is None:
            raise Conflict("somebody changed the session first")
        return version

    def remove(self, key: str) -> None:
        self._connect.write(wire.write_request(self._key(key), None, check=None))

    def close(self) -> None:
        self._connect.close()

    def _key(self, key: str) -> bytes:
        return wire.key_of((*self._base, key))


def open_url(url: StoreURL) -> DenoKVStore:
    """``deno-kv://DATABASE_ID`` for Deno Deploy, or ``deno-kv://?endpoint=URL`` for a server of
    KV Connect; DENO_KV_ACCESS_TOKEN is set.

    Parameter: ``base`` of the keys, as in Astro's driver.
    """
    url.allow_parts("host")
    with url.parameters() as take:
        endpoint = take.text("endpoint")
        base = tuple(filter(None, re.split(r"[:/\\]+", take.text("base"))))
    if bool(url.host) == bool(endpoint):
        raise ConfigurationError(
            f"{url}: name the id of a database, as in deno-kv://DATABASE_ID, or a server of KV "
            "Connect, as in deno-kv://?endpoint=http://denokv:4512"
        )
    if len(wire.key_of(base)) + 2 + LONGEST_ID > KEY_BYTES:
        raise ConfigurationError(f"{url}: base is too long for keys of {KEY_BYTES} bytes at most")
    where = endpoint or DEPLOY.format(url.host)
    token = _http.token(os.environ.get(TOKEN_VARIABLE, ""), TOKEN_VARIABLE)
    return DenoKVStore(KVConnect(_http.address(where, f"{url}: endpoint"), token), base=base)
