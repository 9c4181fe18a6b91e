"""What a function in the framework's ASGI mode may return or raise, as a response with the
session's headers."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from ..arrival import Request
from ..headers import Headers, Outcome
from ._exchange import Exchange

if TYPE_CHECKING:
    from starlette.responses import Response


def described(request: Any) -> Exchange:
    """For a ``starlette.requests.Request``."""
    from starlette.exceptions import HTTPException

    return Exchange(
        request=Request(request.headers.getlist, request),
        time_left=None,
        status=lambda response: int(response.status_code),
        answer=_answer,
        error=_error,
        made=_made,
        answers=(HTTPException,),
    )


def _made(result: Any) -> Response:
    """The response that the framework or Starlette would make. Raises TypeError for what would
    become a 500 there, and for an application, whose status nobody knows before it answers."""
    from starlette.exceptions import HTTPException
    from starlette.responses import JSONResponse, PlainTextResponse, Response

    if isinstance(result, Response):
        return result
    if isinstance(result, HTTPException):
        if result.status_code in (204, 304):
            return Response(status_code=result.status_code, headers=result.headers)
        return PlainTextResponse(result.detail, result.status_code, result.headers)
    content, status = result if isinstance(result, tuple) and len(result) == 2 else (result, 200)
    if isinstance(content, dict):
        return JSONResponse(content, status)
    if isinstance(content, str) or (isinstance(result, tuple) and _is_body(content)):
        return Response(content, status)
    raise TypeError(
        f"the function returned a {type(result).__name__}; in ASGI mode it returns a Starlette"
        " Response, a str, a dict, or one of these two or bytes in a tuple with a status"
    )


def _is_body(content: object) -> bool:
    return content is None or isinstance(content, bytes | memoryview)


def _answer(response: Response, outcome: Outcome) -> Response:
    """A copy: a function may return the same response to everybody."""
    if not outcome:
        return response
    given = [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers
    ]
    answer = copy.copy(response)
    answer.raw_headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in outcome.applied_to(given)
    ]
    answer.__dict__.pop("_headers", None)  # Starlette's view of the list that was copied
    return answer


def _error(status: int, headers: Headers, body: str) -> Response:
    from starlette.responses import Response

    return Response(body, status, dict(headers))
