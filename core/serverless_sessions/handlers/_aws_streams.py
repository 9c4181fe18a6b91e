"""Results that come piece by piece, which Lambda's Python runtime cannot send."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from ._signature import functions_of

_REMEDY = (
    "Lambda's Python runtime sends a result whole and cannot stream one (AWS, \"Response streaming"
    ' for Lambda functions"); return the whole body, or serve an ASGI or WSGI application with a'
    " session under the Lambda Web Adapter with AWS_LWA_INVOKE_MODE=response_stream"
)


def refuse_generator(handler: Callable[..., Any]) -> None:
    """Raises TypeError for a handler that yields."""
    functions = functions_of(inspect.unwrap(handler))
    if any(inspect.isgeneratorfunction(f) or inspect.isasyncgenfunction(f) for f in functions):
        name = getattr(functions[0], "__qualname__", functions[0])
        raise TypeError(f"{name} yields its result: {_REMEDY}")


def whole(result: Any) -> Any:
    """The result. Raises TypeError where it, or its body, is one that is still to come."""
    body = result.get("body") if isinstance(result, dict) else None
    for given in (result, body):
        if isinstance(given, Iterator | AsyncIterator):
            raise TypeError(f"the handler returned a {type(given).__name__}: {_REMEDY}")
    return result
