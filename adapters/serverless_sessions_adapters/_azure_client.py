"""A table of Azure's: how to sign in to it, the clients of the SDK, and their errors as ours."""

from __future__ import annotations

import asyncio
import importlib
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import (
    ClientAuthenticationError,
    ServiceRequestTimeoutError,
    ServiceResponseTimeoutError,
)
from azure.core.pipeline.transport import RequestsTransport
from azure.data.tables import TableClient

from serverless_sessions import clock
from serverless_sessions.errors import (
    AccessDenied,
    ConfigurationError,
    SessionError,
    SessionTooLarge,
    StoreTimeout,
    StoreUnavailable,
)

KEY = "AZURE_STORAGE_KEY"
ROLE = "Storage Table Data Contributor"
CONNECT_SECONDS = 1.0
QUERY_SECONDS = 10.0
"""The service searches a table for up to five seconds before it answers with what it has found."""

# The SDK logs the url of every request, and our urls end in stored keys.
_silent = logging.getLogger(f"{__name__}.silent")
_silent.disabled = True

_OPTIONS: Mapping[str, Any] = {"retry_total": 0, "permit_redirects": False, "logger": _silent}
_SIGN_IN: Mapping[str, Any] = {
    "connection_timeout": CONNECT_SECONDS,
    "read_timeout": 2.0,
    "retry_total": 1,
}

_TOO_LARGE = (
    *("RequestBodyTooLarge", "EntityTooLarge", "PropertyValueTooLarge"),
    *("TooManyProperties", "PropertyNameTooLong"),
)


@dataclass(frozen=True, slots=True, repr=False)
class Table:
    """What a request is asked of: the SDK's client of one table, and how to wait a little."""

    client: Any
    credential: Any
    pause: Callable[[float], Any] = time.sleep

    def query(self, query: str, select: Sequence[str] | None) -> list[Any]:
        """The entities that ``query`` finds, of each the properties ``select`` or all."""
        return list(self.client.query_entities(query, select=select, **long_bounds()))

    def close(self) -> None:
        self.client.close()
        if self.credential is not None:
            self.credential.close()


@dataclass(frozen=True, slots=True, repr=False)
class AsyncTable:
    """``Table`` for one event loop: what it does is to be awaited."""

    client: Any
    credential: Any
    pause: Callable[[float], Any] = asyncio.sleep

    async def query(self, query: str, select: Sequence[str] | None) -> list[Any]:
        found = self.client.query_entities(query, select=select, **long_bounds())
        return [entity async for entity in found]

    async def close(self) -> None:
        await self.client.close()
        if self.credential is not None:
            await self.credential.close()


@dataclass(frozen=True, slots=True)
class Account:
    """The table service of a storage account: ``connection_string`` says all of it, or it is at
    ``endpoint`` and takes ``key`` or, without one, whom DefaultAzureCredential finds.
    """

    endpoint: str = ""
    key: AzureNamedKeyCredential | None = field(default=None, repr=False)
    connection_string: str | None = field(default=None, repr=False)

    def open(self, table: str) -> Table:
        bounded = {"transport": BoundedTransport()}
        return Table(*self._opened(TableClient, "azure.identity", table, bounded))

    def open_async(self, table: str) -> AsyncTable:
        from azure.data.tables.aio import TableClient as AsyncTableClient

        return AsyncTable(*self._opened(AsyncTableClient, "azure.identity.aio", table, {}))

    def _opened(
        self, client: Any, identity: str, table: str, sign_in: Mapping[str, Any]
    ) -> tuple[Any, Any]:
        if self.connection_string is not None:
            return client.from_connection_string(self.connection_string, table, **_OPTIONS), None
        if self.key is not None:
            return client(self.endpoint, table, credential=self.key, **_OPTIONS), None
        credential = importlib.import_module(identity).DefaultAzureCredential(**_SIGN_IN, **sign_in)
        return client(self.endpoint, table, credential=credential, **_OPTIONS), credential


class BoundedTransport(RequestsTransport):  # type: ignore[misc]  # a lazy export has no type
    """Gives each request of a sign-in the time that is left for the store call."""

    def send(self, request: Any, **options: Any) -> Any:
        return super().send(request, **{**options, **bounds()})


def bounds(default: float = 2.0) -> dict[str, float]:
    """The time that a request may take, as the SDK's keywords. Raises StoreTimeout."""
    left = clock.time_left(default)
    if left <= 0:
        raise StoreTimeout("no time is left to ask the table")
    return {"connection_timeout": min(left, CONNECT_SECONDS), "read_timeout": left}


def long_bounds() -> dict[str, float]:
    return bounds(QUERY_SECONDS)


def status_of(error: Exception) -> int | None:
    """The status of the answer, in a transaction that of the operation which failed."""
    status: int | None = getattr(error, "status_code", None)
    return status


def is_absent(error: Exception) -> bool:
    """Whether the service says so of an entity, and not of its table; nor any other server."""
    return status_of(error) == 404 and code_of(error) in ("ResourceNotFound", "EntityNotFound")


def code_of(error: Exception) -> str:
    """The service's word for what went wrong, "" where it gave none."""
    code = getattr(error, "error_code", None) or ""
    text = str(getattr(code, "value", code))
    return text if re.fullmatch("[A-Za-z]{1,64}", text) else ""


def translated(error: Exception, what: str, table: str) -> SessionError:
    """``error`` of the SDK as one of ours, without its text."""
    status, code = status_of(error), code_of(error)
    said = " ".join(str(word) for word in (status, code) if word) or type(error).__name__
    where = f"{what} in the table {table!r}"
    if isinstance(error, ServiceRequestTimeoutError | ServiceResponseTimeoutError):
        return StoreTimeout(f"{where}: Azure did not answer in time")
    if isinstance(error, ClientAuthenticationError) and status is None:
        if not clock.time_left():
            return StoreTimeout(f"{where}: no identity could sign in in time")
        return AccessDenied(
            f"{where}: no identity could sign in; give the function one, or set {KEY}"
        )
    if status in (401, 403):
        return AccessDenied(
            f"{where}: Azure refuses who asks ({said}); the role {ROLE!r} on the table allows "
            "all that sessions need"
        )
    if status == 413 or code in _TOO_LARGE:
        return SessionTooLarge(f"{where}: Azure refuses it as too large ({said})")
    if code == "TableNotFound":
        return ConfigurationError(
            f"{where}: there is no such table; `az storage table create --name {table}` or "
            "provision() of the store creates it"
        )
    return StoreUnavailable(f"{where}: {said}")
