"""What the Firestore SDK raises, in terms of ours."""

from __future__ import annotations

from google.api_core.exceptions import (
    DeadlineExceeded,
    FailedPrecondition,
    Forbidden,
    GoogleAPICallError,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    ServiceUnavailable,
    Unauthenticated,
)
from google.auth.exceptions import GoogleAuthError, TransportError

from serverless_sessions.errors import (
    AccessDenied,
    ConfigurationError,
    SessionError,
    SessionTooLarge,
    StoreTimeout,
    StoreUnavailable,
)

DOCUMENT_BYTES = 1_048_576
"""Of one document at most; "Quotas and limits" in Firestore's documentation."""


def is_too_large(error: Exception) -> bool:
    """Whether Firestore refused a write for its size; no other mark tells it than the text."""
    said = str(error)
    return isinstance(error, (InvalidArgument, ResourceExhausted)) and any(
        mark in said for mark in ("size", "longer than", "too big", "too many index")
    )


def translated(error: Exception, what: str) -> SessionError:
    """What the SDK's ``error`` is in our terms. Its text is never shown: it may name values."""
    name = type(error).__name__
    if is_too_large(error):
        return SessionTooLarge(
            f"{what}: a document of Firestore holds {DOCUMENT_BYTES} bytes ({name})"
        )
    match error:
        case DeadlineExceeded():
            return StoreTimeout(f"{what}: Firestore did not answer in time")
        case Forbidden() | Unauthenticated():
            return AccessDenied(
                f"{what}: refused ({name}); the function's account needs roles/datastore.user"
            )
        case NotFound():
            return ConfigurationError(
                f"{what}: there is no such project or database; create it with "
                "`gcloud firestore databases create --location=LOCATION`"
            )
        case FailedPrecondition():
            return ConfigurationError(
                f"{what}: refused ({name}); the database must be in native mode and index the "
                "field 'who'"
            )
        case ServiceUnavailable() if "metadata from plugin failed" in str(error):
            return AccessDenied(f"{what}: the credentials cannot be refreshed")
        case GoogleAPICallError():
            return StoreUnavailable(f"{what}: Firestore failed ({name})")
        case TransportError():
            return StoreUnavailable(f"{what}: Google's sign-in service cannot be reached")
        case GoogleAuthError():
            return AccessDenied(f"{what}: no usable credentials of Google Cloud ({name})")
        case _:
            return StoreUnavailable(f"{what}: {name}")
