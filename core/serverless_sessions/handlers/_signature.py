"""How a decorated handler asks for its session: the keyword parameter ``session``."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any

from ..session import Session

PARAMETER = "session"


def is_async(handler: Callable[..., Any]) -> bool:
    """Whether calling ``handler`` gives something to await."""
    bare = handler
    while isinstance(bare, functools.partial):
        bare = bare.func
    return inspect.iscoroutinefunction(bare) or inspect.iscoroutinefunction(
        getattr(bare, "__call__", None)  # noqa: B004  (its kind is asked, not its presence)
    )


def takes_session(handler: Callable[..., Any]) -> bool:
    """Whether ``handler`` wants ``session=``. Raises TypeError where it could not work."""
    parameter = inspect.signature(handler).parameters.get(PARAMETER)
    if parameter is None:
        return False
    if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
        raise TypeError(f"{_name(handler)}: session is passed by keyword; take away the / or *")
    annotation = _annotation(handler, parameter)
    if not _fits(annotation, _face(handler)):
        raise TypeError(
            f"{_name(handler)}: session is a {_face(handler).__name__} in "
            f"{'an async def' if is_async(handler) else 'a def'} handler; mend its annotation"
        )
    return True


def hide_session(wrapper: Callable[..., Any], handler: Callable[..., Any]) -> None:
    """Show a signature without ``session``: platforms that read it pass what they find there."""
    functools.update_wrapper(wrapper, handler)
    signature = inspect.signature(handler)
    kept = [p for p in signature.parameters.values() if p.name != PARAMETER]
    annotations = getattr(handler, "__annotations__", {})
    wrapper.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {n: a for n, a in annotations.items() if n != PARAMETER}


def _face(handler: Callable[..., Any]) -> type:
    if not is_async(handler):
        return Session
    from ..aio import AsyncSession

    return AsyncSession


def _annotation(handler: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    """The annotation as an object; one that names what is not imported at run time as None."""
    if not isinstance(parameter.annotation, str):
        return parameter.annotation
    scope = getattr(inspect.unwrap(handler), "__globals__", {})
    try:
        return eval(parameter.annotation, scope)  # noqa: S307  (the handler's own source)
    except (NameError, AttributeError):
        return {"Session": Session, "AsyncSession": _async_face()}.get(
            parameter.annotation.rpartition(".")[2]
        )


def _async_face() -> type:
    from ..aio import AsyncSession

    return AsyncSession


def _fits(annotation: Any, face: type) -> bool:
    bare = typing.get_origin(annotation) or annotation
    if bare is inspect.Parameter.empty or not isinstance(bare, type):
        return True
    return issubclass(face, bare)


def _name(handler: Callable[..., Any]) -> str:
    return getattr(handler, "__qualname__", repr(handler))
