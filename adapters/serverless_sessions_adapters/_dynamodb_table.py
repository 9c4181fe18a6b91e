"""The table itself: made, removed and looked at. None of this happens in an invocation."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from serverless_sessions import clock
from serverless_sessions.errors import (
    AccessDenied,
    ConfigurationError,
    SessionError,
    StoreTimeout,
)
from serverless_sessions.sansio import Asking
from serverless_sessions.skew import of_date_header

from ._dynamodb_errors import code_of
from ._dynamodb_items import Expression
from ._dynamodb_requests import Arguments, Table, Unmet, request

KEY = "id"
TTL = "ttl"
CHANGING_SECONDS = 120.0
"""A table is made or removed in about ten seconds."""
LOOK_EVERY = 0.5
CREATE = (
    "create it: `serverless-sessions provision` with the same SESSION_STORE, provision(), or"
    " `terraform apply` of infra/aws; if it is in another region or account, name that one, as in"
    " ?region=eu-west-1"
)
SIGN_IN = (
    "sign in, for example by AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; a"
    " function has its role"
)
LOOK_AS_OPERATOR = (
    "a function's role need not look at its table: run this again with an operator's credentials,"
    " which may"
)


def creation(table: Table) -> Asking[None]:
    """Create the table, billed by request, and its TTL, each where it is missing.

    Raises ConfigurationError for a table that is there and has another key.
    """
    description: Arguments = {
        "TableName": table.name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": KEY, "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": KEY, "AttributeType": "S"}],
    }
    made = yield from _unless("ResourceInUseException", "create_table", description)
    if made is None and (wrong := (yield from _wrong_key(table))) is not None:
        raise ConfigurationError(f"{wrong}; {_replacement(table)}")
    while (yield from _status(table)) != "ACTIVE":
        yield _wait
    if not (yield from _has_ttl(table)):
        ttl = {"Enabled": True, "AttributeName": TTL}
        arguments = {"TableName": table.name, "TimeToLiveSpecification": ttl}
        yield request("update_time_to_live", arguments)


def removal(table: Table) -> Asking[None]:
    """Delete the table with all that is in it, if it is there."""
    yield from _unless("ResourceNotFoundException", "delete_table", {"TableName": table.name})
    while (yield from _status(table)) is not None:
        yield _wait


class Look(NamedTuple):
    """One thing to look at: what is so when all is well. ``at`` says what is not, or None.

    ``denied`` is the remedy where the role may not look.
    """

    what: str
    at: Asking[str | None]
    remedy: str
    denied: str


def looks(table: Table) -> Iterator[Look]:
    """Each is harmless: what would write is held to a condition that never holds."""
    yield Look(
        f"the table {table.name!r} is there, and its only key is the string {KEY!r}",
        _wrong_key(table),
        _replacement(table),
        LOOK_AS_OPERATOR,
    )
    yield Look(
        "DynamoDB removes sessions that have ended",
        _wrong_ttl(table),
        f"`aws dynamodb update-time-to-live --table-name {table.name} --time-to-live-specification"
        f" Enabled=true,AttributeName={TTL}`, or in Terraform"
        f' `ttl {{ attribute_name = "{TTL}", enabled = true }}`',
        LOOK_AS_OPERATOR,
    )
    never = Expression(f"attribute_exists({KEY})")
    nowhere = "check"
    change = Expression("SET rev = :rev", values={":rev": {"S": nowhere}})
    check = {"TransactItems": [{"ConditionCheck": table.check(nowhere, never)}]}
    calls = {
        "GetItem": ("get_item", table.at(nowhere)),
        "PutItem": ("put_item", table.put(table.at(nowhere)["Key"], never)),
        "UpdateItem": ("update_item", table.update(nowhere, change, never)),
        "DeleteItem": ("delete_item", table.delete(nowhere, never)),
        "ConditionCheckItem": ("transact_write_items", check),
    }
    for action, (operation, arguments) in calls.items():
        allow = (
            f"allow dynamodb:{action} on the table to the function's role, for example by"
            " `policy_arn` of infra/aws"
        )
        asking = _is_allowed(table.send(operation, arguments))
        yield Look(f"dynamodb:{action} is allowed", asking, allow, allow)


def remedy(look: Look, error: SessionError) -> str:
    """What mends that ``error`` came of ``look``."""
    match error:
        case ConfigurationError():
            return CREATE
        case AccessDenied():
            return look.denied if isinstance(error.__cause__, ClientError) else SIGN_IN
        case _:
            return "see whether DynamoDB can be reached from here, at ?endpoint= if there is one"


def _is_allowed(asking: Asking[object]) -> Asking[str | None]:
    with suppress(Unmet):
        yield from asking
    return None


def server_time(table: Table) -> Asking[float]:
    answer = yield request("describe_table", {"TableName": table.name})
    return of_date_header(answer["ResponseMetadata"]["HTTPHeaders"]["date"])


def _replacement(table: Table) -> str:
    return (
        f"name another table, or remove {table.name!r} and create it anew:"
        " `serverless-sessions provision`, or `terraform apply` of infra/aws"
    )


def _wrong_key(table: Table) -> Asking[str | None]:
    answer = yield request("describe_table", {"TableName": table.name})
    found = answer["Table"]
    keys = [(key["AttributeName"], key["KeyType"]) for key in found["KeySchema"]]
    types = {one["AttributeName"]: one["AttributeType"] for one in found["AttributeDefinitions"]}
    if keys == [(KEY, "HASH")] and types[KEY] == "S":
        return None
    shown = ", ".join(f"{name!r} ({kind}, {types[name]})" for name, kind in keys)
    needed = f"its only key must be the string {KEY!r}"
    return f"the key of the table {table.name!r} is {shown}, and {needed}"


def _wrong_ttl(table: Table) -> Asking[str | None]:
    if (yield from _has_ttl(table)):
        return None
    return f"TTL is not on for the attribute {TTL!r}: sessions that have ended are never removed"


def _has_ttl(table: Table) -> Asking[bool]:
    answer = yield request("describe_time_to_live", {"TableName": table.name})
    found = answer["TimeToLiveDescription"]
    is_on = found["TimeToLiveStatus"] in ("ENABLED", "ENABLING")
    return is_on and found.get("AttributeName") == TTL


def _status(table: Table) -> Asking[str | None]:
    answer = yield from _unless(
        "ResourceNotFoundException", "describe_table", {"TableName": table.name}
    )
    return answer["Table"]["TableStatus"] if answer is not None else None


def _unless(code: str, operation: str, arguments: Arguments) -> Asking[Any]:
    """The answer; None where the error of this code says that there is nothing to do."""
    try:
        return (yield request(operation, arguments))
    except ClientError as error:
        if code_of(error) != code:
            raise
        return None


def _wait(_: object) -> None:
    if clock.time_left() < LOOK_EVERY:
        raise StoreTimeout("the table is not ready yet; look again in a minute")
    time.sleep(LOOK_EVERY)
