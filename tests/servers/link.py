"""A client's connection to a fault proxy, and the connection to the server behind it."""

from __future__ import annotations

import contextlib
import selectors
import socket
from collections.abc import Callable

from servers.faults import Faults
from servers.process import HOST


class Cut(Exception):
    """One of the two sides is gone, or is to go."""


class Link:
    """Both sockets; whoever reads an end, or fails to write, gets Cut."""

    def __init__(self, client: socket.socket, server_port: int, faults: Faults) -> None:
        self.faults = faults
        self._client = client
        self._server_port = server_port
        self._server: socket.socket | None = None
        self._is_cut = False

    def from_client(self) -> bytes:
        received = _received(self._client)
        self.faults.count(sent=len(received))
        return received

    def to_client(self, data: bytes) -> None:
        self.faults.count(received=len(data))  # first: whoever has the reply finds it counted
        _send(self._client, data)

    def from_server(self) -> bytes:
        return _received(self._connected())

    def to_server(self, data: bytes) -> None:
        _send(self._connected(), data)

    def wait_for_client(self) -> None:
        """Until the client sends something; Cut when the server hangs up on it meanwhile."""
        sides = [side for side in (self._client, self._server) if side is not None]
        with selectors.DefaultSelector() as selector:
            for side in sides:
                selector.register(side, selectors.EVENT_READ)
            ready = {key.fileobj for key, _ in selector.select()}
        if self._client not in ready:
            raise Cut

    def hang(self) -> None:
        """Until the client gives up, whatever it sends."""
        while True:
            self.from_client()

    def cut(self) -> None:
        """Any thread may: it wakes the one that reads, which closes the sockets."""
        self._is_cut = True
        for side in (self._client, self._server):
            if side is not None:
                with contextlib.suppress(OSError):
                    side.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for side in (self._client, self._server):
            if side is not None:
                side.close()

    def _connected(self) -> socket.socket:
        if self._server is None:
            try:
                self._server = socket.create_connection((HOST, self._server_port))
            except OSError:
                raise Cut from None
            self._server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._is_cut:
                raise Cut
        return self._server


class Stream:
    """Reads one side by lines and lengths, and keeps the bytes until they are taken."""

    def __init__(self, receive: Callable[[], bytes]) -> None:
        self._receive = receive
        self._held = bytearray()
        self._read = 0

    @property
    def has_more(self) -> bool:
        return len(self._held) > self._read

    def line(self) -> bytes:
        """Up to the next CRLF, without it."""
        while (end := self._held.find(b"\r\n", self._read)) < 0:
            self._held += self._receive()
        start, self._read = self._read, end + 2
        return bytes(self._held[start:end])

    def exactly(self, count: int) -> bytes:
        while len(self._held) < self._read + count:
            self._held += self._receive()
        start, self._read = self._read, self._read + count
        return bytes(self._held[start : self._read])

    def rest(self) -> None:
        """All that comes until the other side closes."""
        with contextlib.suppress(Cut):
            while True:
                self._held += self._receive()
        self._read = len(self._held)

    def taken(self) -> bytes:
        """All that was read since the last call."""
        taken, self._held, self._read = bytes(self._held[: self._read]), self._held[self._read :], 0
        return taken


def _received(side: socket.socket) -> bytes:
    try:
        data = side.recv(65536)
    except OSError:
        raise Cut from None
    if not data:
        raise Cut
    return data


def _send(side: socket.socket, data: bytes) -> None:
    try:
        side.sendall(data)
    except OSError:
        raise Cut from None
