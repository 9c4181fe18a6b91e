"""What DynamoDB's client raises, in terms of ours. No message of the vendor's is passed on, as it
can hold keys and values."""

from __future__ import annotations

from typing import NamedTuple

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    NoAuthTokenError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
    SSOError,
    TokenRetrievalError,
)

from serverless_sessions.errors import (
    AccessDenied,
    ConfigurationError,
    Conflict,
    SessionError,
    SessionTooLarge,
    StoreTimeout,
    StoreUnavailable,
)

from ._dynamodb_items import ITEM_BYTES, Item

_REFUSED = {
    "AccessDeniedException",
    "AccessDenied",
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "KMSAccessDeniedException",
    "MissingAuthenticationTokenException",
    "NotAuthorized",
    "OptInRequired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_HELD = {"TransactionConflictException", "ReplicatedWriteConflictException"}
_NO_CREDENTIALS = (
    CredentialRetrievalError,
    NoAuthTokenError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)
_IN_TRANSACTION = "dynamodb:PutItem, UpdateItem, DeleteItem and ConditionCheckItem"


class Reason(NamedTuple):
    """Why one item cancelled a transaction; its code is "None" where it did not."""

    code: str
    message: str
    item: Item | None

    @property
    def unmet(self) -> bool:
        return self.code == "ConditionalCheckFailed"


def reasons(error: ClientError) -> list[Reason]:
    """One for each item of a cancelled transaction; none where it was no cancellation."""
    return [
        Reason(one.get("Code") or "None", one.get("Message") or "", one.get("Item"))
        for one in error.response.get("CancellationReasons", [])
    ]


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "no code"))


def is_unmet(error: ClientError) -> bool:
    """Whether the condition of a write did not hold."""
    return code_of(error) == "ConditionalCheckFailedException"


def is_held(error: ClientError) -> bool:
    """Whether a transaction of somebody else had the item; nothing was written."""
    codes = {reason.code for reason in reasons(error)}
    return code_of(error) in _HELD or "TransactionConflict" in codes


def is_too_large(error: ClientError) -> bool:
    """Whether the item, or one of them, would have passed ITEM_BYTES; nothing was written."""
    message = str(error.response.get("Error", {}).get("Message", ""))
    told = [message, *(reason.message for reason in reasons(error))]
    return any("Item size" in message for message in told)


def translated(error: Exception, action: str, table: str) -> SessionError:
    what = f"{action} in the table {table!r}"
    if isinstance(error, ClientError):
        return _of_the_service(error, what)
    if isinstance(error, ConnectTimeoutError | ReadTimeoutError):
        return StoreTimeout(f"{what}: DynamoDB did not answer in time")
    if isinstance(error, _NO_CREDENTIALS):
        return AccessDenied(
            f"{what}: no AWS credentials were found where boto3 looks for them"
            f" ({type(error).__name__})"
        )
    if isinstance(error, BotoCoreError):
        return StoreUnavailable(f"{what}: DynamoDB cannot be reached ({type(error).__name__})")
    return StoreUnavailable(f"{what}: {type(error).__name__}")


def _of_the_service(error: ClientError, what: str) -> SessionError:
    code = code_of(error)
    call = (
        _IN_TRANSACTION
        if error.operation_name == "TransactWriteItems"
        else f"dynamodb:{error.operation_name}"
    )
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    refused = _REFUSED & {code, *(reason.code for reason in reasons(error))}
    if refused:
        return AccessDenied(
            f"{what} is refused ({min(refused)}): the credentials must be valid and allow {call}"
        )
    if code == "ResourceNotFoundException":
        return ConfigurationError(
            f"{what}: there is no such table in this region and account; create it with the"
            " partition key 'id', a string, or by the store's provision()"
        )
    if is_too_large(error):
        return SessionTooLarge(f"{what}: an item takes {ITEM_BYTES} bytes at most")
    if is_held(error):
        return Conflict(f"{what}: others kept writing to it ({code})")
    if code == "ValidationException" and status < 500:
        return ConfigurationError(
            f"{what} is refused ({code}): is its only key the partition key 'id', a string?"
        )
    return StoreUnavailable(f"{what}: DynamoDB answered {code}")
