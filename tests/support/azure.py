"""Stores on empty tables of one Azurite."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager

from azure.core.credentials import AzureNamedKeyCredential

from serverless_sessions_adapters._azure_client import Account
from serverless_sessions_adapters.azure_tables import AzureTablesStore
from servers.azurite import Azurite

_numbers = itertools.count()


def account(server: Azurite) -> Account:
    return Account(server.endpoint, AzureNamedKeyCredential(server.account, server.key))


@contextmanager
def empty_table(server: Azurite) -> Iterator[AzureTablesStore]:
    """A store on a table of its own, which goes with the server."""
    store = AzureTablesStore(account(server), f"t{os.getpid()}x{next(_numbers)}")
    with closing(store):
        store.provision()
        yield store
