"""Sessions in a table of DynamoDB."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from serverless_sessions import clock
from serverless_sessions.errors import ConfigurationError, SessionError
from serverless_sessions.sansio import ClientStore
from serverless_sessions.skew import clock_finding
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

    A session is an item. Its attributes are the map ``v``, with a text for each session key, or a
    list of text and deadline; the deadlines ``exp`` (idle) and ``abs``, and ``ttl``, at which
    DynamoDB may remove it; ``rev`` and ``nonce`` of the last write; ``rid``, ``created``, ``user``
    and ``auth`` (authenticated_at). A rotation leaves ``to``, ``grace``, ``exp`` and ``ttl`` under
    the old key. The sessions of a user are listed in an item of their own, ``u#`` and a hash of the
    name, which the transaction that creates, rotates or deletes one changes with it.

    Requests: load 1, create 1, update 1, rotate 1, delete 1, or 2 for a session with a user;
    list_user 1. A change of more than 100 entries reads and puts the whole item, under the
    condition that it is still as it was read: 2 or more. A refusal tells its reason by itself. Now
    and then a log-in of a user with a hundred sessions takes 2 more, which prune the list. What
    takes more than one request changes sessions by one of them only, so an interruption leaves
    each operation done or not begun; a pruning that was done before stays.

    An item that a transaction of others holds is asked for again, in the time of the call.

    It takes the permissions GetItem, PutItem, UpdateItem, DeleteItem and ConditionCheckItem; scan
    takes Scan, check DescribeTable and DescribeTimeToLive. ``client`` is boto3's low-level client.
    """

    operations: DynamoDBOperations

    def __init__(self, client: Any, table: str = DEFAULT_TABLE) -> None:
        self._table = Table(table)
        super().__init__(DynamoDBOperations(self._table, tells=is_aws(client)), client)

    @property
    def table(self) -> str:
        return self._table.name

    def __repr__(self) -> str:
        return f"DynamoDBStore({self.table!r})"

    def scan(self) -> Iterator[tuple[str, Record]]:
        start = None
        while True:
            records, start = self.ask("going through all sessions", self.operations.page(start))
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
        """As of every store; no more is looked at where there is no such table, or no way to it."""
        about_the_table, *others = tables.looks(self._table)
        findings = [self._finding(about_the_table)]
        if findings[0].ok or findings[0].remedy == about_the_table.denied:
            findings += map(self._finding, others)
        if findings[0].ok:
            findings.append(clock_finding(self._time))
        return findings

    def close(self) -> None:
        self.client.close()

    def _time(self) -> float:
        return self.ask("asking the time", tables.server_time(self._table))

    def _finding(self, look: tables.Look) -> Finding:
        try:
            wrong = self.ask("looking", look.at)
            return Finding(wrong is None, wrong or look.what, look.remedy)
        except SessionError as error:
            return Finding(False, str(error), tables.remedy(look, error))


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
