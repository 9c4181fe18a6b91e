"""Requests and responses between a WSGI server and the front door."""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from werkzeug.serving import WSGIRequestHandler

from ..testing.lambda_events import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MAX_BODY = 10 * 1024 * 1024
"""API Gateway's quota for a payload."""

_TARGET, _HEADERS = "serverless_sessions.target", "serverless_sessions.headers"
_METHOD = re.compile(r"[A-Za-z-]{1,20}")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_OWN = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})
_UNRESERVED = "/%!$&'()*+,;=:@~-._"


class Refused(Exception):
    """The front door answers by itself; the function is not called."""

    def __init__(self, response: HttpResponse) -> None:
        self.response = response
        super().__init__(response.status)


class RequestHandler(WSGIRequestHandler):
    """Keeps what WSGI would merge: every header line, and the target as it was sent."""

    def parse_request(self) -> bool:
        """Also answers 400 to a method that would write to the terminal, and to no url at all."""
        if not super().parse_request():
            return False
        if _METHOD.fullmatch(self.command) and _is_url(self.path):
            return True
        self.send_error(HTTPStatus.BAD_REQUEST)
        return False

    def make_environ(self) -> WSGIEnvironment:
        lines = [(name, _text(value)) for name, value in self.headers.items()]
        return {**super().make_environ(), _TARGET: self.path, _HEADERS: lines}

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """The gateway tells of each request, without its query."""


def read_request(environ: WSGIEnvironment) -> HttpRequest:
    """The request as it was on the wire. Raises Refused for a body that cannot be taken."""
    path, query = _path_and_query(environ[_TARGET])
    return HttpRequest(
        method=environ["REQUEST_METHOD"],
        path=path,
        query=query,
        headers=environ[_HEADERS],
        body=_body(environ),
        client=environ["REMOTE_ADDR"],
        scheme=environ["wsgi.url_scheme"],
    )


def printable_path(environ: WSGIEnvironment) -> str:
    """The path for people to read, without the query; it holds no control characters."""
    path = _path_and_query(environ[_TARGET])[0]
    return path if len(path) <= 200 else f"{path[:200]}…"


def is_sendable(response: HttpResponse) -> bool:
    """Whether the headers are ones that could go over the wire, and the status a final one."""
    texts = (text for pair in response.headers for text in pair)
    return response.status >= 200 and not any(_CONTROL.search(text) for text in texts)


def send(response: HttpResponse, method: str, start_response: StartResponse) -> list[bytes]:
    headers = [
        (name, value.encode().decode("latin-1"))
        for name, value in response.headers
        if name.lower() not in _OWN
    ]
    has_no_body = response.status in (204, 304)
    if not has_no_body:
        headers.append(("content-length", str(len(response.body))))
    start_response(f"{response.status} {_phrase(response.status)}", headers)
    return [] if has_no_body or method == "HEAD" else [response.body]


def _text(value: str) -> str:
    """A header as text: the server reads bytes as latin-1, AWS hands on UTF-8."""
    unfolded = value.replace("\r\n", "")
    try:
        return unfolded.encode("latin-1").decode()
    except UnicodeError:
        return unfolded


def _is_url(target: str) -> bool:
    try:
        urlsplit(target)
    except ValueError:
        return False
    return True


def _path_and_query(target: str) -> tuple[str, str]:
    if not target.startswith("/"):
        parts = urlsplit(target)
        target = f"{parts.path or '/'}?{parts.query}"
    path, _, query = target.partition("#")[0].partition("?")
    return _ascii(path), _ascii(query, "?")


def _ascii(text: str, more: str = "") -> str:
    return quote(text, safe=_UNRESERVED + more, encoding="latin-1", errors="replace")


def _body(environ: WSGIEnvironment) -> bytes:
    length = environ.get("CONTENT_LENGTH") or "0"
    if environ.get("wsgi.input_terminated"):
        length = str(MAX_BODY + 1)
    elif not (length.isascii() and length.isdigit()):
        raise _refusal(400, "Bad Request")
    elif int(length) > MAX_BODY:
        raise _refusal(413, "Request Entity Too Large")
    try:
        body = _read(environ["wsgi.input"].read, int(length))
    except OSError:
        raise _refusal(400, "Bad Request") from None
    if len(body) > MAX_BODY:
        raise _refusal(413, "Request Entity Too Large")
    return body


def _read(read: Callable[[int], Any], length: int) -> bytes:
    chunks: list[bytes] = []
    while length > 0 and (chunk := read(length)):
        chunks.append(chunk)
        length -= len(chunk)
    return b"".join(chunks)


def _refusal(status: int, message: str) -> Refused:
    body = f'{{"message":"{message}"}}'.encode()
    return Refused(HttpResponse(status, [("content-type", "application/json")], body))


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
