"""The clients of one Firestore collection, blocking and awaited: one try a call, and in time."""

from __future__ import annotations

import asyncio
import os
import re
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

import google.auth
from google.auth.exceptions import GoogleAuthError
from google.cloud.firestore_v1 import AsyncClient, Client
from google.cloud.firestore_v1.base_query import FieldFilter

from serverless_sessions import clock
from serverless_sessions.errors import ConfigurationError, StoreTimeout
from serverless_sessions.store import NONE

from ._firestore_errors import translated

EMULATOR = "FIRESTORE_EMULATOR_HOST"
COLLECTION = "sessions"
DATABASE = "(default)"

_KEY = "__name__"
_PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]*")
_COLLECTION = re.compile(r"(?!\.{1,2}$|__.*__$)[^/]{1,375}", re.DOTALL)
_DATABASE = re.compile(r"\(default\)|[a-z][a-z0-9-]{2,61}[a-z0-9]")


class Write(NamedTuple):
    """Create a document, update fields of it, or delete it, all or nothing with its batch.

    Only where the version of the moment ``at`` stands there; without it an update is of whatever
    stands there, and fails where nothing does.
    """

    verb: Literal["create", "update", "delete"]
    key: str
    fields: Mapping[str, Any] = NONE
    at: datetime | None = None


class Written(NamedTuple):
    """The moment of the new version, and the whole numbers its ``Increment`` fields now hold."""

    at: datetime
    numbers: Mapping[str, int]


class Snapshot(NamedTuple):
    """A document: its key, the moment of this version, and its fields."""

    key: str
    at: datetime
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Location:
    """Where the sessions are. Without ``project`` the environment or the credentials tell it."""

    collection: str
    project: str | None
    database: str
    credentials: Any = None

    @property
    def emulated(self) -> bool:
        return bool(os.environ.get(EMULATOR))

    def __post_init__(self) -> None:
        for what, form, value, allowed in (
            ("project", _PROJECT, self.project, "a project's id"),
            ("collection", _COLLECTION, self.collection, "a collection's id, without a slash"),
            ("database", _DATABASE, self.database, "(default) or a database's id"),
        ):
            if value is not None and not form.fullmatch(value):
                raise ConfigurationError(f"Firestore: the {what} {value!r} must be {allowed}")

    def completed(self) -> Location:
        """The same with credentials and project, looked up as Google's own clients do it."""
        if self.emulated or (self.credentials is not None and self.project):
            return self
        try:
            credentials, project = google.auth.default(scopes=Client.SCOPE)
        except GoogleAuthError as error:
            raise translated(error, f"signing in for {self}") from error
        if not (self.project or project):
            raise ConfigurationError(
                f"{self}: neither the url nor the environment names a project; write "
                "firestore://PROJECT/COLLECTION or set GOOGLE_CLOUD_PROJECT"
            )
        return Location(
            self.collection,
            self.project or project,
            self.database,
            self.credentials or credentials,
        )

    def __str__(self) -> str:
        project = f" of project {self.project}" if self.project else ""
        return f"collection {self.collection!r}, database {self.database!r}{project}"

    __repr__ = __str__


class Firestore:
    """A blocking client, for any number of threads.

    A gRPC channel must not cross a fork: a child opens one of its own.
    """

    def __init__(self, location: Location) -> None:
        self._location = location
        self._opened: tuple[int, Any] | None = None
        self._lock = threading.Lock()

    @property
    def client(self) -> Any:
        with self._lock:
            if self._opened is None or self._opened[0] != os.getpid():
                self._opened = os.getpid(), _opened(Client, self._location)
            return self._opened[1]

    def get(self, key: str, fields: Iterable[str] | None = None) -> Snapshot | None:
        """The document as it is now, with those ``fields`` or all; None where there is none."""
        reference = self.client.collection(self._location.collection).document(key)
        return _snapshot(reference.get(fields, **in_time()))

    def read_time(self) -> float:
        """The server's Unix time."""
        reference = self.client.collection(self._location.collection).document("check")
        return float(reference.get((), **in_time()).read_time.timestamp())

    def commit(self, writes: Iterable[Write]) -> list[Written]:
        batch, sent = _batch(self.client, self._location.collection, writes)
        return _written(sent, batch.commit(**in_time()))

    def keys_with(self, field: str, value: str) -> list[str]:
        """Keys of all documents with ``value`` in ``field``. Needs the index of that field."""
        query = self.client.collection(self._location.collection).select([])
        found = query.where(filter=FieldFilter(field, "==", value)).stream(**in_time())
        return [snapshot.id for snapshot in found]

    def page(
        self, after: str | None, limit: int, fields: Iterable[str] | None = None
    ) -> list[Snapshot]:
        """The next ``limit`` documents in the order of their keys, as ``get`` gives them."""
        collection = self.client.collection(self._location.collection)
        query = collection.order_by(_KEY).limit(limit)
        if fields is not None:
            query = query.select(fields)
        if after is not None:
            query = query.start_after({_KEY: collection.document(after)})
        found = (_snapshot(snapshot) for snapshot in query.stream(**in_time()))
        return [snapshot for snapshot in found if snapshot is not None]

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def close(self) -> None:
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None and opened[0] == os.getpid():
            opened[1]._firestore_api.transport.close()


class AsyncFirestore:
    """The same to be awaited, for the event loop in which it is used first."""

    def __init__(self, location: Location) -> None:
        self._collection = location.collection
        self._client = _opened(AsyncClient, location)

    async def get(self, key: str, fields: Iterable[str] | None = None) -> Snapshot | None:
        reference = self._client.collection(self._collection).document(key)
        return _snapshot(await reference.get(fields, **in_time()))

    async def commit(self, writes: Iterable[Write]) -> list[Written]:
        batch, sent = _batch(self._client, self._collection, writes)
        return _written(sent, await batch.commit(**in_time()))

    async def keys_with(self, field: str, value: str) -> list[str]:
        query = self._client.collection(self._collection).select([])
        found = query.where(filter=FieldFilter(field, "==", value)).stream(**in_time())
        return [snapshot.id async for snapshot in found]

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        await self._client._firestore_api.transport.close()


def in_time() -> dict[str, Any]:
    """How every call is made: tried once, within the time that is left. Raises StoreTimeout."""
    left = clock.time_left()
    if left <= 0:
        raise StoreTimeout("no time is left for another request to Firestore")
    return {"retry": None, "timeout": left}


def _opened(kind: Any, location: Location) -> Any:
    return kind(
        project=location.project, credentials=location.credentials, database=location.database
    )


def _snapshot(found: Any) -> Snapshot | None:
    if not found.exists:
        return None
    return Snapshot(found.id, found.update_time, found.to_dict())


def _batch(client: Any, collection: str, writes: Iterable[Write]) -> tuple[Any, list[Any]]:
    """The batch, and the writes as it will send them."""
    batch = client.batch()
    for write in writes:
        reference = client.collection(collection).document(write.key)
        option = None if write.at is None else client.write_option(last_update_time=write.at)
        match write.verb:
            case "create":
                batch.create(reference, write.fields)
            case "update":
                batch.update(reference, write.fields, option)
            case "delete":
                batch.delete(reference, option)
    sent = list(batch._write_pbs)
    for each in sent:
        if "update_mask" in each:
            # Firestore reads a bare carriage return in a path as a line feed.
            paths = each.update_mask.field_paths
            paths[:] = [path.replace("\r", r"\r") for path in paths]
    return batch, sent


def _written(sent: Iterable[Any], results: Iterable[Any]) -> list[Written]:
    return [
        Written(result.update_time, _numbers(write.update_transforms, result.transform_results))
        for write, result in zip(sent, results, strict=True)
    ]


def _numbers(transforms: Iterable[Any], results: Iterable[Any]) -> dict[str, int]:
    """By field: the results come without names, in the order in which the SDK sent the fields."""
    return {
        transform.field_path: result.integer_value
        for transform, result in zip(transforms, results, strict=True)
        if "integer_value" in result
    }
