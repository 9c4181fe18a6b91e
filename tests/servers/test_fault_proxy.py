"""The fault proxy itself, between a plain HTTP client and a plain HTTP server."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from servers.fault_proxy import FaultProxy, fault_proxy
from servers.faults import Fault, Traffic, http_answer
from servers.lockstep import speak_http
from servers.process import HOST, reserved_port
from support.waiting import wait_until

PATIENCE = 20.0
HANGS = 0.3


class Echo(ThreadingHTTPServer):
    """Answers with the body it got, and keeps what it carried out."""

    def __init__(self) -> None:
        super().__init__((HOST, 0), EchoHandler)
        self.carried_out: list[bytes] = []


class EchoHandler(BaseHTTPRequestHandler):
    server: Echo
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.carried_out.append(body)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        """In chunks; with /once, until the connection ends."""
        self.send_response(200)
        if self.path == "/once":
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"all of it")
        else:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"3\r\none\r\n5;why=not\r\n\r\ntwo\r\n0\r\nTrailer: x\r\n\r\n")

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # its name there
        """Say nothing."""


@pytest.fixture
def echo() -> Iterator[Echo]:
    with Echo() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[FaultProxy]:
    with fault_proxy(echo.server_port, speak_http) as proxy:
        yield proxy


@contextmanager
def client_of(proxy: FaultProxy, timeout: float = PATIENCE) -> Iterator[http.client.HTTPConnection]:
    with closing(http.client.HTTPConnection(HOST, proxy.port, timeout=timeout)) as client:
        yield client


def post(client: http.client.HTTPConnection, body: bytes = b"body") -> tuple[int, bytes]:
    client.request("POST", "/", body)
    response = client.getresponse()
    return response.status, response.read()


def test_requests_pass_on_one_connection(proxy: FaultProxy, echo: Echo) -> None:
    bodies = [b"", b"one", bytes(3_000_000), b"two"]
    with client_of(proxy) as client:
        assert [post(client, body) for body in bodies] == [(200, body) for body in bodies]
    assert echo.carried_out == bodies


def test_every_shape_of_answer_passes_whole(proxy: FaultProxy) -> None:
    with client_of(proxy) as client:
        for method, path, body in (
            ("GET", "/", b"one\r\ntwo"),
            ("HEAD", "/", b""),
            ("GET", "/", b"one\r\ntwo"),
            ("GET", "/once", b"all of it"),
            ("HEAD", "/", b""),
        ):
            client.request(method, path)
            assert client.getresponse().read() == body


def test_requests_sent_without_waiting_are_answered_in_turn(proxy: FaultProxy) -> None:
    request = b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n%d"
    with socket.create_connection((HOST, proxy.port), PATIENCE) as client:
        client.sendall(b"".join(request % number for number in range(3)))
        answers = b""
        while not answers.endswith(b"2"):
            answers += client.recv(65536)
    assert [part[-1:] for part in answers.split(b"HTTP/1.1")[1:]] == [b"0", b"1", b"2"]


@pytest.mark.parametrize(
    ("fault", "carried_out"), [(Fault.CUT_REQUEST, []), (Fault.LOSE_REPLY, [b"body"])]
)
def test_a_connection_is_cut_before_or_after_the_server_has_acted(
    proxy: FaultProxy, echo: Echo, fault: Fault, carried_out: list[bytes]
) -> None:
    proxy.inject(fault)
    with client_of(proxy) as client:
        with pytest.raises(http.client.RemoteDisconnected):
            post(client)
        assert echo.carried_out == carried_out
        client.close()
        assert post(client) == (200, b"body")


@pytest.mark.parametrize(
    ("fault", "carried_out"), [(Fault.HANG, []), (Fault.HANG_AFTERWARDS, [b"body"])]
)
def test_a_request_hangs_before_or_after_the_server_has_acted(
    proxy: FaultProxy, echo: Echo, fault: Fault, carried_out: list[bytes]
) -> None:
    proxy.inject(fault)
    with client_of(proxy, timeout=HANGS) as client, pytest.raises(TimeoutError):
        post(client)
    wait_until(lambda: echo.carried_out == carried_out)
    with client_of(proxy) as client:
        assert post(client) == (200, b"body")
    assert echo.carried_out == [*carried_out, b"body"]


def test_an_answer_is_given_in_the_servers_place(proxy: FaultProxy, echo: Echo) -> None:
    proxy.inject(http_answer(503, {"why": "none"}, {"Retry-After": "1"}))
    with client_of(proxy) as client:
        client.request("POST", "/", b"body")
        response = client.getresponse()
        assert (response.status, response.reason) == (503, "Service Unavailable")
        assert response.headers["Retry-After"] == "1"
        assert response.read() == b'{"why": "none"}'
        assert echo.carried_out == []
        assert post(client) == (200, b"body")


def test_what_is_injected_is_for_as_many_requests_as_said_and_for_those_that_match(
    proxy: FaultProxy, echo: Echo
) -> None:
    busy = proxy.inject(http_answer(429), times=2, when=lambda request: request.endswith(b"b"))
    broken = proxy.inject(http_answer(500), times=None, when=lambda request: b"c" in request[-3:])
    with client_of(proxy) as client:
        statuses = [post(client, body)[0] for body in (b"a", b"b", b"c", b"b", b"b", b"c")]
        assert statuses == [200, 429, 500, 429, 200, 500]
        assert (busy.hits, broken.hits) == (2, 2)
        proxy.heal()
        assert post(client, b"c") == (200, b"c")
    assert echo.carried_out == [b"a", b"b", b"c"]


def test_a_function_is_called_before_the_request_goes_on(proxy: FaultProxy, echo: Echo) -> None:
    proxy.inject(lambda: echo.carried_out.append(b"first"))
    with client_of(proxy) as client:
        assert post(client) == (200, b"body")
    assert echo.carried_out == [b"first", b"body"]


def test_it_refuses_and_later_takes_connections_again(proxy: FaultProxy, echo: Echo) -> None:
    with client_of(proxy) as client:
        post(client)
        with proxy.refusing():
            with pytest.raises(ConnectionError):
                post(client)
            client.close()
            with pytest.raises(ConnectionRefusedError):
                post(client)
        client.close()
        assert post(client, b"again") == (200, b"again")
    assert echo.carried_out == [b"body", b"again"]


def test_it_counts_requests_and_their_bytes_on_the_wire(proxy: FaultProxy) -> None:
    request = b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n0123456789"
    with socket.create_connection((HOST, proxy.port), PATIENCE) as client:
        client.sendall(request)
        client.recv(65536)
        before = proxy.traffic
        client.sendall(request)
        answer = client.recv(65536)
        while not answer.endswith(b"0123456789"):
            answer += client.recv(65536)
    assert proxy.traffic - before == Traffic(1, len(request), len(answer))


def test_a_server_that_is_gone_cuts_its_clients(echo: Echo) -> None:
    with (
        reserved_port() as port,
        fault_proxy(port, speak_http) as proxy,
        client_of(proxy) as client,
        pytest.raises(http.client.RemoteDisconnected),
    ):
        post(client)


def test_a_server_that_ends_an_idle_connection_ends_the_clients(proxy: FaultProxy) -> None:
    with socket.create_connection((HOST, proxy.port), PATIENCE) as client:
        client.sendall(b"GET /once HTTP/1.1\r\n\r\n")
        assert b"".join(iter(lambda: client.recv(65536), b"")).endswith(b"all of it")


def test_it_stops_with_a_request_hanging(proxy: FaultProxy) -> None:
    arrived = threading.Event()

    def noticed(_: bytes) -> bool:
        arrived.set()
        return True

    proxy.inject(Fault.HANG, when=noticed)
    with socket.create_connection((HOST, proxy.port), PATIENCE) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert arrived.wait(PATIENCE)
        with proxy.refusing():
            assert client.recv(1) == b""
