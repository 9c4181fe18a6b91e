"""HTTP/1.1 and Redis' protocol through a fault proxy: a request, its reply, the next request."""

from __future__ import annotations

from collections.abc import Callable

from servers.faults import Answer, Fault, GrpcStatus
from servers.link import Cut, Link, Stream


def speak_http(link: Link) -> None:
    _speak(link, _read_http_request, _read_http_reply)


def speak_redis(link: Link) -> None:
    _speak(link, _read_redis_value, _read_redis_reply)


def _speak(
    link: Link,
    read_request: Callable[[Stream], object],
    read_reply: Callable[[Stream, bytes], object],
) -> None:
    client, server = Stream(link.from_client), Stream(link.from_server)

    def carried_out(request: bytes) -> bytes:
        link.to_server(request)
        read_reply(server, request)
        return server.taken()

    while True:
        if not client.has_more:
            link.wait_for_client()
        read_request(client)
        request = client.taken()
        match link.faults.treatment_of(request):
            case None:
                link.to_client(carried_out(request))
            case Fault.CUT_REQUEST:
                raise Cut
            case Fault.LOSE_REPLY:
                carried_out(request)
                raise Cut
            case Fault.HANG:
                link.hang()
            case Fault.HANG_AFTERWARDS:
                carried_out(request)
                link.hang()
            case Answer(text):
                link.to_client(text)
            case GrpcStatus():
                raise TypeError("a gRPC status is for speak_grpc")
            case action:
                action()
                link.to_client(carried_out(request))


def _read_http_request(stream: Stream) -> None:
    stream.line()
    _read_http_body(stream, _read_http_headers(stream))


def _read_http_reply(stream: Stream, request: bytes) -> None:
    status = int(stream.line().split()[1])
    headers = _read_http_headers(stream)
    if status < 200:
        _read_http_reply(stream, request)
    elif not request.startswith(b"HEAD ") and status not in (204, 304):
        if not headers.keys() & {"content-length", "transfer-encoding"}:
            stream.rest()
        _read_http_body(stream, headers)


def _read_http_headers(stream: Stream) -> dict[str, str]:
    headers = {}
    while line := stream.line():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    return headers


def _read_http_body(stream: Stream, headers: dict[str, str]) -> None:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        while size := int(stream.line().partition(b";")[0], 16):
            stream.exactly(size + len(b"\r\n"))
        _read_http_headers(stream)
    else:
        stream.exactly(int(headers.get("content-length", 0)))


def _read_redis_reply(stream: Stream, _: bytes) -> None:
    while _read_redis_value(stream) == b">":
        """What the server pushes comes between replies and is none."""


def _read_redis_value(stream: Stream) -> bytes:
    """Read one value of RESP2 or RESP3; its type."""
    line = stream.line()
    kind, text = line[:1], line[1:]
    if kind in b"$=!" and text != b"-1":
        stream.exactly(int(text) + len(b"\r\n"))
    elif kind in b"*~>%|" and text != b"-1":
        for _ in range(int(text) * (2 if kind in b"%|" else 1)):
            _read_redis_value(stream)
        if kind == b"|":
            return _read_redis_value(stream)
    return kind
