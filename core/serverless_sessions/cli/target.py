"""The handler that ``MODULE:HANDLER`` names, or one line that says why there is none."""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import click

from ..handlers._signature import is_async

Handler = Callable[[dict[str, Any], Any], Any]


class NoHandler(click.ClickException):
    exit_code = 2


def module_and_name(target: str) -> tuple[str, str]:
    """Raises NoHandler."""
    module_name, _, name = target.partition(":")
    if not (module_name and name):
        raise NoHandler(f"{target!r} is not MODULE:HANDLER, as in app:handler")
    return module_name, name


def load_handler(target: str) -> Handler:
    """Import the module and find the handler in it. Raises NoHandler."""
    module_name, name = module_and_name(target)
    module = _imported(module_name)
    try:
        handler: object = attrgetter(name)(module)
    except AttributeError:
        raise NoHandler(f"the module {module_name} has no {name}") from None
    if not callable(handler):
        raise NoHandler(f"{target} is a {type(handler).__name__}, not a function")
    if is_async(handler):
        raise NoHandler(
            f"{target} is an async function, which AWS Lambda cannot call; with_session makes it"
            " one that it can"
        )
    return handler


def _imported(name: str) -> object:
    try:
        return importlib.import_module(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        what = " ".join(str(error).split())
        raise NoHandler(
            f"cannot import {name}: {type(error).__name__}: {what}{_place(error)}"
        ) from error


def _place(error: BaseException) -> str:
    """The line that failed in the code that was imported, not in the import machinery."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "importlib" not in frame.filename and frame.filename != __file__
    ]
    return f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
