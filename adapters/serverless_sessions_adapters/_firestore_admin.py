"""What a Firestore database is told once for the sessions: its TTL policy and index exemptions.

The emulator has neither; nothing here is called for it. A database carries a change out in its own
time, up to hours, and ``findings`` tells how far it has come.
"""

from __future__ import annotations

from collections.abc import Callable
from shlex import quote
from typing import Any, TypeVar

from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import GoogleAuthError
from google.cloud.firestore_admin_v1 import Field, FirestoreAdminClient

from serverless_sessions import clock
from serverless_sessions.sansio import Asking
from serverless_sessions.store import Finding

from ._firestore_client import Location
from ._firestore_errors import translated

T = TypeVar("T")

TTL_FIELD = "expires_at"
UNINDEXED = ("v", "created", "abs", "exp", "expires_at")
"""Nobody asks for sessions by these. An index of ``v`` would cost a write for each session key,
and those of moments bound a collection to 500 writes a second ("Best practices")."""

_BOTH = (
    "`serverless-sessions provision` with the same SESSION_STORE, `terraform apply` of infra/gcp"
)
_TTL_STATES = (Field.TtlConfig.State.CREATING, Field.TtlConfig.State.ACTIVE)


def asking(act: Callable[[Any, Location], T], location: Location) -> Asking[T]:
    """``act`` with a client of the control plane, which is none of the store's."""
    client = opened(location)
    done: T = yield lambda _: act(client, location)
    return done


def opened(location: Location) -> Any:
    return FirestoreAdminClient(credentials=location.credentials)


def findings(client: Any, location: Location) -> list[Finding]:
    names = {"project": location.project, "database": location.database}
    where = " ".join(f"--{name}={quote(value or '')}" for name, value in names.items())
    of_group = f"--collection-group={location.collection} {where}"
    try:
        fields = {name: _read(client, location, name) for name in UNINDEXED}
    except (GoogleAPICallError, GoogleAuthError) as error:
        said = str(translated(error, f"looking at TTL policy and indexes of {location}"))
        return [Finding(False, said, "let an account with roles/datastore.indexAdmin check")]
    indexed = [name for name, found in fields.items() if found.index_config.indexes]
    removes = fields[TTL_FIELD].ttl_config.state in _TTL_STATES
    ttl = f"gcloud firestore fields ttls update {TTL_FIELD} {of_group} --enable-ttl"
    exemptions = "; ".join(
        f"gcloud firestore indexes fields update {name} {of_group} --disable-indexes"
        for name in indexed
    )
    return [
        Finding(
            removes,
            f"{location}: {'a' if removes else 'no'} TTL policy on {TTL_FIELD!r} removes what has"
            " ended",
            f"{_BOTH}, or this alone: `{ttl}`",
        ),
        Finding(
            not indexed,
            f"{location}: needless indexes of {', '.join(indexed) or 'no field'}",
            f"{_BOTH}, or these alone: `{exemptions}`",
        ),
    ]


def set_up(client: Any, location: Location) -> None:
    """Ask for the policy and the exemptions that are missing."""
    for name in UNINDEXED:
        found = _read(client, location, name)
        wanted, missing = Field(name=found.name), []
        if found.index_config.indexes:
            wanted.index_config = Field.IndexConfig()
            missing.append("index_config")
        if name == TTL_FIELD and found.ttl_config.state not in _TTL_STATES:
            wanted.ttl_config = Field.TtlConfig()
            missing.append("ttl_config")
        if missing:
            _write(client, wanted, *missing)


def take_down(client: Any, location: Location) -> None:
    """Ask for what a collection has by default."""
    for name in UNINDEXED:
        _write(client, Field(name=_name(location, name)), "index_config", "ttl_config")


def _read(client: Any, location: Location, name: str) -> Any:
    return client.get_field(name=_name(location, name), **_once())


def _write(client: Any, field: Any, *mask: str) -> None:
    client.update_field({"field": field, "update_mask": {"paths": mask}}, **_once())


def _once() -> dict[str, Any]:
    return {"retry": None, "timeout": clock.time_left()}


def _name(location: Location, field: str) -> str:
    return (
        f"projects/{location.project}/databases/{location.database}"
        f"/collectionGroups/{location.collection}/fields/{field}"
    )
