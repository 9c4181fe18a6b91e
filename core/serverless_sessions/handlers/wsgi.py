"""Sessions for WSGI applications (PEP 3333), whatever framework and server they run with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Unpack

from .. import current
from ..arrival import Request
from ..errors import SessionError
from ..headers import Headers
from ..invocation import Invocation
from ..manager import Options, SessionManager
from ..session import Session
from ._exchange import error_answer

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

KEY = "serverless_sessions.session"


class SessionMiddleware:
    """Gives each request a session, as ``environ["serverless_sessions.session"]`` and as
    ``current_session()``.

    The options are ``SessionManager``'s. The session is saved before the first byte leaves: the
    status and the headers wait until the application has made the first piece of the body that is
    not empty, or ended. From then on any use of the session raises SessionClosed. An error of
    the store until then is answered with 503 or 500 in the application's place. Raises
    ConfigurationError for a wrong setting.
    """

    def __init__(self, app: WSGIApplication, **options: Unpack[Options]) -> None:
        self.sessions = SessionManager(**options)
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        invocation = self.sessions.begin(request_of(environ))
        environ[KEY] = invocation.session
        answer = _Answer(invocation, start_response)
        body = _Body(invocation.session)
        try:
            with current.entered(invocation.session):
                body.iterable = self._app(environ, answer.start_response)
                if not _is_complete(body.iterable, environ):
                    body.look_ahead()
            answer.begin()
        except BaseException as error:
            answer.give_up()
            body.close()
            if answer.begun or not isinstance(error, SessionError):
                raise
            return self._refuse(environ, start_response, error, invocation)
        return body if body.looked_ahead else body.iterable

    def _refuse(
        self,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        error: SessionError,
        invocation: Invocation,
    ) -> list[bytes]:
        code, headers, phrase = error_answer(self.sessions.config, error, invocation.outcome())
        headers.append(("Content-Length", str(len(phrase))))
        start_response(f"{code} {HTTPStatus(code).phrase}", headers)
        return [] if environ.get("REQUEST_METHOD") == "HEAD" else [phrase.encode()]


def request_of(environ: WSGIEnvironment) -> Request:
    """What of a WSGI request can tell whose session it is.

    Servers join several Cookie lines, which no browser sends, with a comma. They are not split
    there: a comma may stand in any cookie's value, and that of another cookie, which another host
    of the site could have set, must not bring a session's id.
    """

    def lines(name: str) -> Iterator[str]:
        value = environ.get(f"HTTP_{name.upper().replace('-', '_')}")
        if value is not None:
            yield value

    return Request(lines, environ)


def _is_complete(body: Iterable[bytes], environ: WSGIEnvironment) -> bool:
    """Whether no code of the application makes the body: servers know what they get then, its
    length or a file to send, and are given it as it is."""
    wrapper = environ.get("wsgi.file_wrapper")
    return type(body) in (list, tuple) or (isinstance(wrapper, type) and isinstance(body, wrapper))


class _Answer:
    """Holds the application's status and headers back until the session is saved."""

    def __init__(self, invocation: Invocation, start_response: StartResponse) -> None:
        self.held: tuple[str, Headers] | None = None
        self.begun = False
        self._invocation = invocation
        self._start_response = start_response
        self._write: Callable[[bytes], object] | None = None
        self._error: SessionError | None = None
        self._finished = False

    def start_response(
        self, status: str, headers: Headers, exc_info: OptExcInfo | None = None, /
    ) -> Callable[[bytes], object]:
        """What the application calls. It may replace its answer until that has begun; after
        that the server raises what ``exc_info`` tells, as the headers are sent."""
        if self.begun:
            return self._start(status, headers, exc_info)
        if self.held is not None and exc_info is None:
            raise AssertionError("start_response was called again, without exc_info")
        self.held = status, list(headers)
        return self.write

    def write(self, data: bytes) -> None:
        if data:
            self.begin()
            assert self._write is not None
            self._write(data)

    def begin(self) -> None:
        """Save the session, and let the headers go. Raises SessionError, the same each time."""
        if self.begun:
            return
        if self._error is not None:
            raise self._error
        if self.held is None:
            raise AssertionError("the application sent a body before it called start_response")
        status, headers = self.held
        self._finished = True
        try:
            self._invocation.finish(failed=status.startswith("5"))
        except SessionError as error:
            self._error = error
            raise
        self._write = self._start(status, headers)
        self.begun = True

    def give_up(self) -> None:
        """The application raised: nothing is saved, but for log-outs."""
        if not self._finished:
            self._finished = True
            self._invocation.abandon()

    def _start(
        self, status: str, headers: Headers, exc_info: OptExcInfo | None = None
    ) -> Callable[[bytes], object]:
        headers = self._invocation.outcome().applied_to(headers)
        if exc_info is None:
            return self._start_response(status, headers)
        try:
            return self._start_response(status, headers, exc_info)
        finally:
            exc_info = None  # PEP 3333: no cycle through the traceback


class _Body:
    """The application's iterable, its first piece made already; the session is the current one
    while the rest is made."""

    def __init__(self, session: Session) -> None:
        self.iterable: Iterable[bytes] = ()
        self.looked_ahead = False
        self._session = session
        self._first = b""
        self._rest: Iterator[bytes] = iter(())

    def look_ahead(self) -> None:
        """Make the first piece that is not empty, if there is one."""
        self.looked_ahead = True
        self._rest = iter(self.iterable)
        self._first = next(filter(None, self._rest), b"")

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._first:
            first, self._first = self._first, b""
            return first
        with current.entered(self._session):
            return next(self._rest)

    def close(self) -> None:
        close: Any = getattr(self.iterable, "close", None)
        if close is not None:
            with current.entered(self._session):
                close()
