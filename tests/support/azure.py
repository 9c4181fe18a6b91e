"""Stores on tables of Azurite, straight and through a fault proxy, and their operations by hand."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

from azure.core.credentials import AzureNamedKeyCredential

from serverless_sessions.errors import SessionError
from serverless_sessions.sansio import Asking
from serverless_sessions_adapters._azure_client import Account
from serverless_sessions_adapters.azure_tables import AzureTablesStore
from servers.azurite import Azurite
from servers.fault_proxy import FaultProxy, fault_proxy
from servers.lockstep import speak_http

_numbers = itertools.count()


def account(server: Azurite, port: int | None = None) -> Account:
    """The server's; with a port, through the proxy that listens there."""
    endpoint = server.endpoint.replace(str(server.port), str(port or server.port))
    return Account(endpoint, AzureNamedKeyCredential(server.account, server.key))


@contextmanager
def opened(account: Account, table: str) -> Iterator[AzureTablesStore]:
    with closing(AzureTablesStore(account, table)) as store:
        yield store


def fresh_table() -> str:
    """A name that no other test uses."""
    return f"t{os.getpid()}x{next(_numbers)}"


@contextmanager
def empty_table(server: Azurite) -> Iterator[AzureTablesStore]:
    """A store on a table of its own, which goes with the server."""
    with opened(account(server), fresh_table()) as store:
        store.provision()
        yield store


@contextmanager
def behind_proxy(server: Azurite) -> Iterator[tuple[AzureTablesStore, FaultProxy]]:
    """A store on a table of its own, and the proxy through which it asks."""
    with (
        empty_table(server) as straight,
        fault_proxy(server.port, speak_http) as proxy,
        opened(account(server, proxy.port), straight.table) as store,
    ):
        yield store, proxy


class ByHand:
    """Operations whose requests are made one by one, in any order; none of them pauses."""

    def __init__(self, store: AzureTablesStore, *operations: Asking[object]) -> None:
        self._table = replace(store.client, pause=lambda _: _PAUSED)
        self._operations = operations
        self._requests = [next(operation) for operation in operations]
        self.outcomes: list[object] = [_RUNNING for _ in operations]

    @property
    def running(self) -> list[int]:
        return [which for which, outcome in enumerate(self.outcomes) if outcome is _RUNNING]

    def make_request(self, which: int) -> None:
        """Make the next request of one operation, and hand it the answer."""
        operation, answer = self._operations[which], _PAUSED
        try:
            while answer is _PAUSED:
                try:
                    answer = self._requests[which](self._table)
                except Exception as error:  # noqa: BLE001  (the operation decides about it)
                    self._requests[which] = operation.throw(error)
                    break
                self._requests[which] = operation.send(answer)
        except StopIteration as stop:
            self.outcomes[which] = stop.value
        except SessionError as error:
            self.outcomes[which] = error

    def abandon(self) -> None:
        for operation in self._operations:
            operation.close()


def in_every_order(start: Callable[[], ByHand]) -> Iterator[list[object]]:
    """The outcomes of two operations, started anew for each order their requests can come in."""
    untried: list[tuple[int, ...]] = [()]
    while untried:
        order, by_hand = list(untried.pop()), start()
        given = len(order)
        made: list[int] = []
        while by_hand.running:
            chosen = order[len(made)] if len(made) < given else by_hand.running[0]
            if len(made) >= given and len(by_hand.running) > 1:
                untried.append((*made, by_hand.running[1]))
            by_hand.make_request(chosen)
            made.append(chosen)
        yield by_hand.outcomes


_RUNNING = object()
_PAUSED = object()
