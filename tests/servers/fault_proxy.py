"""A proxy in front of a server that cuts, hangs, answers or refuses as a test tells it.

    with fault_proxy(moto_server.port, speak_http) as proxy:
        client = boto3.client("dynamodb", endpoint_url=f"http://127.0.0.1:{proxy.port}", ...)
        proxy.inject(Fault.LOSE_REPLY, when=lambda request: b"UpdateItem" in request)

What it is told holds for the next request that meets the condition, or for ``times`` of them. A
function in place of a fault is called before the request goes on to the server.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from servers.faults import Faults
from servers.link import Cut, Link
from servers.process import HOST, reserved_port

Speak = Callable[[Link], None]


@contextmanager
def fault_proxy(server_port: int, speak: Speak) -> Iterator[FaultProxy]:
    """In front of the server on ``server_port``: ``speak`` knows its protocol."""
    with reserved_port() as port:
        proxy = FaultProxy(port, server_port, speak)
        proxy.listen()
        try:
            yield proxy
        finally:
            proxy.stop()


class FaultProxy(Faults):
    def __init__(self, port: int, server_port: int, speak: Speak) -> None:
        super().__init__()
        self.port = port
        self._server_port = server_port
        self._speak = speak
        self._listener: socket.socket
        self._links: set[Link] = set()
        self._threads: list[threading.Thread] = []

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Connections are refused inside the block, and those that stand are cut."""
        self.stop()
        try:
            yield
        finally:
            self.listen()

    def listen(self) -> None:
        self._listener = socket.create_server((HOST, self.port), backlog=256)
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        for link in tuple(self._links):
            link.cut()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = Link(client, self._server_port, self)
            self._links.add(link)
            self._threads.append(threading.Thread(target=self._serve, args=(link,)))
            self._threads[-1].start()

    def _serve(self, link: Link) -> None:
        try:
            with contextlib.suppress(Cut):
                self._speak(link)
        finally:
            self._links.discard(link)
            link.cut()
            link.close()
