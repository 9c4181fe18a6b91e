"""What FirestoreStore asks of the control plane, on a server of ours: the emulator has none."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from google.cloud.firestore_admin_v1 import (
    Field,
    FirestoreAdminClient,
    GetFieldRequest,
    Index,
    UpdateFieldRequest,
)
from google.cloud.firestore_admin_v1.services.firestore_admin.transports import (
    FirestoreAdminGrpcTransport,
)
from google.longrunning.operations_pb2 import Operation

from serverless_sessions.errors import AccessDenied, ConfigurationError
from serverless_sessions_adapters import _firestore_admin as admin
from serverless_sessions_adapters._firestore_client import (
    Firestore,
    Location,
    Snapshot,
    Write,
    Written,
)
from serverless_sessions_adapters.firestore import FirestoreStore

LOCATION = Location("visits", "shop-1", "eu-1", credentials="of somebody")
GROUP = "projects/shop-1/databases/eu-1/collectionGroups/visits/fields"


class ControlPlane:
    """Fields as a new database has them: all indexed, none with a TTL policy."""

    def __init__(self) -> None:
        self.fields: dict[str, Field] = {}
        self.updates: list[str] = []
        self.refusal: grpc.StatusCode | None = None

    def get(self, request: GetFieldRequest, context: Any) -> Field:
        if self.refusal is not None:
            context.abort(self.refusal, "a secret")
        default = Field(
            name=request.name, index_config=Field.IndexConfig(indexes=[Index(), Index()])
        )
        return self.fields.get(request.name, default)

    def update(self, request: UpdateFieldRequest, context: Any) -> Operation:
        mask = sorted(request.update_mask.paths)
        self.updates.append(f"{request.field.name}: {', '.join(mask)}")
        field = self.get(GetFieldRequest(name=request.field.name), context)
        if "index_config" in mask:
            field.index_config = request.field.index_config
        if "ttl_config" in mask:
            state = Field.TtlConfig.State.CREATING if "ttl_config" in request.field else 0
            field.ttl_config = Field.TtlConfig(state=state)
        self.fields[field.name] = field
        return Operation(name="operation")


@contextmanager
def serving(plane: ControlPlane) -> Iterator[FirestoreAdminClient]:
    server = grpc.server(ThreadPoolExecutor(1))
    methods = {
        "GetField": grpc.unary_unary_rpc_method_handler(
            plane.get, GetFieldRequest.deserialize, Field.serialize
        ),
        "UpdateField": grpc.unary_unary_rpc_method_handler(
            plane.update, UpdateFieldRequest.deserialize, Operation.SerializeToString
        ),
    }
    name = "google.firestore.admin.v1.FirestoreAdmin"
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(name, methods)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    try:
        yield FirestoreAdminClient(transport=FirestoreAdminGrpcTransport(channel=channel))
    finally:
        channel.close()
        server.stop(0).wait()


@pytest.fixture
def plane() -> ControlPlane:
    return ControlPlane()


@pytest.fixture
def client(plane: ControlPlane) -> Iterator[FirestoreAdminClient]:
    with serving(plane) as client:
        yield client


class AnsweringFirestore(Firestore):
    """A database in which nothing is, and everything is allowed."""

    def get(self, key: str, fields: Any = None) -> Snapshot | None:
        return None

    def read_time(self) -> float:
        return time.time()

    def commit(self, writes: Any) -> list[Written]:
        assert all(isinstance(write, Write) for write in writes)
        return []

    def keys_with(self, field: str, value: str) -> list[str]:
        return []

    def page(self, after: str | None, limit: int, fields: Any = None) -> list[Snapshot]:
        return []


@pytest.fixture
def store(client: FirestoreAdminClient, monkeypatch: pytest.MonkeyPatch) -> FirestoreStore:
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    monkeypatch.setattr(admin, "opened", lambda _: client)
    store = FirestoreStore(
        "visits", project="shop-1", database="eu-1", credentials=LOCATION.credentials
    )
    store.client = AnsweringFirestore(store.location)
    return store


def unmet(store: FirestoreStore) -> list[str]:
    return [finding.remedy for finding in store.check() if not finding.ok]


def test_a_new_collection_lacks_policy_and_exemptions(store: FirestoreStore) -> None:
    ttl, indexes = unmet(store)
    assert (
        "`gcloud firestore fields ttls update expires_at "
        "--collection-group=visits --project=shop-1 --database=eu-1 --enable-ttl`"
    ) in ttl
    assert all("`serverless-sessions provision`" in remedy for remedy in (ttl, indexes))
    assert "indexes fields update v --collection-group=visits" in indexes
    assert indexes.count("--disable-indexes") == len(admin.UNINDEXED)


def test_the_commands_are_ones_that_a_shell_takes(client: FirestoreAdminClient) -> None:
    in_the_default = Location("visits", "shop-1", "(default)", LOCATION.credentials)
    for finding in admin.findings(client, in_the_default):
        for command in finding.remedy.split("`")[-2].split("; "):
            assert "--database=(default)" in shlex.split(command)
            assert "'(default)'" in command


def test_provision_asks_for_what_is_missing_and_no_more(
    store: FirestoreStore, plane: ControlPlane
) -> None:
    plane.fields[f"{GROUP}/v"] = Field(name=f"{GROUP}/v")
    store.provision()
    assert plane.updates == [
        f"{GROUP}/created: index_config",
        f"{GROUP}/abs: index_config",
        f"{GROUP}/exp: index_config",
        f"{GROUP}/expires_at: index_config, ttl_config",
    ]
    assert unmet(store) == []
    store.provision()
    assert len(plane.updates) == 4


def test_deprovision_undoes_it(store: FirestoreStore, plane: ControlPlane) -> None:
    store.provision()
    plane.updates.clear()
    store.deprovision()
    assert plane.updates == [
        f"{GROUP}/{name}: index_config, ttl_config" for name in admin.UNINDEXED
    ]
    assert plane.fields[f"{GROUP}/expires_at"].ttl_config.state == 0


def test_who_may_not_look_is_told_so(store: FirestoreStore, plane: ControlPlane) -> None:
    plane.refusal = grpc.StatusCode.PERMISSION_DENIED
    findings = store.check()
    assert [finding.ok for finding in findings] == [True, True, True, True, False]
    assert "roles/datastore.indexAdmin" in findings[-1].remedy
    assert "secret" not in findings[-1].what


def test_who_may_not_provision_is_told_so(store: FirestoreStore, plane: ControlPlane) -> None:
    plane.refusal = grpc.StatusCode.PERMISSION_DENIED
    with pytest.raises(AccessDenied, match="setting up the collection"):
        store.provision()


@pytest.mark.parametrize(
    ("request_name", "remedy"),
    [("get", "roles/datastore.user"), ("commit", "roles/datastore.user"), ("keys_with", "who")],
)
def test_a_permission_that_is_missing_is_found(
    store: FirestoreStore, monkeypatch: pytest.MonkeyPatch, request_name: str, remedy: str
) -> None:
    def refuse(*_: object) -> None:
        raise AccessDenied("refused")

    store.provision()
    monkeypatch.setattr(store.client, request_name, refuse)
    (found,) = unmet(store)
    assert remedy in found


def test_no_permission_mends_that_there_is_no_database(
    store: FirestoreStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ConfigurationError("there is no such project or database")

    for request_name in ("get", "commit", "keys_with"):
        monkeypatch.setattr(store.client, request_name, refuse)
    (found,) = unmet(store)
    assert "infra/gcp" in found
    assert "?database=" in found
