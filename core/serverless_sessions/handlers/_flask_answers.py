"""What a Flask view may return or raise, as a response with the session's headers."""

from __future__ import annotations

import copy
from typing import Any

from ..arrival import Request
from ..headers import Headers, Outcome
from ._exchange import Exchange


def described(request: Any) -> Exchange:
    """For a ``flask.Request``, inside the application that serves it."""
    from werkzeug.exceptions import HTTPException

    return Exchange(
        request=Request(request.headers.getlist, request),
        time_left=None,
        status=_status,
        answer=_answer,
        error=_error,
        made=_made,
        answers=(HTTPException,),
    )


def _made(result: Any) -> Any:
    """The response that Flask would make; an abort stays one, for the application's own error
    handlers. A stream is not begun. Raises TypeError, as Flask does, for what it does not take."""
    from flask import current_app
    from werkzeug.exceptions import HTTPException

    return result if isinstance(result, HTTPException) else current_app.make_response(result)


def _status(result: Any) -> int:
    from werkzeug.exceptions import HTTPException

    response = result.get_response() if isinstance(result, HTTPException) else result
    return int(response.status_code)


def _answer(result: Any, outcome: Outcome) -> Any:
    if isinstance(result, Exception):
        from flask import after_this_request

        after_this_request(lambda response: _with_headers(response, outcome))
        raise result
    return _with_headers(result, outcome)


def _with_headers(response: Any, outcome: Outcome) -> Any:
    """A copy: a function may return the same response to everybody."""
    if not outcome:
        return response
    answer = copy.copy(response)
    answer.headers = type(response.headers)(outcome.applied_to(response.headers.items()))
    return answer


def _error(status: int, headers: Headers, body: str) -> Any:
    from flask import Response

    return Response(body, status, headers)
