"""Azure Tables without a key: DefaultAzureCredential signs in, as the identity of a function app.

What App Service gives a function for that, a local endpoint in its environment, is played here.
"""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from serverless_sessions import clock, open_store
from serverless_sessions.errors import AccessDenied, StoreTimeout, StoreUnavailable
from serverless_sessions.store import DELETED, Record
from serverless_sessions.testing.cases.base import created, fresh_key, loaded, session, texts
from serverless_sessions_adapters import _azure_client
from serverless_sessions_adapters.azure_tables import AzureTablesStore
from servers.azure_sign_in import SelfMadeCredential
from servers.azurite import ACCOUNT, Azurite
from servers.process import HOST

AUDIENCE = "https://storage.azure.com"
PATIENCE = 30.0
"""Seconds, of which a call that waited for the identity would take any number."""


class IdentityEndpoint(ThreadingHTTPServer):
    """Gives a token for the asked resource to whoever knows the secret header."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Handler)
        self.asked_for: list[str] = []
        self.refuses = False
        self.may_answer = threading.Event()
        self.may_answer.set()


class _Handler(BaseHTTPRequestHandler):
    server: IdentityEndpoint

    def do_GET(self) -> None:
        resource = parse_qs(urlsplit(self.path).query)["resource"][0]
        self.server.asked_for.append(resource)
        self.server.may_answer.wait()
        knows_it = self.headers["X-IDENTITY-HEADER"] == "the header" and not self.server.refuses
        token, ends = SelfMadeCredential(resource).get_token()
        answer = {
            "access_token": token,
            "expires_on": str(ends),
            "resource": resource,
            "token_type": "Bearer",
        }
        body = json.dumps(answer if knows_it else {"statusCode": 400, "message": "no"}).encode()
        self.send_response(200 if knows_it else 400)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # its name there
        """Say nothing."""


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Iterator[IdentityEndpoint]:
    with IdentityEndpoint() as endpoint:
        thread = threading.Thread(target=endpoint.serve_forever, args=(0.01,))
        thread.start()
        url = f"http://{HOST}:{endpoint.server_port}/msi/token"
        monkeypatch.setenv("IDENTITY_ENDPOINT", url)
        monkeypatch.setenv("IDENTITY_HEADER", "the header")
        # A developer's own programs for signing in are not to be asked.
        monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
        yield endpoint
        endpoint.may_answer.set()
        endpoint.shutdown()
        thread.join()


@pytest.fixture
def store(
    identity: IdentityEndpoint, azurite_with_sign_in: Azurite, monkeypatch: pytest.MonkeyPatch
) -> Iterator[AzureTablesStore]:
    monkeypatch.delenv("AZURE_STORAGE_KEY", raising=False)
    trusting = {"connection_verify": str(azurite_with_sign_in.certificate)}
    monkeypatch.setattr(_azure_client, "_OPTIONS", {**_azure_client._OPTIONS, **trusting})
    store = open_store(
        f"azure-tables://{ACCOUNT}/signedin?endpoint={azurite_with_sign_in.endpoint}"
    )
    assert isinstance(store, AzureTablesStore)
    with closing(store):
        yield store


def test_an_identity_keeps_sessions(store: AzureTablesStore, identity: IdentityEndpoint) -> None:
    store.provision()
    key = created(store, session({"a": "1"}, user="ann"))
    assert texts(loaded(store, key)) == {"a": "1"}
    assert store.list_user("ann") == [key]
    assert store.delete(key) is DELETED
    assert identity.asked_for == [AUDIENCE]


def test_an_identity_keeps_sessions_awaited(
    store: AzureTablesStore, identity: IdentityEndpoint
) -> None:
    store.provision()
    native = store.native_async()
    assert native is not None

    async def keep() -> object:
        key = fresh_key()
        try:
            await native.create(key, session({"a": "1"}))
            found = await native.load(key)
            assert isinstance(found, Record)
            assert texts(found) == {"a": "1"}
            return await native.delete(key)
        finally:
            await native.close()

    assert asyncio.run(keep()) is DELETED
    gc.collect()  # what was left open says so
    assert identity.asked_for == [AUDIENCE] * 2


def test_an_identity_that_is_refused(store: AzureTablesStore, identity: IdentityEndpoint) -> None:
    identity.refuses = True
    with pytest.raises(AccessDenied, match="the table 'signedin': no identity could sign in"):
        store.load(fresh_key())


def test_no_wait_for_an_identity_outlasts_an_awaited_call(
    store: AzureTablesStore, identity: IdentityEndpoint
) -> None:
    identity.may_answer.clear()
    native = store.native_async()
    assert native is not None

    async def load() -> None:
        try:
            await native.load(fresh_key())
        finally:
            await native.close()

    with clock.call_limit(0.3), pytest.raises(StoreUnavailable):
        asyncio.run(load())


def test_a_wait_for_an_identity_ends_with_the_call(
    store: AzureTablesStore, identity: IdentityEndpoint
) -> None:
    identity.may_answer.clear()
    began = time.monotonic()
    with clock.call_limit(0.3), pytest.raises(StoreTimeout, match="sign in"):
        store.load(fresh_key())
    assert time.monotonic() - began < PATIENCE
