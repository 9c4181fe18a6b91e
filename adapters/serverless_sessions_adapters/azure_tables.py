"""Sessions in a table of an Azure storage account, each in an entity of its own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from typing import Any
from urllib.parse import urlsplit

from azure.core.credentials import AzureNamedKeyCredential

from serverless_sessions import clock
from serverless_sessions.errors import AccessDenied, ConfigurationError, SessionError
from serverless_sessions.sansio import Asking, ClientStore
from serverless_sessions.skew import clock_finding, of_date_header
from serverless_sessions.store import Finding, Record
from serverless_sessions.urls import StoreURL

from ._azure_client import KEY, ROLE, Account, long_bounds
from ._azure_documents import DEFAULT_PARTITION, AzureTextStore
from ._azure_documents import DEFAULT_TABLE as ASTROS_TABLE
from ._azure_entities import Stored, Write
from ._azure_operations import AzureTablesOperations
from ._azure_requests import (
    asked,
    created_table,
    partition_of,
    read,
    removed,
    rewritten,
    selected,
    stored,
    transaction,
    won,
)

DEFAULT_TABLE = "sessions"
CONNECTION = "AZURE_STORAGE_CONNECTION_STRING"

DAY = 86_400
ROWS_AT_ONCE = 50
"""A transaction takes a hundred operations; a session that goes takes up to two."""


class AzureTablesStore(ClientStore):
    """Keeps sessions in ``table`` of ``account``: an entity each, a property for each key of it.

    Nothing is created before ``provision``. Tables remove nothing by themselves: ``purge`` is to be
    run from a timer. Requests: see ``AzureTablesOperations``.
    """

    operations: AzureTablesOperations

    def __init__(self, account: Account, table: str = DEFAULT_TABLE) -> None:
        self.table = table
        super().__init__(
            AzureTablesOperations(table), account.open(table), lambda: account.open_async(table)
        )

    def __repr__(self) -> str:
        return f"AzureTablesStore({self.table!r})"

    def scan(self) -> Iterator[tuple[str, Record]]:
        living = f"RowKey lt 'g' and ends gt {clock.now()}L"
        for page in self._pages("going through all sessions", living):
            for entity in page:
                standing = stored(entity).standing(clock.now())
                if isinstance(standing, Record):
                    yield entity["RowKey"], standing

    def purge(self, limit: int = 1000) -> int:
        """As of every store; the rows that find sessions by their users count as well."""
        left, action = limit, "removing expired sessions"
        for page in self._pages(action, f"ends le {clock.now()}L", "user", "absolute"):
            ended = [stored(entity) for entity in page]
            for rows in _that_can_go_together(ended):
                if left <= 0:
                    return limit
                left -= self.ask(action, _removed(rows[:left]))
        return limit - left

    def provision(self) -> None:
        self.ask("creating the table", created_table(long_bounds()))

    def deprovision(self) -> None:
        """As of every store; Azure takes a minute before the name can be used again."""
        self.ask(
            "removing the table", asked(lambda table: table.client.delete_table(**long_bounds()))
        )

    def check(self) -> list[Finding]:
        """As of every store; nothing is there under the key that is read, changed and deleted."""
        nothing = Stored("0" * 64, "W/\"datetime'2000-01-01T00%3A00%3A00Z'\"", {})
        looks: dict[str, Asking[object]] = {
            "read": read(nothing.key),
            "changed": won(rewritten(nothing, Write({}, replaces=False))),
            "deleted from": won(transaction(*removed(nothing))),
        }
        findings = [self._tried(f"the table {self.table!r} can be {d}", looks[d]) for d in looks]
        if all(finding.ok for finding in findings):
            query = f"ends le {clock.now() - DAY}L"
            overdue = next(self._pages("looking for expired sessions", query, "ends"), [])
            gone = "still there" if overdue else "removed"
            what = f"sessions that ended a day ago or earlier are {gone}"
            remedy = "run purge() from a timer, or now `serverless-sessions purge`"
            findings += [Finding(not overdue, what, remedy), clock_finding(self._time)]
        return findings

    def close(self) -> None:
        self.client.close()

    def _time(self) -> float:
        dates: list[str] = []

        def note(answer: Any) -> None:
            dates.append(answer.http_response.headers["Date"])

        pages = self.client.client.query_entities(
            "RowKey eq ''", raw_response_hook=note, **long_bounds()
        ).by_page()
        self.ask("asking the time", asked(lambda _: next(pages, None)))
        return of_date_header(dates[-1])

    def _tried(self, what: str, asking: Asking[object]) -> Finding:
        try:
            self.ask("looking", asking)
        except SessionError as error:
            return Finding(False, str(error), _remedy(error))
        return Finding(True, what)

    def _pages(self, action: str, query: str, *select: str) -> Iterator[list[Any]]:
        """Entities that ``query`` finds, of each the properties ``select`` or all."""
        found = self.client.client.query_entities(query, select=selected(*select), **long_bounds())
        pages = found.by_page()
        while (page := self.ask(action, asked(lambda _: next(pages, None)))) is not None:
            yield list(page)


def _remedy(error: SessionError) -> str:
    match error:
        case ConfigurationError():
            return (
                "create the table: `serverless-sessions provision` with the same SESSION_STORE,"
                " provision(), or `terraform apply` of infra/azure"
            )
        case AccessDenied():
            return f"grant the role {ROLE!r} on the table, or mend {KEY} or {CONNECTION}"
        case _:
            return "see whether the account has that name, and its network rules let you in"


def _removed(rows: Sequence[Stored]) -> Asking[int]:
    """How many rows went; those that were changed meanwhile stay."""
    if (yield from won(transaction(*(operation for row in rows for operation in removed(row))))):
        return len(rows)
    gone = 0
    for row in rows:
        gone += yield from won(transaction(*removed(row)))
    return gone


def _that_can_go_together(rows: Sequence[Stored]) -> Iterator[list[Stored]]:
    for _, beside_each_other in groupby(rows, lambda row: partition_of(row.key)):
        while batch := list(islice(beside_each_other, ROWS_AT_ONCE)):
            yield batch


def open_url(url: StoreURL) -> AzureTablesStore | AzureTextStore:
    """``azure-tables://ACCOUNT/TABLE`` or ``azure-tables:///TABLE``; the table is ``sessions``
    where none is named.

    With an account: AZURE_STORAGE_KEY in the environment is its key. Without that variable,
    DefaultAzureCredential of azure-identity signs in; AZURE_CLIENT_ID chooses among a function's
    identities. ``endpoint`` is the url of the table service where it is not in Azure's public
    cloud: of another cloud, or of Azurite with its account in the path.

    Without an account: the connection string in AZURE_STORAGE_CONNECTION_STRING, or in the
    variable that ``connection`` names, such as AzureWebJobsStorage.

    With ``layout=astro``, sessions are where Astro's azure-storage-table driver keeps them: in the
    table ``unstorage`` where none is named, under the partition key ``partition`` (unstorage).
    """
    url.allow_parts("host", "path")
    with url.parameters() as take:
        endpoint, connection = take.text("endpoint"), take.text("connection")
        is_astro = take.choice("layout", "properties", "astro") == "astro"
        partition = take.text("partition", DEFAULT_PARTITION)
    table = url.path.removeprefix("/") or (ASTROS_TABLE if is_astro else DEFAULT_TABLE)
    if not re.fullmatch("[A-Za-z][A-Za-z0-9]{2,62}", table):
        raise ConfigurationError(
            f"{url}: a table's name is 3 to 63 letters and digits and begins with a letter"
        )
    if "partition" in url.query and not (is_astro and re.fullmatch("[A-Za-z0-9_.:-]+", partition)):
        raise ConfigurationError(
            f"{url}: the parameter 'partition' is for layout=astro, and of letters, digits and _.:-"
        )
    account = _signing_in(url, endpoint, connection)
    try:
        if is_astro:
            return AzureTextStore(account, table, partition)
        return AzureTablesStore(account, table)
    except ValueError as error:
        if account.connection_string is None:
            raise
        raise ConfigurationError(
            f"{connection or CONNECTION} is not the connection string of a storage account"
        ) from error


def _signing_in(url: StoreURL, endpoint: str, connection: str) -> Account:
    if url.host and not connection:
        return _account(url, endpoint)
    if url.host or endpoint:
        raise ConfigurationError(
            f"{url}: name an account, and perhaps its endpoint, or a connection string's variable"
        )
    variable = connection or CONNECTION
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]{0,63}", variable):
        raise ConfigurationError(
            f"{url}: the parameter 'connection' is the name of an environment variable"
        )
    return _connected(url, variable)


def _account(url: StoreURL, endpoint: str) -> Account:
    if not re.fullmatch("[a-z0-9]{3,24}", url.host):
        raise ConfigurationError(
            f"{url}: a storage account's name is 3 to 24 digits and lower-case letters"
        )
    key = os.environ.get(KEY)
    at = urlsplit(endpoint or f"https://{url.host}.table.core.windows.net")
    if at.scheme not in ("http", "https") or not at.hostname or at.username or at.query:
        raise ConfigurationError(
            f"{url}: the parameter 'endpoint' must be the https url of a table service and no more"
        )
    if at.scheme == "http" and not key:
        raise ConfigurationError(
            f"{url}: {KEY} must be set for an endpoint by http, where no identity signs in"
        )
    return Account(at.geturl(), AzureNamedKeyCredential(url.host, key) if key else None)


def _connected(url: StoreURL, variable: str) -> Account:
    text = os.environ.get(variable)
    if not text:
        raise ConfigurationError(
            f"{url}: {variable} is not set; without a connection string, name the account: "
            "azure-tables://ACCOUNT/TABLE"
        )
    return Account(connection_string=text)
