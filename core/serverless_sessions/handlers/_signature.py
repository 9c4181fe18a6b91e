"""How a decorated handler asks for its session: the keyword parameter ``session``."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable
from typing import Any

from ..aio import AsyncSession
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


def takes_session(handler: Callable[..., Any], arguments: int) -> bool:
    """Whether ``handler``, which the platform calls with so many ``arguments``, wants
    ``session=``. Raises TypeError where it could not work."""
    parameters = inspect.signature(handler).parameters
    parameter = parameters.get(PARAMETER)
    if parameter is None:
        return False
    if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
        raise TypeError(f"{_name(handler)}: session is passed by keyword; take away the / or *")
    if PARAMETER in list(parameters)[:arguments] and parameter.kind != parameter.KEYWORD_ONLY:
        raise TypeError(f"{_name(handler)}: session comes after the platform's own arguments")
    face = _face(handler)
    if not _fits(_annotation(handler, parameter), face):
        kind = "an async def" if is_async(handler) else "a def"
        raise TypeError(
            f"{_name(handler)}: the session of {kind} handler is of type {face.__name__}; "
            "mend its annotation"
        )
    return True


def hide_session(wrapper: Callable[..., Any], handler: Callable[..., Any]) -> None:
    """Show a signature without ``session``: platforms that read it pass what they find there."""
    functools.update_wrapper(wrapper, handler)
    signature = inspect.signature(handler)
    kept = [p for p in signature.parameters.values() if p.name != PARAMETER]
    shown = signature.replace(parameters=kept)
    annotations = {p.name: p.annotation for p in kept} | {"return": shown.return_annotation}
    wrapper.__signature__ = shown  # type: ignore[attr-defined]
    wrapper.__annotations__ = {n: a for n, a in annotations.items() if a is not shown.empty}


def _face(handler: Callable[..., Any]) -> type:
    return AsyncSession if is_async(handler) else Session


def _annotation(handler: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    """The annotation as an object. One that names what is not imported at run time is known
    by its last word."""
    if not isinstance(parameter.annotation, str):
        return parameter.annotation
    scope = getattr(inspect.unwrap(handler), "__globals__", {})
    try:
        return eval(parameter.annotation, scope)  # noqa: S307  (the handler's own source)
    except Exception:  # noqa: BLE001  (whatever is written there is not for us to run)
        named = parameter.annotation.rpartition(".")[2]
        return {"Session": Session, "AsyncSession": AsyncSession}.get(named, Any)


def _fits(annotation: Any, face: type) -> bool:
    """Whether a ``face`` may be passed, as far as a plain class in the annotation tells."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _fits(annotation.__origin__, face)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(one, face) for one in typing.get_args(annotation))
    bare = origin or annotation
    if bare in (typing.Any, inspect.Parameter.empty) or not isinstance(bare, type):
        return True
    return getattr(bare, "_is_protocol", False) or issubclass(face, bare)


def _name(handler: Callable[..., Any]) -> str:
    return getattr(handler, "__qualname__", repr(handler))
