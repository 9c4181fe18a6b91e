"""What a test can tell a fault proxy to do with a request, and what passed through it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from typing import NamedTuple

Predicate = Callable[[bytes], bool]
Action = Callable[[], object]


class Fault(Enum):
    CUT_REQUEST = auto()
    """The connection ends before the server has the request."""
    LOSE_REPLY = auto()
    """The server carries the request out, and the connection ends before the answer."""
    HANG = auto()
    """Nothing reaches the server, and no answer ever comes."""
    HANG_AFTERWARDS = auto()
    """The server carries the request out, and no answer ever comes."""


@dataclass(frozen=True)
class Answer:
    """Sent in the server's place, byte for byte."""

    text: bytes


@dataclass(frozen=True)
class GrpcStatus:
    """The gRPC error that a call ends with, in the server's place."""

    code: int
    message: str = ""


def http_answer(
    status: int, body: bytes | object = b"", headers: Mapping[str, str] | None = None
) -> Answer:
    """An HTTP answer; a body that is not bytes becomes JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"Content-Type": "application/json", **(headers or {})}
    fields["Content-Length"] = str(len(content))
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return Answer("\r\n".join([*lines, "", ""]).encode() + content)


def redis_error(message: str) -> Answer:
    return Answer(f"-{message}\r\n".encode())


Treatment = Fault | Answer | GrpcStatus | Action


class Traffic(NamedTuple):
    """What clients sent and received since the proxy started, in bytes; TLS and TCP not counted."""

    requests: int = 0
    sent: int = 0
    received: int = 0

    def __sub__(self, earlier: Traffic) -> Traffic:
        return Traffic(*(now - then for now, then in zip(self, earlier, strict=True)))


class Injection:
    """A treatment for the next requests that meet a condition; ``hits`` counts those it had."""

    def __init__(self, treatment: Treatment, times: int | None, when: Predicate) -> None:
        self.treatment = treatment
        self.times = times
        self.when = when
        self.hits = 0

    def takes(self, request: bytes) -> bool:
        return (self.times is None or self.hits < self.times) and self.when(request)


class Faults:
    """The injections of one proxy, and its counters; for any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._injections: list[Injection] = []
        self._traffic = Traffic()

    @property
    def traffic(self) -> Traffic:
        with self._lock:
            return self._traffic

    def inject(
        self, treatment: Treatment, *, times: int | None = 1, when: Predicate = lambda _: True
    ) -> Injection:
        injection = Injection(treatment, times, when)
        with self._lock:
            self._injections.append(injection)
        return injection

    def heal(self) -> None:
        with self._lock:
            self._injections.clear()

    def treatment_of(self, request: bytes) -> Treatment | None:
        """What is to be done with a request, which is counted; None to pass it on."""
        with self._lock:
            self._traffic = self._traffic._replace(requests=self._traffic.requests + 1)
            for injection in self._injections:
                if injection.takes(request):
                    injection.hits += 1
                    return injection.treatment
        return None

    def count(self, *, sent: int = 0, received: int = 0) -> None:
        with self._lock:
            requests, before, after = self._traffic
            self._traffic = Traffic(requests, before + sent, after + received)
