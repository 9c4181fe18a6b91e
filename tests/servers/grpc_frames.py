"""gRPC through a fault proxy: HTTP/2 frames, held back and dropped call by call.

Everything passes as it comes but the frame that ends a call's request: what is to happen to the
call is decided there, since a server carries out no unary call before it has that frame, and
holding back more would stop a large request at HTTP/2's flow control.
"""

from __future__ import annotations

import threading
from typing import NamedTuple

from servers.faults import Answer, Fault, GrpcStatus
from servers.hpack import HeaderTable
from servers.link import Cut, Link, Stream

PREFACE = len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
DATA, HEADERS, RST_STREAM = 0, 1, 3
END_STREAM, END_HEADERS = 1, 4
CANCEL = 8


class Frame(NamedTuple):
    kind: int
    flags: int
    stream: int
    payload: bytes

    @property
    def ends_stream(self) -> bool:
        return self.kind in (DATA, HEADERS) and bool(self.flags & END_STREAM)

    def encoded(self) -> bytes:
        head = len(self.payload).to_bytes(3) + bytes((self.kind, self.flags))
        return head + self.stream.to_bytes(4) + self.payload


def speak_grpc(link: Link) -> None:
    _Calls(link).run()


class _Calls:
    """The calls of one connection, read by a thread for each direction."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._headers = HeaderTable()
        self._requests: dict[int, bytes] = {}
        self._unanswered: dict[int, Fault] = {}
        self._to_client = threading.Lock()

    def run(self) -> None:
        client = Stream(self._link.from_client)
        client.exactly(PREFACE)
        self._link.to_server(client.taken())
        replies = threading.Thread(target=self._pass_replies)
        replies.start()
        try:
            while True:
                self._pass_request(_read_frame(client))
        finally:
            self._link.cut()
            replies.join()

    def _pass_request(self, frame: Frame) -> None:
        known = self._requests.get(frame.stream, b"")
        if frame.kind == HEADERS:
            self._requests[frame.stream] = self._headers.decoded(frame.payload)[b":path"]
        elif frame.kind == DATA:
            self._requests[frame.stream] = known + frame.payload
        if frame.ends_stream:
            self._end_request(frame)
        else:
            self._link.to_server(frame.encoded())

    def _end_request(self, frame: Frame) -> None:
        match self._link.faults.treatment_of(self._requests.pop(frame.stream)):
            case None:
                pass
            case Fault.CUT_REQUEST:
                raise Cut
            case Fault.HANG:
                return
            case Fault() as fault:
                self._unanswered[frame.stream] = fault
            case GrpcStatus(code, message):
                self._answer(frame.stream, code, message)
                return
            case Answer():
                raise TypeError("a gRPC call is answered with a GrpcStatus")
            case action:
                action()
        self._link.to_server(frame.encoded())

    def _answer(self, stream: int, code: int, message: str) -> None:
        cancelled = Frame(RST_STREAM, 0, stream, CANCEL.to_bytes(4))
        self._link.to_server(cancelled.encoded())
        status = {"content-type": "application/grpc", "grpc-status": str(code)}
        payload = b"\x88" + b"".join(map(_literal, {**status, "grpc-message": message}.items()))
        with self._to_client:
            answer = Frame(HEADERS, END_STREAM | END_HEADERS, stream, payload)
            self._link.to_client(answer.encoded())

    def _pass_replies(self) -> None:
        server = Stream(self._link.from_server)
        try:
            while True:
                frame = _read_frame(server)
                fault = self._unanswered.get(frame.stream)
                if fault is None:
                    with self._to_client:
                        self._link.to_client(frame.encoded())
                elif fault is Fault.LOSE_REPLY and frame.ends_stream:
                    raise Cut
        except Cut:
            self._link.cut()


def _read_frame(stream: Stream) -> Frame:
    head = stream.exactly(9)
    payload = stream.exactly(int.from_bytes(head[:3]))
    stream.taken()
    return Frame(head[3], head[4], int.from_bytes(head[5:]), payload)


def _literal(field: tuple[str, str]) -> bytes:
    """A header that enters no table, so that the server's own headers keep their meaning."""
    return b"\x00" + b"".join(bytes((len(text),)) + text.encode() for text in field)
