"""Sessions of Azure Tables as Astro's azure-storage-table driver keeps them: a text each.

The text is one property of an entity in one partition, as unstorage lays it out. A property takes
32,768 units of UTF-16; that many bytes of UTF-8 are never more.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError
from azure.data.tables import UpdateMode

from serverless_sessions.document_operations import Texts, TextStore
from serverless_sessions.errors import Conflict, SessionError
from serverless_sessions.sansio import Asking
from serverless_sessions.store import ABSENT, Finding

from ._azure_client import Account, bounds, is_absent, long_bounds, status_of, translated
from ._azure_requests import asked, created_table, selected

DEFAULT_TABLE = "unstorage"
DEFAULT_PARTITION = "unstorage"
PROPERTY = "unstorageValue"
MAX_BYTES = 32_768


class EntityTexts(Texts):
    kind = "azure-tables"
    max_bytes = MAX_BYTES

    def __init__(self, table: str, partition: str) -> None:
        self._table = table
        self._partition = partition

    def get(self, key: str) -> Asking[tuple[str, str] | None]:
        """A property that is no string is a text that cannot be read."""
        try:
            entity = yield lambda table: table.client.get_entity(self._partition, key, **bounds())
        except HttpResponseError as error:
            if is_absent(error):
                return None
            raise
        text = entity.get(PROPERTY)
        return text if isinstance(text, str) else "", entity.metadata["etag"]

    def put(self, key: str, text: str, *, if_version: Any, expires: int | None) -> Asking[str]:
        entity = {"PartitionKey": self._partition, "RowKey": key, PROPERTY: text}
        try:
            if if_version is ABSENT:
                answer = yield lambda table: table.client.create_entity(
                    entity, response_preference="return-no-content", **bounds()
                )
            else:
                answer = yield lambda table: table.client.update_entity(
                    entity,
                    UpdateMode.REPLACE,
                    etag=if_version,
                    match_condition=MatchConditions.IfNotModified,
                    **bounds(),
                )
        except HttpResponseError as error:
            if status_of(error) in (409, 412) or is_absent(error):
                raise Conflict("somebody changed the session first") from error
            raise
        etag: str = answer["etag"]
        return etag

    def remove(self, key: str) -> Asking[None]:
        yield lambda table: table.client.delete_entity(self._partition, key, **bounds())

    def translated(self, error: Exception, action: str) -> SessionError:
        return translated(error, action, self._table)


class AzureTextStore(TextStore):
    """Keeps sessions in ``table`` of ``account`` where Astro's driver with the same table and
    partition key keeps its own. Nothing is created before ``provision``; ``purge`` is to be run
    from a timer.
    """

    def __init__(
        self, account: Account, table: str = DEFAULT_TABLE, partition: str = DEFAULT_PARTITION
    ) -> None:
        self.table = table
        self.partition = partition
        texts = EntityTexts(table, partition)
        super().__init__(texts, account.open(table), lambda: account.open_async(table))

    def __repr__(self) -> str:
        return f"AzureTextStore({self.table!r})"

    def keys(self) -> Iterator[str]:
        query, options = f"PartitionKey eq '{self.partition}'", long_bounds()
        found = self.client.client.query_entities(query, select=selected("RowKey"), **options)
        pages = found.by_page()
        action = "going through all sessions"
        while page := self.ask(action, asked(lambda _: list(next(pages, ())))):
            yield from (entity["RowKey"] for entity in page)

    def provision(self) -> None:
        self.ask("creating the table", created_table(long_bounds()))

    def deprovision(self) -> None:
        """As of every store, Astro's own sessions included."""
        options = long_bounds()
        self.ask("removing the table", asked(lambda table: table.client.delete_table(**options)))

    def check(self) -> list[Finding]:
        try:
            self.load(secrets.token_hex(32))
        except SessionError as error:
            return [Finding(False, str(error), "see docs/stores.md for what the store needs")]
        return [Finding(True, f"the table {self.table!r} can be read")]

    def close(self) -> None:
        self.client.close()
