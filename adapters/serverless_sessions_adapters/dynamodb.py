"""Sessions in a table of DynamoDB."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from serverless_sessions import clock
from serverless_sessions.errors import ConfigurationError, SessionError
from serverless_sessions.sansio import ClientStore
from serverless_sessions.store import Finding, Record
from serverless_sessions.urls import StoreURL

from . import _dynamodb_table as tables
from ._dynamodb_client import is_aws, open_client
from ._dynamodb_operations import DynamoDBOperations
from ._dynamodb_requests import Table

DEFAULT_TABLE = "sessions"

_TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")


class DynamoDBStore(ClientStore):
    """Keeps sessions in one table, whose only key is the partition key ``id``, a string.

    ``client`` is boto3's low-level client of DynamoDB.
    """

    def __init__(self, client: Any, table: str = DEFAULT_TABLE) -> None:
        self._table = Table(table)
        self._asked = DynamoDBOperations(self._table, tells=is_aws(client))
        super().__init__(self._asked, client)

    @property
    def table(self) -> str:
        return self._table.name

    def __repr__(self) -> str:
        return f"DynamoDBStore({self.table!r})"

    def list_user(self, user: str) -> list[str]:
        return self.ask("listing a user's sessions", self._asked.members(user))

    def scan(self) -> Iterator[tuple[str, Record]]:
        start = None
        while True:
            records, start = self.ask("going through all sessions", self._asked.page(start))
            yield from records
            if start is None:
                return

    def provision(self) -> None:
        with clock.call_limit(tables.CHANGING_SECONDS):
            self.ask("creating the store", tables.creation(self._table))

    def deprovision(self) -> None:
        with clock.call_limit(tables.CHANGING_SECONDS):
            self.ask("removing the store", tables.removal(self._table))

    def check(self) -> list[Finding]:
        return [self._finding(look) for look in tables.looks(self._table)]

    def close(self) -> None:
        self.client.close()

    def _finding(self, look: tables.Look) -> Finding:
        try:
            return Finding(self.ask("looking", look.at), look.what, look.remedy)
        except SessionError as error:
            return Finding(False, str(error), look.remedy)


def open_url(url: StoreURL) -> DynamoDBStore:
    """``dynamodb://TABLE`` or bare ``dynamodb``, for the table ``sessions``.

    Takes the parameters ``region`` and ``endpoint``; both, and the credentials, are looked for
    where boto3 does where they are not given.
    """
    url.allow_parts("host")
    table = url.host or DEFAULT_TABLE
    if not _TABLE_NAME.fullmatch(table):
        raise ConfigurationError(
            f"{url}: a table's name has 3 to 255 of the characters a-z, A-Z, 0-9, _, . and -"
        )
    with url.parameters() as take:
        region, endpoint = take.text("region"), take.text("endpoint")
    return DynamoDBStore(open_client(region or None, endpoint or None), table)
