"""The socket that ``serve`` listens on."""

from __future__ import annotations

import socket

import click

_THIS_MACHINE = ("127.0.0.1", "::1", "0.0.0.0", "::")  # noqa: S104  (compared, not listened on)


class CannotListen(click.ClickException):
    exit_code = 2


def listen(host: str, port: int) -> socket.socket:
    """Raises CannotListen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0]
        raise CannotListen(
            f"cannot listen on {host}, port {port}: {reason}; --port 0 takes any free port"
        ) from None


def address(listener: socket.socket) -> str:
    """The address to open in a browser, which takes Secure cookies from http://localhost."""
    host, port = listener.getsockname()[:2]
    if host in _THIS_MACHINE:
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
