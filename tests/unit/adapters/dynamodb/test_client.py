"""How the client is made and held to its time, and what it makes of damaged answers."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from binascii import crc32
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from serverless_sessions import clock, open_store
from serverless_sessions.errors import (
    AccessDenied,
    ConfigurationError,
    StoreTimeout,
    StoreUnavailable,
)
from serverless_sessions.store import Change, Entry, Facts, Record
from serverless_sessions.testing.cases.base import entries, session
from serverless_sessions_adapters._dynamodb_client import READ_SECONDS, is_aws
from serverless_sessions_adapters._dynamodb_items import record_item
from serverless_sessions_adapters.dynamodb import DynamoDBStore
from servers.process import reserved_port
from support.dynamodb import CREDENTIALS, client_of

KEY = "k" * 64


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of AWS but somebody's credentials, and no metadata service to ask."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


def opened(url: str) -> DynamoDBStore:
    store = open_store(url)
    assert isinstance(store, DynamoDBStore)
    return store


def test_credentials_that_nobody_gives_are_not_blamed_on_the_url(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    (tmp_path / "config").write_text("[default]\ncredential_process = false\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    with pytest.raises(AccessDenied, match="CredentialRetrievalError"):
        opened("dynamodb://sessions?region=eu-west-1")


@pytest.mark.parametrize(
    ("url", "table", "endpoint"),
    [
        ("dynamodb", "sessions", "https://dynamodb.eu-central-1.amazonaws.com"),
        ("dynamodb://", "sessions", "https://dynamodb.eu-central-1.amazonaws.com"),
        ("dynamodb://My_Table.v-2", "My_Table.v-2", "https://dynamodb.eu-central-1.amazonaws.com"),
        ("dynamodb://carts?region=eu-west-1", "carts", "https://dynamodb.eu-west-1.amazonaws.com"),
        ("dynamodb://carts?endpoint=http://127.0.0.1:8000", "carts", "http://127.0.0.1:8000"),
        ("dynamodb://carts?endpoint=http%3A%2F%2F[::1]:80", "carts", "http://[::1]:80"),
    ],
)
def test_a_url_names_table_and_endpoint(
    monkeypatch: pytest.MonkeyPatch, url: str, table: str, endpoint: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    store = opened(url)
    assert store.table == table
    assert store.client.meta.endpoint_url == endpoint
    assert repr(store) == f"DynamoDBStore({table!r})"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("dynamodb://ab?region=eu-west-1", "3 to 255"),
        ("dynamodb://a%20b?region=eu-west-1", "3 to 255"),
        ("dynamodb://carts/more?region=eu-west-1", "takes no path"),
        ("dynamodb://carts:80?region=eu-west-1", "takes no port"),
        ("dynamodb://key:secret@carts?region=eu-west-1", "takes no user"),
        ("dynamodb://carts?region=eu-west-1&table=x", "unknown parameter 'table'"),
        ("dynamodb://carts?region=eu%20west", "region and endpoint"),
        ("dynamodb://carts?region=eu-west-1&endpoint=127.0.0.1", "region and endpoint"),
        ("dynamodb://carts", "AWS_DEFAULT_REGION"),
    ],
)
def test_a_url_that_cannot_be_served_is_refused(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as refused:
        open_store(url)
    assert "secret" not in str(refused.value)
    assert "west" not in str(refused.value).replace("region=eu-west-1, or", "")


def test_half_of_the_credentials_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(ConfigurationError, match="AWS_SECRET_ACCESS_KEY"):
        open_store("dynamodb://carts?region=eu-west-1")


def test_a_profile_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "staging")
    with pytest.raises(ConfigurationError, match="staging"):
        open_store("dynamodb://carts?region=eu-west-1")


def test_without_credentials_every_call_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    store = opened("dynamodb://carts?region=eu-west-1")
    for _ in range(2):
        with pytest.raises(AccessDenied, match=r"'carts'.*credentials"):
            store.load(KEY)


def test_the_client_sends_a_request_once() -> None:
    config = opened("dynamodb://carts?region=eu-west-1").client.meta.config
    assert config.retries == {"total_max_attempts": 1, "mode": "standard"}
    assert config.tcp_keepalive
    assert config.max_pool_connections >= 16


@pytest.mark.parametrize(
    ("url", "real"),
    [
        ("dynamodb://carts?region=eu-west-1", True),
        ("dynamodb://carts?region=cn-north-1", True),
        ("dynamodb://carts?region=us-gov-west-1", True),
        ("dynamodb://carts?region=eu-west-1&endpoint=http://localhost:8000", False),
        ("dynamodb://carts?region=eu-west-1&endpoint=https://amazonaws.com.example", False),
    ],
)
def test_the_real_dynamodb_is_known_by_its_endpoint(url: str, real: bool) -> None:
    assert is_aws(opened(url).client) is real


class Server(socketserver.ThreadingTCPServer):
    """Reads one request a connection, sends its answer, and hangs up or does not."""

    daemon_threads = True
    answer: bytes = b""
    hangs = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.over = threading.Event()
        self.requests = 0


class Handler(socketserver.StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        length = 0
        while line := self.rfile.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        self.rfile.read(length)
        self.server.requests += 1
        self.wfile.write(self.server.answer)
        self.wfile.flush()
        if self.server.hangs:
            self.server.over.wait()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def store(server: Server) -> Iterator[DynamoDBStore]:
    with client_of(f"http://127.0.0.1:{server.server_address[1]}") as client:
        yield DynamoDBStore(client, "carts")


def http(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def whole(body: bytes, *, status: str = "200 OK") -> bytes:
    checked = f"x-amz-crc32: {crc32(body)}"
    return http(body, f"Content-Length: {len(body)}", checked, status=status)


def found() -> bytes:
    facts = Facts("handle", created=1, absolute=2**40)
    item = record_item(KEY, Record({"name": Entry("text")}, facts, idle=2**40), "rev")
    return json.dumps({"Item": item}).encode()


@pytest.mark.parametrize("answered", [b"", whole(found())[:40], whole(found())[:-1]])
def test_a_server_that_hangs_is_left_when_the_call_has_no_time(
    server: Server, store: DynamoDBStore, answered: bytes
) -> None:
    server.answer, server.hangs = answered, True
    asking: list[Callable[[], object]] = [
        lambda: store.load(KEY),
        lambda: store.update(KEY, Change(set=entries(a="1"))),
        lambda: store.create(KEY, session(user="ann")),
    ]
    for ask in asking:
        began = time.monotonic()
        with clock.call_limit(0.1), pytest.raises(StoreTimeout, match="'carts'"):
            ask()
        assert time.monotonic() - began < READ_SECONDS


def test_a_call_without_time_asks_nothing(server: Server, store: DynamoDBStore) -> None:
    with clock.call_limit(0), pytest.raises(StoreTimeout):
        store.load(KEY)
    assert server.requests == 0


def test_a_whole_answer_is_believed(server: Server, store: DynamoDBStore) -> None:
    server.answer = whole(found())
    assert store.load(KEY) is not None
    body = found()
    server.answer = http(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body), "Transfer-Encoding: chunked")
    assert store.load(KEY) is not None
    server.answer = whole(b"{}")
    assert store.load(KEY) is None


@pytest.mark.parametrize("length", range(0, len(whole(found())), 23))
def test_an_answer_that_is_cut_off_is_no_answer(
    server: Server, store: DynamoDBStore, length: int
) -> None:
    server.answer = whole(found())[:length]
    with pytest.raises(StoreUnavailable):
        store.load(KEY)


DAMAGED = {
    "altered": whole(found()).replace(b'"text"', b'"tEXt"'),
    "no JSON": http(b"<html>Log in to the network</html>"),
    "nothing": http(b"", "Content-Length: 0"),
    "cut, without length": http(found()[:-1]),
    "a proxy's error": http(b"<html>Bad Gateway</html>", status="502 Bad Gateway"),
    "an empty error": http(b"", "Content-Length: 0", status="503 Service Unavailable"),
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
}


@pytest.mark.parametrize("answer", DAMAGED.values(), ids=DAMAGED)
def test_what_is_no_answer_of_dynamodb_is_never_an_empty_session(
    server: Server, store: DynamoDBStore, answer: bytes
) -> None:
    server.answer = answer
    with pytest.raises(StoreUnavailable, match="loading a session in the table 'carts'") as raised:
        store.load(KEY)
    assert "text" not in str(raised.value)


def test_nobody_listens() -> None:
    with reserved_port() as port, client_of(f"http://127.0.0.1:{port}") as client:
        store = DynamoDBStore(client, "carts")
        with pytest.raises(StoreUnavailable, match=r"'carts'.*EndpointConnectionError"):
            store.load(KEY)
