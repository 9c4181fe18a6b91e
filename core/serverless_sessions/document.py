"""A full store over any backend that can get, put and remove one text under a key."""

from __future__ import annotations

import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

from . import clock
from .document_operations import MAX_BYTES, Texts, TextStore
from .errors import Conflict, SessionError, StoreUnavailable
from .sansio import Asking
from .store import MARKER_SECONDS, Finding


class Documents(ABC):
    """A backend of texts; many threads may call at once, and each call ends within
    ``clock.time_left()`` seconds. Errors are ours, with the backend's own as ``__cause__``, or
    become so by ``translated``.

    ``conditional`` is whether ``put`` honours ``if_version``. Where it does not, two writers can
    lose each other's keys and a late one brings back what was destroyed: the store declares so.
    Its versions still have to differ where the texts do. ``max_bytes`` is of a whole text; a
    session's names and values may take three quarters of it. ``kind`` names the backend in events.
    """

    kind: str = "other"
    conditional: bool = True
    max_bytes: int = MAX_BYTES

    @abstractmethod
    def get(self, key: str) -> tuple[str, Any] | None:
        """The text under ``key`` and its version, or None."""

    @abstractmethod
    def put(self, key: str, text: str, *, if_version: Any, expires: int | None) -> Any:
        """Store ``text`` whole, and return its version.

        Raises Conflict unless what is there has the version ``if_version``, or where it is ABSENT
        unless nothing is there. ``expires`` is the Unix second from which the backend may remove
        it, None for never.
        """

    @abstractmethod
    def remove(self, key: str) -> None:
        """Remove what is there, if anything is."""

    def keys(self) -> Iterator[str] | None:
        """Every key, in no order; None where the backend cannot list them."""
        return None

    def translated(self, error: Exception, action: str) -> SessionError:
        """An error of ours for one of the backend's, in words without secrets or values."""
        return StoreUnavailable(f"{action} failed in the backend's own code")

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def close(self) -> None:  # noqa: B027  (most backends hold nothing open)
        """Let go of connections."""


class AsyncDocuments(ABC):
    """``Documents`` with coroutines; what is said there holds here."""

    @abstractmethod
    async def get(self, key: str) -> tuple[str, Any] | None: ...

    @abstractmethod
    async def put(self, key: str, text: str, *, if_version: Any, expires: int | None) -> Any: ...

    @abstractmethod
    async def remove(self, key: str) -> None: ...

    async def pause(self, seconds: float) -> None:
        import asyncio

        await asyncio.sleep(seconds)

    async def close(self) -> None:  # noqa: B027  (most backends hold nothing open)
        """Let go of connections."""


class DocumentStore(TextStore):
    """Sessions as texts that Astro reads and writes too.

    ``adopts`` is whether a text without our facts is a session of Astro's. ``open_async`` opens
    the ``AsyncDocuments`` of an event loop.
    """

    def __init__(
        self,
        documents: Documents,
        open_async: Callable[[], AsyncDocuments] | None = None,
        *,
        adopts: bool = True,
    ) -> None:
        self.documents = documents
        super().__init__(_Called(documents), documents, open_async, adopts=adopts)

    def keys(self) -> Iterator[str] | None:
        return self.documents.keys()

    def condition_finding(self, version: Any, what: str, remedy: str) -> Finding:
        """Whether a write under ``version``, which nothing has, is refused, as it has to be."""
        key = secrets.token_hex(32)
        ends = clock.now() + MARKER_SECONDS
        try:
            self.documents.put(key, '[["Map"]]', if_version=version, expires=ends)
        except Conflict:
            return Finding(True, f"{what} can be written, and only under their condition")
        self.documents.remove(key)
        return Finding(False, "a write's condition is not honoured", remedy)

    def close(self) -> None:
        self.documents.close()


class _Called(Texts):
    """Documents, and their asynchronous counterpart, as the client of whom texts are asked."""

    def __init__(self, documents: Documents) -> None:
        self.kind = documents.kind
        self.conditional = documents.conditional
        self.max_bytes = documents.max_bytes
        self._documents = documents

    def get(self, key: str) -> Asking[tuple[str, Any] | None]:
        found: tuple[str, Any] | None = yield lambda documents: documents.get(key)
        return found

    def put(self, key: str, text: str, *, if_version: Any, expires: int | None) -> Asking[Any]:
        version = yield lambda documents: documents.put(
            key, text, if_version=if_version, expires=expires
        )
        return version

    def remove(self, key: str) -> Asking[None]:
        yield lambda documents: documents.remove(key)

    def translated(self, error: Exception, action: str) -> SessionError:
        return self._documents.translated(error, action)
