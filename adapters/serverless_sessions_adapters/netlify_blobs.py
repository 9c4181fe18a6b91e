"""Sessions in Netlify Blobs, where Astro's netlify adapter keeps its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from serverless_sessions.document import Documents, DocumentStore
from serverless_sessions.errors import ConfigurationError, Conflict, SessionError, StoreUnavailable
from serverless_sessions.store import ABSENT, Finding
from serverless_sessions.urls import StoreURL

from . import _http
from ._netlify_place import API, CONTEXT_VARIABLE, DEFAULT_NAME, NAME_BYTES, TOKEN_VARIABLE, Wanted

_NAME = re.compile(r"[A-Za-z0-9_-]{1,600}")
_SERVICE = "Netlify Blobs"
_REMEDY = f"the token in {CONTEXT_VARIABLE} or {TOKEN_VARIABLE} is not this site's, or has ended"
_WRITTEN = {
    "content-type": "text/plain;charset=UTF-8",
    "cache-control": "max-age=0, stale-while-revalidate=60",
}


class NetlifyBlobsStore(DocumentStore):
    """Keeps each session as one text that Astro's netlify-blobs driver reads and writes too.

    Reads are strongly consistent, and a write holds only for the version that was read. Blobs
    do not expire: call ``purge`` from time to time. What Astro writes, it writes unconditionally.
    """

    documents: _Blobs

    def __init__(self, wanted: Wanted | None = None, *, max_bytes: int = 1_000_000) -> None:
        super().__init__(_Blobs(wanted or Wanted(), max_bytes))

    def check(self) -> list[Finding]:
        return [self.condition_finding('"no blob has this"', "blobs", "update Netlify's server")]


class _Blobs(Documents):
    kind = "netlify-blobs"

    def __init__(self, wanted: Wanted, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._wanted = wanted
        self._connections = _http.Connections(_SERVICE)

    def get(self, key: str) -> tuple[str, str] | None:
        answer = self._asked("GET", key)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise _refused(answer)
        etag = answer.headers.get("etag")
        if not etag:
            raise StoreUnavailable(
                f"{_SERVICE} gave no etag with a blob, so no write to it can be conditional"
            )
        return answer.body.decode(errors="replace"), etag

    def put(self, key: str, text: str, *, if_version: Any, expires: int | None) -> str | None:
        """The version is None where Netlify does not tell it; nothing is ever written on that."""
        if if_version is None:
            raise Conflict("the version of the session is not known")
        condition = {"if-none-match": "*"} if if_version is ABSENT else {"if-match": if_version}
        answer = self._asked("PUT", key, {**_WRITTEN, **condition}, text.encode())
        if answer.status == 412:
            raise Conflict("somebody changed the session first")
        if answer.status != 200:
            raise _refused(answer)
        return answer.headers.get("etag")

    def remove(self, key: str) -> None:
        place = self._wanted.place()
        answer = self._connections.send("DELETE", place.url(_checked(key)), _bearer(place.token))
        if answer.status not in (200, 204, 404):
            raise _refused(answer)

    def keys(self) -> Iterator[str]:
        cursor = ""
        while True:
            place = self._wanted.place()
            url = place.url(cursor=cursor) if cursor else place.url()
            answer = self._connections.send("GET", url, _bearer(place.token))
            found = answer.json()
            if answer.status != 200 or not isinstance(blobs := found.get("blobs"), list):
                raise _refused(answer)
            names = [str(blob.get("key")) for blob in blobs if isinstance(blob, dict)]
            yield from filter(_NAME.fullmatch, names)
            following = found.get("next_cursor") or ""
            if following in ("", cursor):
                return
            cursor = following

    def close(self) -> None:
        self._connections.close()

    def _asked(
        self,
        method: str,
        key: str,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> _http.Answer:
        """The answer about a blob. The API gives the address at which to ask for it, and 404 where
        it knows none."""
        place, headers = self._wanted.place(), headers or {}
        url = place.url(_checked(key))
        if not place.is_api:
            return self._connections.send(method, url, {**headers, **_bearer(place.token)}, body)
        accept = {"accept": "application/json;type=signed-url"}
        answer = self._connections.send(method, url, {**accept, **_bearer(place.token)})
        if answer.status == 404:
            return answer
        signed = answer.json().get("url")
        if answer.status != 200 or not isinstance(signed, str):
            raise _refused(answer)
        if not signed.startswith(("https://", "http://")):
            raise StoreUnavailable(f"{_SERVICE} gave an address that is none")
        found = self._connections.send(method, signed, headers, body)
        if found.status in (401, 403):
            raise StoreUnavailable(f"{_SERVICE} does not take the address that its API gave")
        return found


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def _checked(key: str) -> str:
    if not _NAME.fullmatch(key):
        raise ConfigurationError("a stored key is a blob's name: letters, digits, _ and -")
    return key


def _refused(answer: _http.Answer) -> SessionError:
    return _http.refused(answer, _SERVICE, _REMEDY)


def open_url(url: StoreURL) -> NetlifyBlobsStore:
    """``netlify-blobs`` with NETLIFY_BLOBS_CONTEXT set, or ``netlify-blobs://SITE_ID`` with
    NETLIFY_AUTH_TOKEN set; the path is the store's name (astro-sessions).

    Parameters: ``deploy``, the id of the deploy whose own store it is, or ``current``;
    ``region``, which such a store needs; ``endpoint`` in place of Netlify's API; ``max_bytes`` of
    a session's text.
    """
    url.allow_parts("host", "path")
    with url.parameters() as take:
        deploy, region = take.text("deploy"), take.text("region")
        endpoint = take.text("endpoint", API)
        max_bytes = take.integer("max_bytes", 1_000_000, least=1000)
    name = url.path.removeprefix("/")
    if "/" in name or len(quote(name, safe="")) > NAME_BYTES:
        raise ConfigurationError(
            f"{url}: a store's name has no / and at most {NAME_BYTES} bytes in a url"
        )
    if deploy and name:
        raise ConfigurationError(f"{url}: a deploy's own store has no name")
    if deploy == "current" and url.host:
        raise ConfigurationError(f"{url}: deploy=current is the deploy of {CONTEXT_VARIABLE}")
    wanted = Wanted(
        url.host, name or DEFAULT_NAME, deploy, region, _http.address(endpoint, f"{url}: endpoint")
    )
    wanted.place()
    return NetlifyBlobsStore(wanted, max_bytes=max_bytes)
