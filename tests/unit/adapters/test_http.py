"""The HTTP of the adapters without an SDK: connections kept, dropped, encrypted; no logs."""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from serverless_sessions import clock
from serverless_sessions.errors import (
    AccessDenied,
    ConfigurationError,
    SessionTooLarge,
    StoreTimeout,
    StoreUnavailable,
)
from serverless_sessions_adapters import _http
from servers.certificate import certificate_in
from servers.fault_proxy import FaultProxy, fault_proxy
from servers.faults import Fault, http_answer
from servers.lockstep import speak_http
from servers.process import HOST

SECRET = "hunter2"


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-client", str(self.client_address[1]))
        if self.path.startswith("/last"):
            self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def serving(certificate: tuple[Path, Path] | None = None) -> Iterator[int]:
    with ThreadingHTTPServer((HOST, 0), Echo) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    with serving() as port, fault_proxy(port, speak_http) as proxy:
        yield proxy


@pytest.fixture
def connections() -> Iterator[_http.Connections]:
    with closing(_http.Connections("The service")) as connections:
        yield connections


def post(connections: _http.Connections, proxy: FaultProxy, path: str = "/") -> _http.Answer:
    url = f"http://{HOST}:{proxy.port}{path}?token={SECRET}"
    return connections.send("POST", url, {"authorization": SECRET}, b"body")


def test_a_connection_is_kept(connections: _http.Connections, proxy: FaultProxy) -> None:
    answers = [post(connections, proxy) for _ in range(3)]
    assert {answer.body for answer in answers} == {b"body"}
    assert len({answer.headers["X-Client"] for answer in answers}) == 1


def test_a_connection_that_is_closed_is_not_kept(
    connections: _http.Connections, proxy: FaultProxy
) -> None:
    clients = {post(connections, proxy, "/last").headers["x-client"] for _ in range(3)}
    assert len(clients) == 3


def test_a_connection_dropped_meanwhile_is_not_noticed(
    connections: _http.Connections, proxy: FaultProxy
) -> None:
    post(connections, proxy)
    with proxy.refusing():
        pass
    assert post(connections, proxy).status == 200


def test_nothing_is_sent_twice_or_told(
    connections: _http.Connections, proxy: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    post(connections, proxy)
    lost = proxy.inject(Fault.LOSE_REPLY, times=None)
    with pytest.raises(StoreUnavailable, match="The service") as raised:
        post(connections, proxy)
    assert lost.hits == 1
    proxy.heal()
    moved = proxy.inject(http_answer(302, b"", {"location": f"http://{HOST}:{proxy.port}/"}))
    assert post(connections, proxy).status == 302
    assert moved.hits == 1
    assert SECRET not in repr((raised.value, raised.value.__cause__)) + caplog.text


def test_a_server_that_is_gone_or_hangs(connections: _http.Connections, proxy: FaultProxy) -> None:
    with proxy.refusing(), pytest.raises(StoreUnavailable, match="ConnectionRefusedError"):
        post(connections, proxy)
    with clock.call_limit(500):  # which the connection that is kept must forget
        post(connections, proxy)
    proxy.inject(Fault.HANG)
    with clock.call_limit(0.05), pytest.raises(StoreTimeout):
        post(connections, proxy)
    with clock.call_limit(0), pytest.raises(StoreTimeout):
        post(connections, proxy)
    assert post(connections, proxy).status == 200


def test_a_certificate_is_verified(
    connections: _http.Connections, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = certificate_in(tmp_path)
    with serving((files.certificate, files.key)) as port:
        url = f"https://{HOST}:{port}/"
        with pytest.raises(StoreUnavailable, match="SSLCertVerificationError"):
            connections.send("POST", url, {}, b"body")
        monkeypatch.setenv("SSL_CERT_FILE", str(files.certificate))
        with closing(_http.Connections("The service")) as trusting:
            clients = {trusting.send("POST", url, {}, b"body").headers["x-client"] for _ in "abc"}
            assert len(clients) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, AccessDenied), (403, AccessDenied), (413, SessionTooLarge), (500, StoreUnavailable)],
)
def test_statuses_in_our_terms(
    connections: _http.Connections, proxy: FaultProxy, status: int, error: type[Exception]
) -> None:
    proxy.inject(http_answer(status, {"message": SECRET}))
    refused = _http.refused(post(connections, proxy), "The service", "look at the token")
    assert type(refused) is error
    assert SECRET not in str(refused)


@pytest.mark.parametrize(
    "text",
    ["", "host", "ftp://host", "https://u:hunter2@host", "https://h?t=hunter2", "https://h h"],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^name must") as raised:
        _http.address(text, "name")
    assert SECRET not in str(raised.value)
