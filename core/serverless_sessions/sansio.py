"""A store written once for two clients: its operations without I/O, and two faces for them.

``StoreOperations`` says what to ask of a backend, in generators that yield requests and receive
the answers. A request is a function of the client: a blocking client makes it return the
answer, an asynchronous one something to await. So no condition of a write is written twice.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from . import clock
from .errors import Moved, SessionError, StoreTimeout, Unsupported
from .store import (
    Absence,
    AsyncSessionStore,
    Change,
    Deletion,
    Found,
    Guarantees,
    Record,
    SessionStore,
)
from .trampoline import run, run_async

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")
Request = Callable[[Any], Any]
Asking = Generator[Request, Any, T]


class StoreOperations(ABC):
    """The operations of ``SessionStore``; what is said there holds here.

    What the client raises is raised at the ``yield``. What an operation lets pass of it becomes
    an error of ours by ``translated``.
    """

    guarantees: Guarantees = Guarantees()
    kind: str = "other"

    @abstractmethod
    def load(self, key: str) -> Asking[Found]: ...

    @abstractmethod
    def create(self, key: str, record: Record) -> Asking[None]: ...

    @abstractmethod
    def update(self, key: str, change: Change) -> Asking[None]: ...

    @abstractmethod
    def rotate(
        self, old: str, new: str, record: Record, rev: object, grace_until: int
    ) -> Asking[None]: ...

    @abstractmethod
    def delete(self, key: str) -> Asking[Deletion | Absence | Moved]: ...

    def list_user(self, user: str) -> Asking[list[str]]:
        raise Unsupported("this store cannot list the sessions of a user")

    @abstractmethod
    def translated(self, error: Exception, action: str) -> SessionError:
        """What the client's ``error`` is in our terms; ``action`` says what was being done."""

    def colocated(self, a: str, b: str) -> bool:
        return True

    def adopt(self, seconds: int) -> None:  # noqa: B027  (most stores have no such sessions)
        """As of ``SessionStore``."""


class ClientStore(SessionStore):
    """Operations asked of a blocking client, and of an asynchronous one where there is one.

    ``open_async`` opens the asynchronous client, inside the event loop that it will belong to.
    """

    def __init__(
        self,
        operations: StoreOperations,
        client: Any,
        open_async: Callable[[], Any] | None = None,
    ) -> None:
        self.operations = operations
        self.client = client
        self.guarantees = operations.guarantees
        self.kind = operations.kind
        self._awaited = AsyncClientStore(operations, open_async) if open_async else None

    def load(self, key: str) -> Found:
        return self.ask("loading a session", self.operations.load(key))

    def create(self, key: str, record: Record) -> None:
        self.ask("creating a session", self.operations.create(key, record))

    def update(self, key: str, change: Change) -> None:
        self.ask("updating a session", self.operations.update(key, change))

    def rotate(self, old: str, new: str, record: Record, rev: object, grace_until: int) -> None:
        asking = self.operations.rotate(old, new, record, rev, grace_until)
        self.ask("rotating a session", asking)

    def delete(self, key: str) -> Deletion | Absence | Moved:
        return self.ask("deleting a session", self.operations.delete(key))

    def colocated(self, a: str, b: str) -> bool:
        return self.operations.colocated(a, b)

    def adopt(self, seconds: int) -> None:
        self.operations.adopt(seconds)

    def list_user(self, user: str) -> list[str]:
        return self.ask("listing a user's sessions", self.operations.list_user(user))

    def native_async(self) -> AsyncSessionStore | None:
        return self._awaited

    def ask(self, action: str, asking: Asking[T]) -> T:
        """Run ``asking`` on the client. Raises errors of ours alone."""
        with _in_our_terms(self.operations, action):
            return run(asking, lambda request: request(self.client))


class AsyncClientStore(AsyncSessionStore):
    """Operations asked of an asynchronous client, which each event loop has one of."""

    def __init__(self, operations: StoreOperations, open_client: Callable[[], Any]) -> None:
        self.operations = operations
        self.guarantees = operations.guarantees.awaited()
        self.kind = operations.kind
        self._open_client = open_client
        self._clients: dict[asyncio.AbstractEventLoop, Any] = {}

    @property
    def client(self) -> Any:
        """The client of the running event loop, opened at its first use there."""
        import asyncio

        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            for ended in [known for known in list(self._clients) if known.is_closed()]:
                self._clients.pop(ended, None)
            client = self._clients[loop] = self._open_client()
        return client

    async def load(self, key: str) -> Found:
        return await self._ask("loading a session", self.operations.load(key))

    async def create(self, key: str, record: Record) -> None:
        await self._ask("creating a session", self.operations.create(key, record))

    async def update(self, key: str, change: Change) -> None:
        await self._ask("updating a session", self.operations.update(key, change))

    async def rotate(
        self, old: str, new: str, record: Record, rev: object, grace_until: int
    ) -> None:
        asking = self.operations.rotate(old, new, record, rev, grace_until)
        await self._ask("rotating a session", asking)

    async def delete(self, key: str) -> Deletion | Absence | Moved:
        return await self._ask("deleting a session", self.operations.delete(key))

    def colocated(self, a: str, b: str) -> bool:
        return self.operations.colocated(a, b)

    def adopt(self, seconds: int) -> None:
        self.operations.adopt(seconds)

    async def list_user(self, user: str) -> list[str]:
        return await self._ask("listing a user's sessions", self.operations.list_user(user))

    async def close(self) -> None:
        """Close the client of the running event loop; others are closed in theirs."""
        import asyncio

        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            close = getattr(client, "aclose", None) or client.close
            await close()

    async def _ask(self, action: str, asking: Asking[T]) -> T:
        import asyncio

        with _in_our_terms(self.operations, action):
            async with asyncio.timeout(clock.time_left()):
                return await run_async(asking, lambda request: request(self.client))


@contextmanager
def _in_our_terms(operations: StoreOperations, action: str) -> Iterator[None]:
    try:
        yield
    except SessionError:
        raise
    except TimeoutError as error:
        raise StoreTimeout(f"{action}: the store did not answer in time") from error
    except Exception as error:
        raise operations.translated(error, action) from error
