"""Stores on tables of Azurite, straight and through a fault proxy, and their operations by hand."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

from azure.core.credentials import AzureNamedKeyCredential

from serverless_sessions.sansio import Asking
from serverless_sessions_adapters._azure_client import Account
from serverless_sessions_adapters.azure_tables import AzureTablesStore
from servers.azurite import Azurite
from servers.fault_proxy import FaultProxy, fault_proxy
from servers.lockstep import speak_http
from support.interleaving import PAUSED, Stepped

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


def by_hand(store: AzureTablesStore, *operations: Asking[Any]) -> list[Stepped]:
    """Operations whose requests are made one by one, in any order; none of them pauses."""
    client = replace(store.client, pause=lambda _: PAUSED)
    return [Stepped(client, operation) for operation in operations]
