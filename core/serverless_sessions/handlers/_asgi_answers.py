"""What an ASGI application sends, held back until its session is saved."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from ..aio import AsyncInvocation
from ..config import SessionConfig
from ..driver import log_error
from ..errors import SessionError
from ..headers import Outcome
from ._exchange import error_answer

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

RAISES_WHEN_GONE = (2, 4)
"""The version of the specification since which ``send`` raises OSError for a client that left."""
TRY_AGAIN_LATER, INTERNAL_ERROR = 1013, 1011
"""Close codes of a WebSocket, in IANA's registry."""


class _Answer:
    """One answer. A refused one was given in the application's place: whatever that sends is
    dropped, and it is told that the client has gone, by the means of its server's version."""

    def __init__(
        self, invocation: AsyncInvocation, config: SessionConfig, scope: Scope, send: Send
    ) -> None:
        self._invocation = invocation
        self._config = config
        self._scope = scope
        self._send = send
        self._finished = False
        self._begun = False
        self._refused: OSError | None = None

    async def _finish(self, *, failed: bool) -> None:
        if not self._finished:
            self._finished = True
            await self._invocation.finish(failed=failed)

    async def _abandon(self) -> None:
        if not self._finished:
            self._finished = True
            await self._invocation.abandon()

    def _drop(self, refused: OSError) -> None:
        version = self._scope.get("asgi", {}).get("spec_version", "2.0")
        if tuple(int(part) for part in version.split(".")) >= RAISES_WHEN_GONE:
            raise refused

    def _is_echo(self, error: BaseException) -> bool:
        """Whether the application only passes on that the client has gone."""
        return self._refused is not None and self._refused in (error, error.__context__)

    async def _start(self, message: Message) -> None:
        try:
            await self._finish(failed=message["status"] >= 500)
        except SessionError as error:
            await self._refuse(error)
        else:
            self._begun = True
            await self._send(_carrying(self._invocation.outcome(), message))

    async def _refuse(self, error: SessionError) -> None:
        raise NotImplementedError

    async def _send_whole(self, kind: str, status: int, headers: Any, body: str) -> None:
        self._begun = True
        self._refused = OSError("the answer has been given in the application's place")
        headers = [*headers, ("Content-Length", str(len(body)))]
        await self._send({"type": f"{kind}.start", "status": status, "headers": _raw(headers)})
        await self._send({"type": f"{kind}.body", "body": body.encode()})


class HttpAnswer(_Answer):
    async def send(self, message: Message) -> None:
        if self._refused is not None:
            self._drop(self._refused)
        elif message["type"] == "http.response.start":
            await self._start(message)
        else:
            await self._send(message)

    async def ended(self) -> None:
        """The application is done. Without an answer the server makes one of its own, a 500."""
        await self._abandon()

    async def broken_off(self, error: BaseException) -> bool:
        """The application raised. Whether there is an answer to it, or the server has to see."""
        await self._abandon()
        if self._is_echo(error):
            return True
        if self._begun or not isinstance(error, SessionError):
            return False
        await self._refuse(error)
        return True

    async def _refuse(self, error: SessionError) -> None:
        answer = error_answer(self._config, error, self._invocation.outcome())
        await self._send_whole("http.response", *answer)


class SocketAnswer(_Answer):
    """The accept, and the close, wait until the session is saved."""

    def __init__(
        self,
        invocation: AsyncInvocation,
        config: SessionConfig,
        scope: Scope,
        send: Send,
        receive: Receive,
    ) -> None:
        super().__init__(invocation, config, scope, send)
        self._receive = receive
        self._client_left = False
        self._over = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self._client_left = True
        return message

    async def send(self, message: Message) -> None:
        if self._refused is not None:
            self._drop(self._refused)
        elif message["type"] == "websocket.accept":
            await self._accept(message)
        elif message["type"] == "websocket.close":
            await self._close(message)
        elif message["type"] == "websocket.http.response.start":
            await self._start(message)
        else:
            await self._pass_on(message)

    async def ended(self) -> None:
        """The application is done; where it has not closed the socket, the server does. One that
        was never accepted had no answer that could bring an id."""
        if not self._begun:
            await self._abandon()
            return
        try:
            await self._finish(failed=False)
        except SessionError as error:
            await self._refuse(error)

    async def broken_off(self, error: BaseException) -> bool:
        """The application raised. That its client has left is how most sockets end: what was
        changed until then is saved, as at a close."""
        if self._begun and self._client_left and isinstance(error, Exception):
            await self._save_what_is_left()
        else:
            await self._abandon()
        if self._is_echo(error):
            return True
        if not isinstance(error, SessionError):
            return False
        await self._refuse(error)
        return True

    async def _accept(self, message: Message) -> None:
        try:
            await self._invocation.accept()
        except SessionError as error:
            await self._abandon()
            await self._refuse(error)
        else:
            self._begun = True
            issued = self._invocation.outcome().issued
            if issued is not None:
                message = {**message, "headers": [*message.get("headers", ()), *_raw([issued])]}
            await self._pass_on(message)

    async def _close(self, message: Message) -> None:
        """A close tells no id: before an accept it is a 403 that the server writes."""
        self._invocation.life.source.one_way = True
        try:
            await self._finish(failed=False)
        except SessionError as error:
            await self._refuse(error)
        else:
            self._over = True
            await self._pass_on(message)

    async def _save_what_is_left(self) -> None:
        try:
            await self._finish(failed=False)
        except SessionError as error:
            log_error("the session could not be saved after the client had left", error)

    async def _refuse(self, error: SessionError) -> None:
        status, headers, body = error_answer(self._config, error, self._invocation.outcome())
        if self._client_left or self._over:
            return
        if not self._begun and "websocket.http.response" in self._scope.get("extensions", {}):
            await self._send_whole("websocket.http.response", status, headers, body)
            return
        self._refused = OSError("the socket has been closed in the application's place")
        code = TRY_AGAIN_LATER if status == 503 else INTERNAL_ERROR
        await self._send({"type": "websocket.close", "code": code, "reason": ""})

    async def _pass_on(self, message: Message) -> None:
        try:
            await self._send(message)
        except OSError:
            self._client_left = True
            raise


def _carrying(outcome: Outcome, message: Message) -> Message:
    """The start of an answer with the outcome's headers; the very same where there are none."""
    if not outcome:
        return message
    given = (
        (bytes(name).decode("latin-1"), bytes(value).decode("latin-1"))
        for name, value in message.get("headers", ())
    )
    return {**message, "headers": _raw(outcome.applied_to(given))}


def _raw(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
