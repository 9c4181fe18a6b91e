"""The protocol of Redis, RESP2, as far as a client needs it."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any, Self

Argument = bytes | str | int


class Refused(Exception):
    """The server answered with an error; the message is its own."""


class Status(str):
    """A reply like OK that is no data of anybody's."""


class Connection:
    """One blocking connection. Replies are bytes, int, Status, None, and lists of them."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._replies = self._socket.makefile("rb")

    def call(self, *command: Argument) -> Any:
        """The reply to one command; raises Refused for an error."""
        reply = self.pipeline([command])[0]
        if isinstance(reply, Refused):
            raise reply
        return reply

    def pipeline(self, commands: Sequence[Sequence[Argument]]) -> list[Any]:
        """One reply for each command, errors among them as Refused."""
        self._socket.sendall(b"".join(map(encoded, commands)))
        return [self._read() for _ in commands]

    def close(self) -> None:
        self._replies.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _read(self) -> Any:
        line = self._replies.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the server closed the connection")
        kind, text = line[:1], line[1:-2]
        match kind:
            case b"+":
                return Status(text.decode())
            case b"-":
                return Refused(text.decode())
            case b":":
                return int(text)
            case b"$":
                return None if text == b"-1" else self._replies.read(int(text) + 2)[:-2]
            case b"*":
                return None if text == b"-1" else [self._read() for _ in range(int(text))]
        raise ConnectionError(f"a reply begins with {kind!r}")


def encoded(command: Sequence[Argument]) -> bytes:
    parts = [b"*%d\r\n" % len(command)]
    for argument in command:
        text = argument if isinstance(argument, bytes) else str(argument).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(text), text))
    return b"".join(parts)
