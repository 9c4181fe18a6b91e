"""Sessions for ASGI applications, whatever framework and server they run with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Unpack

from .. import current
from ..aio import AsyncInvocation
from ..arrival import Request
from ..bridge import bridged
from ..errors import ConfigurationError
from ..manager import Options, SessionManager
from ._asgi_answers import App, HttpAnswer, Receive, Scope, Send, SocketAnswer

_IN_USE = "serverless_sessions.in_use"


class SessionMiddleware:
    """Gives each request and each WebSocket a session: ``scope["session"]``, which Starlette and
    FastAPI call ``request.session``, and ``current_async_session()``.

    It is an ``AsyncSession``; with ``mapping=True`` a ``Session`` that was read before the
    application is called, for code that uses ``request.session`` as a dict. The other options are
    ``SessionManager``'s. What starts the answer waits until the session is saved; from then on any
    use of it raises SessionClosed. An error of the store until then is answered with 503 or 500 in
    the application's place. Raises ConfigurationError for a wrong setting, and at the first request
    where a middleware round this one uses the same cookie or header.
    """

    def __init__(self, app: App, *, mapping: bool = False, **options: Unpack[Options]) -> None:
        self.sessions = SessionManager(**options)
        self._app = app
        self._mapping = mapping
        id_from = options.get("id_from")
        self._ids_in = self.sessions.config.cookie_name if id_from is None else id_from.name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        invocation = self.sessions.begin_async(request_of(scope))
        answer = HttpAnswer(invocation, self.sessions.config, scope, send)
        if self._mapping:
            await invocation.read_ahead()
        try:
            await self._call(invocation, scope, receive, answer.send)
        except BaseException as error:
            if not await answer.broken_off(error):
                raise
        else:
            await answer.ended()

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        invocation = self.sessions.begin_async(request_of(scope))
        answer = SocketAnswer(invocation, self.sessions.config, scope, send, receive)
        await invocation.read_ahead()
        try:
            await self._call(invocation, scope, answer.receive, answer.send)
        except BaseException as error:
            if not await answer.broken_off(error):
                raise
        else:
            await answer.ended()

    async def _call(
        self, invocation: AsyncInvocation, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Call the application. It gets this very scope, as what frameworks note in it is read
        further out."""
        outer: tuple[str, ...] = scope.get(_IN_USE, ())
        if self._ids_in in outer:
            raise ConfigurationError(
                f"SessionMiddleware stands within another one, and both use {self._ids_in};"
                " leave one out, or give one of them another cookie_name"
            )
        session = bridged(invocation)
        scope["session"] = session if self._mapping else invocation.session
        scope[_IN_USE] = (*outer, self._ids_in)
        try:
            with current.entered(invocation.session, session):
                await self._app(scope, receive, send)
        finally:
            scope[_IN_USE] = outer


def request_of(scope: Scope) -> Request:
    """What of an ASGI request can tell whose session it is."""

    def lines(name: str) -> Iterator[str]:
        for given, value in scope["headers"]:
            if given == name.encode():
                yield value.decode("latin-1")

    return Request(lines, scope)
