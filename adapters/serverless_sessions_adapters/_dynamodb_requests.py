"""Requests to one table, as steps of an operation that wait for whoever holds an item."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from serverless_sessions import clock
from serverless_sessions.errors import Conflict, StoreTimeout
from serverless_sessions.patience import TRY_SECONDS
from serverless_sessions.sansio import Asking, Request

from ._dynamodb_errors import is_held, is_unmet, reasons
from ._dynamodb_items import ANYTHING, Expression, Item, text

Arguments = dict[str, Any]


class Unmet(Exception):
    """Conditions did not hold and nothing was written.

    ``stood`` has, by the place of each such write in its transaction, what was there instead:
    None for nothing, and where an endpoint does not tell.
    """

    def __init__(self, stood: Mapping[int, Item | None]) -> None:
        super().__init__("a condition did not hold")
        self.stood = stood


class Table:
    """Builds requests. What puts, updates or deletes one item serves in a transaction as well."""

    def __init__(self, name: str) -> None:
        self.name = name

    def get(self, key: str) -> Asking[Item | None]:
        answer = yield from self.send("get_item", {**self.at(key), "ConsistentRead": True})
        item: Item | None = answer.get("Item")
        return item

    def at(self, key: str) -> Arguments:
        return {"TableName": self.name, "Key": {"id": text(key)}}

    def put(self, item: Item, condition: Expression) -> Arguments:
        return {"TableName": self.name, "Item": item, **_held_to(condition)}

    def delete(self, key: str, condition: Expression) -> Arguments:
        return {**self.at(key), **_held_to(condition)}

    def update(self, key: str, change: Expression, condition: Expression = ANYTHING) -> Arguments:
        both = _held_to(condition, change)
        return {**self.at(key), "UpdateExpression": change.text, **both}

    def check(self, key: str, condition: Expression) -> Arguments:
        """Without telling what stood there: for many at once."""
        arguments = {**self.at(key), **_held_to(condition)}
        del arguments["ReturnValuesOnConditionCheckFailure"]
        return arguments

    def transact(self, writes: Sequence[Mapping[str, Arguments]]) -> Asking[None]:
        """All of ``writes`` or none. Raises Unmet."""
        yield from self.send("transact_write_items", {"TransactItems": list(writes)})

    def send(self, operation: str, arguments: Arguments) -> Asking[Any]:
        """Ask the client, again while a transaction of others holds an item. Raises Unmet."""
        attempt = 0
        while True:
            try:
                return (yield request(operation, arguments))
            except ClientError as error:
                if is_held(error):
                    yield pause(attempt, error)
                    attempt += 1
                    continue
                if is_unmet(error):
                    raise Unmet({0: error.response.get("Item")}) from error
                unmet = {n: r.item for n, r in enumerate(reasons(error)) if r.unmet}
                if unmet:
                    raise Unmet(unmet) from error
                raise


def pause(attempt: int, cause: Exception) -> Request:
    """Wait, with jitter, before a write is tried again; Conflict when no time is left for it."""
    seconds = random.uniform(0, min(0.1, 0.005 * 2 ** min(attempt, 5)))  # noqa: S311  (no secret)
    if clock.time_left() <= seconds + TRY_SECONDS:
        raise Conflict("others kept writing to the session until time was up") from cause
    return lambda _: time.sleep(seconds)


def request(operation: str, arguments: Arguments) -> Request:
    def call(client: Any) -> Any:
        if not clock.time_left():
            raise StoreTimeout("no time is left for another request to DynamoDB")
        return getattr(client, operation)(**arguments)

    return call


def _held_to(condition: Expression, change: Expression = ANYTHING) -> Arguments:
    arguments: Arguments = {
        "ExpressionAttributeNames": {**condition.names, **change.names},
        "ExpressionAttributeValues": {**condition.values, **change.values},
    }
    if condition.text:
        arguments["ConditionExpression"] = condition.text
        arguments["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return {name: argument for name, argument in arguments.items() if argument}
