"""Django's sessions kept by us: a ``SESSION_ENGINE``, and a middleware that says more of it.

What Django has a setting for is Django's to say: ``SESSION_COOKIE_NAME``, ``_AGE`` (the idle
timeout), ``_DOMAIN``, ``_PATH``, ``_SAMESITE``, ``_SECURE``, SESSION_EXPIRE_AT_BROWSER_CLOSE.
Our other settings are read from Django's, where they are there under the names of the environment's
variables, and else from the environment.
"""

from __future__ import annotations

import copy
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.sessions import middleware
from django.http import HttpRequest, HttpResponse

from .. import current
from ..arrival import Request
from ..errors import ConfigurationError, SessionError
from ..headers import Outcome
from ._django_store import SessionStore, sessions
from ._exchange import error_answer
from .wsgi import request_of

__all__ = ["SessionMiddleware", "SessionStore", "sessions"]


class SessionMiddleware(middleware.SessionMiddleware):  # type: ignore[misc]  # Django ships no types
    """In the place of Django's: the session's cookie and headers are ours, and so is the answer
    to an error of the store; ``current_session()`` works, and ``request.session.ours``.

    The cookie is sent when the session gets its id, and cleared by a log-out only. What is changed
    inside a value is noticed. Raises ConfigurationError at the start for what it cannot honour.
    """

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        if not issubclass(self.SessionStore, SessionStore):
            raise ConfigurationError(
                f"SESSION_ENGINE is {settings.SESSION_ENGINE!r}, where clearsessions and the test"
                f" client would look; with this middleware it is {__name__!r}"
            )
        for name in ("HTTPONLY", "SAMESITE"):
            value = getattr(settings, f"SESSION_COOKIE_{name}")
            if not value:
                raise ConfigurationError(
                    f"SESSION_COOKIE_{name} is {value!r}; {type(self).__module__} sends no session"
                    " cookie without that attribute"
                )

    def __call__(self, request: HttpRequest) -> Any:
        if self.async_mode:
            return self.__acall__(request)
        self.process_request(request)
        with current.entered(request.session.ours):
            response = self.get_response(request)
        return self.process_response(request, response)

    async def __acall__(self, request: HttpRequest) -> HttpResponse:
        self.process_request(request)
        with current.entered(request.session.ours):
            response = await self.get_response(request)
        return await sync_to_async(self.process_response)(request, response)

    def process_request(self, request: HttpRequest) -> None:
        arrived = Request(request_of(request.META).lines, request)
        request.session = SessionStore.serving(sessions().begin(arrived))

    def process_exception(self, _: HttpRequest, error: Exception) -> HttpResponse | None:
        """An error of the store that the view let pass is answered, others are Django's."""
        if not isinstance(error, SessionError) or error.http_status is None:
            return None
        if sessions().config.on_store_error == "raise":
            return None
        return _refusal(error, Outcome())

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        session: SessionStore = request.session
        try:
            outcome = session.end_request(
                failed=response.status_code >= 500, streamed=_is_made_later(response)
            )
        except SessionError as error:
            refusal = _refusal(error, session.outcome())
            refusal._resource_closers.extend(response._resource_closers)
            return refusal
        return _with_headers(response, outcome)


def _is_made_later(response: HttpResponse) -> bool:
    """Whether it is a stream; files are sent like one, but that their length is known."""
    return response.streaming and not response.has_header("Content-Length")


def _refusal(error: SessionError, outcome: Outcome) -> HttpResponse:
    status, headers, body = error_answer(sessions().config, error, Outcome())
    return _with_headers(HttpResponse(body, status=status, headers=dict(headers)), outcome)


def _with_headers(response: HttpResponse, outcome: Outcome) -> HttpResponse:
    """A copy: a view may return the same response to everybody."""
    if not outcome:
        return response
    response, given = response.__class__.__new__(response.__class__), response
    vars(response).update(vars(given))
    response.headers = copy.deepcopy(given.headers)
    response.cookies = copy.deepcopy(given.cookies)
    headers = outcome.applied_to(list(response.items()))
    for name in list(response.headers):
        del response.headers[name]
    for name, value in headers:
        if (name, value) != outcome.issued:
            response.headers[name] = value
    if outcome.set_cookie is not None:
        # Where Django's test client looks for it. Before Python 3.14 Partitioned is unknown there.
        response.cookies.load(outcome.set_cookie)
        if sessions().config.cookie_name not in response.cookies:
            response.headers["Set-Cookie"] = outcome.set_cookie
    return response
