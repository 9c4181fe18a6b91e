"""An ASGI server that speaks to an application in this process, message by message."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from serverless_sessions import MemoryStore, SessionConfig
from serverless_sessions.handlers.asgi import SessionMiddleware
from serverless_sessions.testing.watched import WatchedStore

Message = dict[str, Any]
Act = Callable[[Any], Awaitable[None]]
NAME = "__Host-session"


class Turn:
    """What an application is given: its scope and session, and what to receive and send with."""

    def __init__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope = scope
        self.receive = receive
        self.pass_on = send
        self.session: Any = scope["session"]

    async def start(self, status: int = 200, *headers: tuple[bytes, bytes]) -> None:
        await self.send("http.response.start", status=status, headers=list(headers))

    async def body(self, body: bytes = b"", *, more: bool = False) -> None:
        await self.send("http.response.body", body=body, more_body=more)

    async def answer(self, status: int = 200, body: bytes = b"ok") -> None:
        await self.start(status)
        await self.body(body)

    async def send(self, kind: str, **fields: Any) -> None:
        await self.pass_on({"type": kind, **fields})


class Site:
    """An application behind the middleware, and the browser that visits it."""

    def __init__(self, **options: Any) -> None:
        self.memory = MemoryStore()
        self.store = WatchedStore(self.memory)
        self.options: dict[str, Any] = {"store": self.store, "config": SessionConfig(), **options}
        self.cookie = ""
        self.sent: list[Message] = []
        self.spec_version = "2.3"
        self.extensions: dict[str, Any] = {}

    def visit(self, act: Act, *cookie_lines: str) -> list[Message]:
        """What the server is sent when the application does ``act``."""
        return asyncio.run(self.request(act, *cookie_lines))

    async def request(self, act: Act, *cookie_lines: str) -> list[Message]:
        return await self.talk("http", act, cookie_lines, [{"type": "http.request", "body": b""}])

    def connect(self, act: Act, *received: Message) -> list[Message]:
        """As ``visit``, through a WebSocket on which the client sends ``received``."""
        return asyncio.run(self.socket(act, *received))

    async def socket(self, act: Act, *received: Message) -> list[Message]:
        return await self.talk("websocket", act, (), [{"type": "websocket.connect"}, *received])

    async def talk(
        self, kind: str, act: Act, cookie_lines: Iterable[str], received: list[Message]
    ) -> list[Message]:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await act(Turn(scope, receive, send))

        lines = list(cookie_lines) or ([self.cookie] if self.cookie else [])
        sent: list[Message] = []
        self.sent = sent
        waiting = list(received)

        async def receive() -> Any:
            return waiting.pop(0) if waiting else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)
            self._obey(message)

        await SessionMiddleware(app, **self.options)(self.scope(kind, lines), receive, send)
        return sent

    def scope(self, kind: str, cookie_lines: Iterable[str]) -> dict[str, Any]:
        return {
            "type": kind,
            "asgi": {"version": "3.0", "spec_version": self.spec_version},
            "method": "POST",
            "path": "/",
            "headers": [(b"cookie", line.encode("latin-1")) for line in cookie_lines],
            "extensions": self.extensions,
        }

    def _obey(self, message: Message) -> None:
        for line in headers_of(message, "set-cookie"):
            if line.startswith(f"{NAME}="):
                self.cookie = "" if "Max-Age=0" in line else line.partition(";")[0]

    def stored(self) -> dict[str, str]:
        """The keys and texts of all that is stored."""
        records = [record for _, record in self.memory.scan()]
        return {n: e.text for record in records for n, e in record.entries.items()}

    def sessions(self) -> int:
        return len(list(self.memory.scan()))

    def end_all(self) -> None:
        """Somebody else ends every session."""
        for key, _ in list(self.memory.scan()):
            self.memory.delete(key)


def headers_of(message: Message, name: str) -> list[str]:
    return [
        value.decode("latin-1")
        for given, value in message.get("headers", ())
        if given == name.encode()
    ]


def status(sent: list[Message]) -> int:
    return int(sent[0]["status"])


async def set_and_answer(turn: Turn) -> None:
    turn.session.set("a", 1)
    await turn.answer()


async def look(turn: Turn) -> None:
    await turn.answer(body=str(await turn.session.get("a")).encode())


def body(sent: list[Message]) -> bytes:
    return b"".join(message["body"] for message in sent if message["type"].endswith("body"))
