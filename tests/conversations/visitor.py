"""Somebody who talks to a front door, and writes down what comes back."""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from servers.process import HOST

COOKIE = "__Host-session"
PATIENCE = 30.0
_ISSUED = re.compile(rf"{COOKIE}=([A-Za-z0-9_-]{{43}})")
_FAILED = (500, 502)
"""A REST API and a load balancer say 502 of a function that failed, others 500."""
_SCOPE = {"path=/", "secure", "httponly", "samesite=lax"}

Headers = list[tuple[str, str]]


class Answer(NamedTuple):
    status: int
    headers: Headers
    body: str

    def values(self, name: str) -> list[str]:
        return [value for given, value in self.headers if given.lower() == name]


class Door(Protocol):
    """Sends a request through one front door; for any number of threads."""

    def send(self, method: str, path: str, headers: Headers) -> Answer: ...


class HttpDoor:
    """A front door that is a server of HTTP itself; its application is below ``prefix``."""

    def __init__(self, port: int, prefix: str = "") -> None:
        self._port = port
        self._prefix = prefix

    def send(self, method: str, path: str, headers: Headers) -> Answer:
        connection = http.client.HTTPConnection(HOST, self._port, timeout=PATIENCE)
        try:
            connection.putrequest(method, self._prefix + path)
            for name, value in [*headers, ("Content-Length", "0")]:
                connection.putheader(name, value.encode("latin-1"))
            connection.endheaders()
            answered = connection.getresponse()
            body = answered.read().decode()
            return Answer(answered.status, answered.getheaders(), body)
        finally:
            connection.close()


class Visitor:
    """Keeps the cookie; ``seen`` is what all tabs of this browser were answered."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.id: str | None = None
        self.seen: list[str] = []

    def get(self, path: str) -> None:
        self._talk("GET", path)

    def post(self, path: str) -> None:
        self._talk("POST", path)

    def post_at_once(self, paths: Sequence[str]) -> None:
        """As many tabs with the same cookie; the answers are written down in the paths' order."""
        answers: dict[str, Answer] = {}

        def send(path: str) -> None:
            answers[path] = self.door.send("POST", path, self._cookie())

        tabs = [threading.Thread(target=send, args=(path,)) for path in paths]
        for tab in tabs:
            tab.start()
        for tab in tabs:
            tab.join()
        for path in paths:
            self._note("POST", path, answers[path])

    def say(self, path: str, *cookie_lines: str) -> None:
        """Send these Cookie lines once, whatever cookie is kept."""
        answer = self.door.send("GET", path, [("Cookie", line) for line in cookie_lines])
        shown = [part for _, value in answer.headers for part in cookie_lines if part in value]
        assert not shown, "a cookie came back as it was sent"
        self._note("GET", path, answer)

    def _talk(self, method: str, path: str) -> None:
        self._note(method, path, self.door.send(method, path, self._cookie()))

    def _cookie(self) -> Headers:
        return [("Cookie", f"{COOKIE}={self.id}")] if self.id else []

    def _note(self, method: str, path: str, answer: Answer) -> None:
        told = [method, path, "->", str(500 if answer.status in _FAILED else answer.status)]
        if answer.status < 400:
            told.append(repr(answer.body))
        told += [f"to {location}" for location in answer.values("location")]
        told += [self._obeyed(line) for line in answer.values("set-cookie")]
        told += [f"retry after {seconds}" for seconds in answer.values("retry-after")]
        if answer.status < 500 or answer.values("retry-after"):
            told += answer.values("cache-control")
        told += [f"vary {field.lower()}" for field in answer.values("vary")]
        self.seen.append(" ".join(told))

    def _obeyed(self, line: str) -> str:
        pair, *attributes = [part.strip() for part in line.split(";")]
        scope = {attribute.lower() for attribute in attributes}
        if pair.rstrip('"').rstrip('="') == COOKIE:
            assert {"max-age=0", "expires=thu, 01 jan 1970 00:00:00 gmt"} | _SCOPE == scope
            self.id = None
            return "cleared"
        issued = _ISSUED.fullmatch(pair)
        assert issued, "the cookie is not ours"
        assert scope == _SCOPE
        self.id = issued[1]
        return "new id"


Conversation = Callable[[Visitor], None]
