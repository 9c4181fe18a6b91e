"""Sessions in Cloudflare's Workers KV, over its HTTP API and where Astro's drivers keep them."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from typing import Any, NamedTuple
from urllib.parse import quote

from serverless_sessions import clock
from serverless_sessions.document import Documents, DocumentStore
from serverless_sessions.errors import ConfigurationError, StoreUnavailable
from serverless_sessions.store import Finding
from serverless_sessions.urls import StoreURL

from . import _http

TOKEN_VARIABLE = "CLOUDFLARE_API_TOKEN"  # noqa: S105  (the variable's name)
ENDPOINT = "https://api.cloudflare.com"
KEY_BYTES, LONGEST_ID = 512, 128
LEAST_SECONDS = 120
"""Cloudflare refuses an expiration less than 60 s ahead, by a clock that is not ours."""
_NOT_FOUND, _NO_NAMESPACE = 10009, 10013
_SERVICE = "Cloudflare KV"


class Namespace(NamedTuple):
    account: str
    name: str
    endpoint: str = ENDPOINT

    @property
    def address(self) -> str:
        place = f"accounts/{quote(self.account, '')}/storage/kv/namespaces/{quote(self.name, '')}"
        return f"{self.endpoint}/client/v4/{place}"


class CloudflareKVStore(DocumentStore):
    """Keeps each session as one text that Astro's cloudflare-kv drivers read and write too.

    KV has no conditional writes, takes one write a second to a key, and shows a write elsewhere
    after a minute or more. So the last writer of a session wins whole, and a request that was
    slow, or a place that has not heard of a log-out, may bring back what was destroyed.
    ``modify``, ``flashes`` and ``csrf_token`` raise Unsupported.
    """

    def __init__(
        self, namespace: Namespace, token: str, *, base: str = "", max_bytes: int = 1_000_000
    ) -> None:
        super().__init__(_Values(namespace, token, base, max_bytes))

    def check(self) -> list[Finding]:
        """Look whether the token may read the namespace; a random key is read."""
        self.load(secrets.token_hex(32))
        return [Finding(True, "the namespace can be read; its writes are not conditional")]


class _Values(Documents):
    kind = "cloudflare-kv"
    conditional = False

    def __init__(self, namespace: Namespace, token: str, base: str, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._values = f"{namespace.address}/values"
        self._base = base
        self._headers = {"authorization": f"Bearer {token}"}
        self._connections = _http.Connections(_SERVICE)

    def get(self, key: str) -> tuple[str, str] | None:
        answer = self._connections.send("GET", self._url(key), self._headers)
        if answer.status == 404 and _NOT_FOUND in _codes(answer):
            return None
        if answer.status != 200:
            raise _refused(answer)
        return answer.body.decode(errors="replace"), _version(answer.body)

    def put(self, key: str, text: str, *, if_version: Any, expires: int | None) -> str:
        url = self._url(key)
        if expires is not None:
            url += f"?expiration={max(expires, clock.now() + LEAST_SECONDS)}"
        headers = {**self._headers, "content-type": "text/plain; charset=utf-8"}
        content = text.encode()
        self._done(self._connections.send("PUT", url, headers, content))
        return _version(content)

    def remove(self, key: str) -> None:
        self._done(self._connections.send("DELETE", self._url(key), self._headers))

    def close(self) -> None:
        self._connections.close()

    def _url(self, key: str) -> str:
        return f"{self._values}/{quote(f'{self._base}:{key}' if self._base else key, safe='')}"

    def _done(self, answer: _http.Answer) -> None:
        if answer.status != 200 or answer.json().get("success") is not True:
            raise _refused(answer)


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _codes(answer: _http.Answer) -> list[Any]:
    errors = answer.json().get("errors")
    found = errors if isinstance(errors, list) else []
    return [error.get("code") for error in found if isinstance(error, dict)]


def _refused(answer: _http.Answer) -> Exception:
    if answer.status == 404 and _NO_NAMESPACE in _codes(answer):
        return ConfigurationError(
            f"{_SERVICE} knows no such namespace; SESSION_STORE names the account and the "
            "namespace by their ids, as in cloudflare-kv://ACCOUNT/NAMESPACE"
        )
    if answer.status == 429:
        return StoreUnavailable(
            f"{_SERVICE} takes no more now: one write a second to a key, and 1,200 requests in"
            " five minutes from a user"
        )
    remedy = f"the token in {TOKEN_VARIABLE} needs Workers KV Storage: Edit on the account"
    return _http.refused(answer, _SERVICE, remedy)


def open_url(url: StoreURL) -> CloudflareKVStore:
    """``cloudflare-kv://ACCOUNT/NAMESPACE``, the ids of both, with CLOUDFLARE_API_TOKEN set.

    Parameters: ``base`` of the keys, as in Astro's driver; ``endpoint`` in place of Cloudflare's;
    ``max_bytes`` of a session's text.
    """
    url.allow_parts("host", "path")
    with url.parameters() as take:
        base = re.sub(r"[:/\\]+", ":", take.text("base")).strip(":")
        endpoint = take.text("endpoint", ENDPOINT)
        max_bytes = take.integer("max_bytes", 1_000_000, least=1000)
    namespace = url.path.removeprefix("/")
    if not url.host or not re.fullmatch(r"[A-Za-z0-9_-]+", namespace):
        raise ConfigurationError(
            f"{url}: name the ids of the account and of the namespace, as in "
            "cloudflare-kv://ACCOUNT/NAMESPACE"
        )
    if len(base.encode()) + 1 + LONGEST_ID > KEY_BYTES:
        raise ConfigurationError(f"{url}: base is too long for keys of {KEY_BYTES} bytes at most")
    return CloudflareKVStore(
        Namespace(url.host, namespace, _http.address(endpoint, f"{url}: endpoint")),
        _http.token(os.environ.get(TOKEN_VARIABLE, ""), TOKEN_VARIABLE),
        base=base,
        max_bytes=max_bytes,
    )
