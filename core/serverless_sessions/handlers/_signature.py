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
    return any(map(inspect.iscoroutinefunction, functions_of(handler)))


def functions_of(handler: Callable[..., Any]) -> tuple[Any, Any]:
    """What runs when ``handler`` is called: itself, or its type's ``__call__``."""
    bare: Any = handler
    while isinstance(bare, functools.partial):
        bare = bare.func
    return bare, getattr(bare, "__call__", None)  # noqa: B004  (its kind is asked)


def takes_session(handler: Callable[..., Any], arguments: int | None) -> bool:
    """Whether ``handler`` wants ``session=``. The platform calls it with so many ``arguments``
    in their order; None: with all that it has a parameter for, by their names.

    Raises TypeError where it could not work.
    """
    parameters = inspect.signature(handler).parameters
    parameter = parameters.get(PARAMETER)
    if is_async(inspect.unwrap(handler)) and not is_async(handler):
        raise TypeError(
            f"{_name(handler)}: a decorator under with_session does not await this async def; "
            "move it above with_session, or use one that does"
        )
    if parameter is not None:
        _check_parameter(handler, parameter, leading=list(parameters)[: arguments or 0])
    named = set() if arguments is not None else {p.name for p in parameters.values() if _named(p)}
    _check_call(handler, arguments, named if parameter is None else named | {PARAMETER})
    return parameter is not None


def call_with_session(
    handler: Callable[..., Any], session: Any, *arguments: Any, **named: Any
) -> Any:
    """Call a handler that wants ``session=``.

    Raises TypeError for a decorator around it that loses the keyword, where only a call shows it.
    """
    try:
        return handler(*arguments, **named, session=session)
    except TypeError as error:
        if _loses_session(error) and not _reached(inspect.unwrap(handler), error):
            raise TypeError(_move_above(handler)) from error
        raise


def hide_session(wrapper: Callable[..., Any], handler: Callable[..., Any]) -> None:
    """Show a signature without ``session``: platforms that read it pass what they find there."""
    functools.update_wrapper(wrapper, handler)
    signature = inspect.signature(handler)
    kept = [p for p in signature.parameters.values() if p.name != PARAMETER]
    shown = signature.replace(parameters=kept)
    annotations = {p.name: p.annotation for p in kept} | {"return": shown.return_annotation}
    wrapper.__signature__ = shown  # type: ignore[attr-defined]  # functions take any
    wrapper.__annotations__ = {n: a for n, a in annotations.items() if a is not shown.empty}


def _check_parameter(
    handler: Callable[..., Any], parameter: inspect.Parameter, leading: list[str]
) -> None:
    if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
        raise TypeError(f"{_name(handler)}: session is passed by keyword; take away the / or *")
    if PARAMETER in leading and parameter.kind != parameter.KEYWORD_ONLY:
        raise TypeError(f"{_name(handler)}: session comes after the platform's own arguments")
    face = AsyncSession if is_async(handler) else Session
    if not _fits(_annotation(handler, parameter), face):
        kind = "an async def" if is_async(handler) else "a def"
        raise TypeError(
            f"{_name(handler)}: the session of {kind} handler is of type {face.__name__}; "
            "mend its annotation"
        )


def _named(parameter: inspect.Parameter) -> bool:
    return parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)


def _check_call(handler: Callable[..., Any], arguments: int | None, named: set[str]) -> None:
    """Try the call on the outermost decorator's own signature: it is the one that gets it."""
    ordered, by_name = [None] * (arguments or 0), dict.fromkeys(named)
    try:
        inspect.signature(handler, follow_wrapped=False).bind(*ordered, **by_name)
    except TypeError as error:
        if _loses_session(error):
            raise TypeError(_move_above(handler)) from None
        raise TypeError(
            f"{_name(handler)}: with_session decorates what the platform calls, "
            f"here with {_counted(arguments)}: {error}"
        ) from None


def _counted(arguments: int | None) -> str:
    if arguments is None:
        return "every argument by its name"
    return f"{arguments} argument{'' if arguments == 1 else 's'}"


def _loses_session(error: TypeError) -> bool:
    return f"unexpected keyword argument '{PARAMETER}'" in str(error)


def _reached(handler: Callable[..., Any], error: TypeError) -> bool:
    """Whether the error came out of ``handler`` itself, as far as a plain function tells."""
    import traceback

    code = getattr(handler, "__code__", None)
    frames = traceback.walk_tb(error.__traceback__)
    return code is None or any(frame.f_code is code for frame, _ in frames)


def _move_above(handler: Callable[..., Any]) -> str:
    return (
        f"{_name(handler)}: a decorator under with_session does not pass session= on; "
        "move it above with_session"
    )


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
