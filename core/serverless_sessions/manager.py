"""SessionManager: one store and one configuration, serving one invocation after another."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TypedDict

from . import registry
from .account import Accounts, UserSession
from .aio import AsyncDriver, AsyncInvocation, AsyncSession, async_store
from .arrival import Arrivals, Header, Request, TrustedId
from .config import SessionConfig
from .driver import TimeLeft
from .encryption import sealer_of
from .errors import ConfigurationError
from .events import Event, emit
from .invocation import Driver, Invocation
from .lifecycle import Lifecycle
from .session import Session
from .store import AnyStore, SessionStore
from .users import Users
from .values import Codec, codec

stand_in: AnyStore | None = None
"""The store of every manager while a test runs, but for one that was told since to ``use`` its
own."""

_inherited: list[object] = []
"""The stores of a forked process's parent. Never let go of: whoever closes a connection takes its
socket out of the epoll set of the loop it belongs to, and that set is the parent's as well."""


class Options(TypedDict, total=False):
    """The options of every front door: those of ``SessionManager``."""

    store: str | AnyStore | None
    config: SessionConfig | None
    id_from: Header | None
    trusted_id: TrustedId | None


class SessionManager:
    """Begins and ends sessions. Front doors hold one; tests swap its store with ``use``.

    ``store`` is a store or a ``SESSION_STORE`` url; without one the configuration's counts.
    It is opened at first use, once for each process id, so that no client crosses a fork.
    ``config`` is the settings (default: the SESSION_* variables). Ids travel in a cookie, or
    where ``id_from=header(name)`` says; where ``trusted_id=(name, fn)`` finds one with
    ``fn(request)`` in what the platform hands over, that one counts.
    """

    def __init__(
        self,
        store: str | AnyStore | None = None,
        config: SessionConfig | None = None,
        *,
        id_from: Header | None = None,
        trusted_id: TrustedId | None = None,
    ) -> None:
        self.config = config if config is not None else SessionConfig.from_env()
        self.arrivals = Arrivals(self.config, id_from, trusted_id)
        self.codec = Codec(astro=True) if self.config.shared_with_astro else codec
        self.sealer = sealer_of(self.config.encryption_keys)
        self._source = store if store is not None else self.config.store
        self._opened: tuple[int, AnyStore] | None = None
        self._outranked: AnyStore | None = None
        self._lock = threading.Lock()

    @property
    def store(self) -> AnyStore:
        """The open store. Raises ConfigurationError or MissingDependency when it cannot be."""
        if stand_in is not None and stand_in is not self._outranked:
            return stand_in
        if self._source is not None and not isinstance(self._source, str):
            return self._checked(self._source)
        with self._lock:
            if self._opened is None or self._opened[0] != os.getpid():
                if self._opened is not None:
                    _inherited.append(self._opened[1])
                url = self._source or registry.default_url()
                self._opened = os.getpid(), self._checked(registry.open_store(url))
            return self._opened[1]

    def open_now(self) -> None:
        """Open the store ahead of the first invocation, in a platform's start-up phase."""
        _ = self.store

    def forget(self) -> AnyStore | None:
        """Let the next use open the store anew; gives the one that was open, for closing."""
        with self._lock:
            opened, self._opened = self._opened, None
        return opened[1] if opened is not None and opened[0] == os.getpid() else None

    def use(self, store: str | AnyStore) -> Swapped:
        """Go on with another store: for good, or as a context manager till its end."""
        with self._lock:
            before = self._source, self._opened, self._outranked
            self._source, self._opened, self._outranked = store, None, stand_in

        def restore() -> None:
            with self._lock:
                self._source, self._opened, self._outranked = before

        return Swapped(restore)

    def begin(self, request: Request, time_left: TimeLeft | None = None) -> Invocation:
        """An invocation for this request.

        ``time_left`` tells the seconds that the platform still gives it.
        """
        time_left = time_left or _unlimited
        return Invocation(self._life(request, time_left), self._sync_store, time_left)

    def begin_async(self, request: Request, time_left: TimeLeft | None = None) -> AsyncInvocation:
        """As ``begin``, for code that awaits."""
        time_left = time_left or _unlimited
        life = self._life(request, time_left)
        return AsyncInvocation(life, lambda: async_store(self.store), time_left)

    def sessions_of(self, user: str, *, show: Iterable[str] = ()) -> list[UserSession]:
        """The live sessions of ``user``, the last log-in first: for a page that lists them.

        ``show`` names keys whose values come along as ``data``, such as a device that the
        application ``set`` at log-in. Raises Unsupported where the store cannot list, and
        CorruptRecord for a value to be shown that cannot be decoded.
        """
        return self._driver().run(self._accounts.sessions_of(user, show))

    async def sessions_of_async(self, user: str, *, show: Iterable[str] = ()) -> list[UserSession]:
        """As ``sessions_of``, awaited."""
        return await self._async_driver().run(self._accounts.sessions_of(user, show))

    def revoke(self, user: str, handle: str) -> None:
        """End the session of ``user`` that has this handle, whatever its id is by now.

        Raises SessionNotFound, and ends nothing, for a handle of anybody else's session or of none;
        Unsupported where the store cannot list.
        """
        self._driver().run(self._accounts.revoke(user, handle))

    async def revoke_async(self, user: str, handle: str) -> None:
        """As ``revoke``, awaited."""
        await self._async_driver().run(self._accounts.revoke(user, handle))

    def revoke_all(self, user: str, *, keep: Session | None = None) -> int:
        """End the sessions of ``user``, but for ``keep``; returns how many.

        Misses none that was live when it began, and follows one whose id is being rotated. A
        log-in meanwhile may stay. An error of the store leaves the rest as they are: call again.
        Raises Unsupported where the store cannot list.
        """
        kept = keep.info().handle if keep is not None else None
        return self._driver().run(self._accounts.revoke_all(user, kept))

    async def revoke_all_async(self, user: str, *, keep: AsyncSession | None = None) -> int:
        """As ``revoke_all``, awaited."""
        kept = (await keep.info()).handle if keep is not None else None
        return await self._async_driver().run(self._accounts.revoke_all(user, kept))

    @property
    def _accounts(self) -> Accounts:
        users = Users(self.config, self.sealer, lambda: self.store)
        return Accounts(users, self.config.idle_timeout, self.codec)

    def _driver(self) -> Driver:
        return Driver(self._sync_store, _unlimited, self.config.on_event)

    def _async_driver(self) -> AsyncDriver:
        store = async_store(self.store)
        return AsyncDriver(lambda: store, _unlimited, self.config.on_event)

    def _life(self, request: Request, time_left: TimeLeft) -> Lifecycle:
        source = self.arrivals.source(self.config, request)
        offered, refused = source.offered()
        if refused:
            emit(Event("refused_id"), self.config.on_event)
        return Lifecycle(
            source,
            offered,
            config=self.config,
            store=lambda: self.store,
            sealer=self.sealer,
            codec=self.codec,
            time_left=time_left,
        )

    def _checked(self, store: AnyStore) -> AnyStore:
        """A shared session must be where Astro looks; one in memory is a test's."""
        if not self.config.shared_with_astro:
            return store
        if not store.guarantees.shared_with_astro and store.kind != "memory":
            raise ConfigurationError(
                f"{type(store).__name__} keeps sessions where Astro does not look; with"
                " shared_with_astro (SESSION_SHARED_WITH_ASTRO), SESSION_STORE is the place of"
                " Astro's own driver: file:///FOLDER, or redis://, upstash:// or azure-tables://"
                " with layout=astro, or another store over documents"
            )
        store.adopt(self.config.absolute_timeout)
        return store

    def _sync_store(self) -> SessionStore:
        store = self.store
        if not isinstance(store, SessionStore):
            raise ConfigurationError(
                f"{type(store).__name__} can only be awaited; make the handler an async def, or "
                "call the method whose name ends in _async"
            )
        return store


class Swapped:
    """The store is swapped already; leaving the ``with`` block brings the former one back."""

    def __init__(self, restore: Callable[[], None]) -> None:
        self._restore = restore

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._restore()


def _unlimited() -> float:
    """A platform that does not say sets no time: a request may take long before it is saved."""
    return math.inf
