"""KV Connect, the protocol by which a Deno KV database is reached from outside of Deno."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urljoin

from serverless_sessions.errors import AccessDenied, StoreUnavailable

from . import _deno_wire as wire
from . import _http

TOKEN_VARIABLE = "DENO_KV_ACCESS_TOKEN"  # noqa: S105  (the variable's name)
SERVICE = "Deno KV"
VERSIONS = (2, 3)
RENEWED_BEFORE = 60
"""Seconds before its end by which a token is not used any more."""
_REMEDY = f"the token in {TOKEN_VARIABLE} is not this database's"


class Access(NamedTuple):
    """What the metadata say: where the database is asked, and the token for that."""

    endpoint: str
    headers: dict[str, str]
    ends: float

    def __repr__(self) -> str:
        return f"Access({self.endpoint!r})"


class KVConnect:
    """A database at a url. Its metadata are asked for once, and again when their token ends or
    an endpoint turns out to be no longer the one to ask."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token
        self._connections = _http.Connections(SERVICE)
        self._access: Access | None = None

    def read(self, key: bytes) -> wire.Value | None:
        answer = wire.read_answer(self._sent("snapshot_read", wire.read_request(key)))
        if not answer.is_usable:
            self._access = None
            raise StoreUnavailable(f"{SERVICE}'s endpoint gives no consistent reads now")
        return answer.value

    def write(self, request: bytes) -> bytes | None:
        """The new versionstamp; None where the check failed."""
        answer = wire.write_answer(self._sent("atomic_write", request))
        if answer.status == wire.WRITTEN:
            return answer.versionstamp
        if answer.status == wire.CHECK_FAILED:
            return None
        self._access = None
        raise StoreUnavailable(f"{SERVICE} wrote nothing: its status is {answer.status}")

    def close(self) -> None:
        self._connections.close()

    def _sent(self, call: str, request: bytes) -> bytes:
        access = self._access
        if access is None or access.ends <= time.time():
            access = self._access = self._asked_anew()
            answer = self._posted(access, call, request)
        else:
            answer = self._posted(access, call, request)
            if answer.status == 401:  # the token was taken back before its time
                access = self._access = self._asked_anew()
                answer = self._posted(access, call, request)
        if answer.status != 200:
            raise _http.refused(answer, SERVICE, _REMEDY)
        return answer.body

    def _posted(self, access: Access, call: str, request: bytes) -> _http.Answer:
        return self._connections.send("POST", f"{access.endpoint}/{call}", access.headers, request)

    def _asked_anew(self) -> Access:
        headers = {
            "authorization": f"Bearer {self._token}",
            "content-type": "application/json",
        }
        asked = json.dumps({"supportedVersions": VERSIONS}).encode()
        answer = self._connections.send("POST", self._url, headers, asked)
        if answer.status == 404:
            raise AccessDenied(f"{SERVICE} knows no such database, or {_REMEDY}")
        if answer.status != 200:
            raise _http.refused(answer, SERVICE, _REMEDY)
        access = _access(answer.json(), self._url)
        if access is None:
            raise StoreUnavailable(f"{SERVICE} did not say where its database is asked")
        return access


def _access(metadata: dict[str, Any], url: str) -> Access | None:
    """None where something that is needed is missing, or is none."""
    endpoints = metadata.get("endpoints")
    strong = [
        endpoint.get("url")
        for endpoint in (endpoints if isinstance(endpoints, list) else [])
        if isinstance(endpoint, dict) and endpoint.get("consistency") == "strong"
    ]
    version, database = metadata.get("version"), metadata.get("databaseId")
    token, ends = metadata.get("token"), metadata.get("expiresAt")
    texts = (database, token, ends, strong[0] if strong else None)
    if version not in VERSIONS or not all(isinstance(text, str) and text for text in texts):
        return None
    endpoint = urljoin(f"{url}", str(strong[0])).rstrip("/")
    if not endpoint.startswith(("https://", "http://")):
        return None
    try:
        moment = datetime.fromisoformat(str(ends))
    except ValueError:
        return None
    headers = {
        "authorization": f"Bearer {token}",
        "content-type": "application/x-protobuf",
        "x-denokv-version": str(version),
        "x-denokv-database-id": str(database),
        "user-agent": "serverless-sessions",
    }
    zone = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return Access(endpoint, headers, zone.timestamp() - RENEWED_BEFORE)
