"""Makes ``flask.session`` a session of ours: ``Sessions(app)``."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Unpack, cast

import flask
from flask.sessions import SessionInterface, SessionMixin
from markupsafe import Markup

from .. import clock
from ..arrival import Request
from ..errors import ConfigurationError, SessionError
from ..headers import Headers, Outcome
from ..invocation import Invocation
from ..lifecycle import Lifecycle
from ..manager import Options, SessionManager
from ..session import Drive, Session
from ..store import RESERVED, Record
from ..values import codec
from ._exchange import error_answer
from .wsgi import request_of

if TYPE_CHECKING:
    from flask.wrappers import Response

KEY = "serverless_sessions.flask"
_PERMANENT = "_permanent"
_COOKIE_SETTINGS = ("NAME", "DOMAIN", "PATH", "SECURE", "PARTITIONED", "SAMESITE")


class FlaskSession(Session, SessionMixin):
    """A ``Session`` with what Flask's users know of theirs.

    What is changed inside a value is noticed, so ``modified`` need not be set. When the response
    is made, the session can still be read, as Flask's signals, teardowns and tests do; by a stream
    only if the view had read or changed it, as the response's headers say so.
    """

    invocation: Invocation
    again: Callable[[], Session]
    """Another look at the session that the request came with."""

    def __init__(self, life: Lifecycle, drive: Drive) -> None:
        super().__init__(life, drive)
        self.ended = False
        self._life = life
        self._wanted: bool | None = None
        self._shown: Mapping[str, Any] | None = None

    @property
    def new(self) -> bool:  # type: ignore[override]  # Flask's is a plain attribute
        """Whether no earlier request stored the session."""
        return self.info().is_new

    @property
    def permanent(self) -> bool:
        """Whether the cookie outlives the browser. The session itself ends when the
        configuration says. A change gives the session a new id, as its cookie is sent again."""
        if self._wanted is not None:
            return self._wanted
        return bool(self.get(_PERMANENT, False))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self._wanted = bool(value)

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(key, default) if self._shown is None else self._shown.get(key, default)

    def has(self, key: str) -> bool:
        return super().has(key) if self._shown is None else key in self._shown

    def __getitem__(self, key: str) -> Any:
        return super().__getitem__(key) if self._shown is None else self._shown[key]

    def __iter__(self) -> Iterator[str]:
        return super().__iter__() if self._shown is None else iter(self._shown)

    def __len__(self) -> int:
        return super().__len__() if self._shown is None else len(self._shown)

    def end(self, *, failed: bool, streamed: bool) -> Outcome:
        """Save before the response leaves. Raises SessionError."""
        if not failed:
            self._settle_permanence()
        life = self._life
        readable = not streamed or life.accessed or life.state.dirty
        if streamed and readable:
            life.accessed = True  # what the stream shows of it, no cache may show to others
        self.ended = True
        self.invocation.finish(failed=failed)
        if readable:
            known = _known(life)
            self._shown = known if known is not None else self.again()
        return self.invocation.outcome()

    def abandon(self) -> None:
        """No response was made: carry out log-outs alone."""
        if not self.ended:
            self.ended = True
            self.invocation.abandon()

    def _settle_permanence(self) -> None:
        """Applications ask for it with every request. That alone begins no session, and sends
        no cookie again."""
        life = self._life
        wanted = self._wanted
        changes = wanted is not None and bool(self.get(_PERMANENT, False)) is not wanted
        if changes and (len(self) or life.record is not None):
            self.set(_PERMANENT, wanted)
            if life.record is not None and life.source.vary == "Cookie":
                self.regenerate()
        known = life.record is not None or life.state.regenerating or life.state.binding
        if self._wanted or (known and self.permanent):
            life.persistent = True


class _Saved(Mapping[str, Any]):
    """What a record holds, decoded when it is asked for."""

    def __init__(self, life: Lifecycle, record: Record) -> None:
        now = clock.now()
        self._life = life
        self._entries = {
            name: entry
            for name, entry in record.entries.items()
            if entry.alive(now) and not name.startswith(RESERVED)
        }

    def __getitem__(self, key: str) -> Any:
        return self._life.decode(key, self._life.opened(key, self._entries[key]).text)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def _known(life: Lifecycle) -> Mapping[str, Any] | None:
    """What the session holds, where that is known without asking the store."""
    if life.record is not None:
        return _Saved(life, life.record)
    return {} if life.session_id is None else None


session = cast("FlaskSession", flask.session)
"""``flask.session``, for type checkers that are to know ``bind``, ``modify`` and the like."""


class Sessions(SessionInterface):
    """``Sessions(app)``, or ``Sessions()`` and ``init_app(app)`` later: ``flask.session`` is ours.

    The options are ``SessionManager``'s; ``trusted_id``'s function gets Flask's request. The
    session is saved before the response leaves; an error of the store becomes a 503 or 500,
    unless the application has an error handler of its own for it. Raises ConfigurationError for
    a wrong setting, and at a request where ``app.config`` says something else of the cookie than
    our settings, which alone count.
    """

    def __init__(self, app: flask.Flask | None = None, **options: Unpack[Options]) -> None:
        self.sessions = SessionManager(**options)
        codec.register(Markup, "markupsafe.Markup", str.__str__, Markup)
        if app is not None:
            self.init_app(app)

    def init_app(self, app: flask.Flask) -> None:
        app.session_interface = self
        app.register_error_handler(SessionError, self._answer)
        app.after_request(_own)
        app.teardown_request(_abandon)

    def open_session(self, app: flask.Flask, request: flask.Request) -> FlaskSession:
        self._refuse_other_settings(app)
        arrived = Request(request_of(request.environ).lines, request)
        invocation = self.sessions.begin(arrived)
        opened = invocation.seen_as(FlaskSession)
        opened.invocation = invocation
        opened.again = lambda: self.sessions.begin(arrived).session
        # The test client's session_transaction opens a second one, and ends it by itself.
        request.environ.setdefault(KEY, opened)
        return opened

    def save_session(self, app: flask.Flask, session: SessionMixin, response: Response) -> None:
        assert isinstance(session, FlaskSession)
        failed = response.status_code >= 500
        try:
            outcome = session.end(failed=failed, streamed=_is_made_later(response))
        except SessionError as error:
            self._replace(response, error, session.invocation.outcome())
        else:
            if outcome:
                _put_headers(response, outcome.applied_to(response.headers))

    def _answer(self, error: SessionError) -> Response:
        """The response to an error of the store that the application let pass."""
        status, headers, body = error_answer(self.sessions.config, error, Outcome())
        return flask.current_app.response_class(body, status, headers)

    def _replace(self, response: Response, error: SessionError, outcome: Outcome) -> None:
        status, headers, body = error_answer(self.sessions.config, error, outcome)
        close = getattr(response.response, "close", None)
        if close is not None:
            close()
        response.direct_passthrough = False
        response.status_code = status
        _put_headers(response, headers)
        response.set_data(body)

    def _refuse_other_settings(self, app: flask.Flask) -> None:
        config = self.sessions.config
        ours = {
            f"SESSION_COOKIE_{name}": getattr(config, f"cookie_{name.lower()}")
            for name in _COOKIE_SETTINGS
        }
        ours["SESSION_COOKIE_HTTPONLY"] = True
        ours["PERMANENT_SESSION_LIFETIME"] = timedelta(seconds=config.absolute_timeout)
        # Flask takes a number of seconds for a lifetime, too.
        given = {**app.config, "PERMANENT_SESSION_LIFETIME": app.permanent_session_lifetime}
        for name, value in ours.items():
            if given[name] not in (app.default_config[name], value):
                raise ConfigurationError(
                    f"app.config has {name} = {given[name]!r}, and the session has {value!r}."
                    " Flask's setting is not used: say it in a SessionConfig or in the environment"
                    " (PERMANENT_SESSION_LIFETIME is SESSION_ABSOLUTE_TIMEOUT there)"
                )


def _is_made_later(response: Response) -> bool:
    """Whether it is a stream; pages of errors look like one, but that their length is known."""
    return response.is_streamed and response.content_length is None


def _own(response: Response) -> Response:
    """A copy, to bear this session's headers: a view may return the same response to everybody."""
    own = copy.copy(response)
    own.headers = response.headers.copy()
    return own


def _abandon(_: BaseException | None) -> None:
    opened = flask.request.environ.get(KEY)
    if opened is not None:
        opened.abandon()


def _put_headers(response: Response, headers: Headers) -> None:
    response.headers.clear()
    response.headers.extend(headers)
