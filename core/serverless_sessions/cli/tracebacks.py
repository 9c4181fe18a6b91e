"""The traceback of a handler that failed: its own lines, without the calls inside this library."""

from __future__ import annotations

import os
import re
import sysconfig
from importlib.util import find_spec
from traceback import FrameSummary, StackSummary, TracebackException

from rich.text import Text

from ..errors import SessionError

_PACKAGES = ("serverless_sessions", "serverless_sessions_adapters")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def readable(error: BaseException) -> Text:
    """As Python prints it, each line whole: terminals and editors open the file at a click."""
    told = TracebackException.from_exception(error)
    _shorten(error, told)
    last = _printable("".join(told.format_exception_only()))
    text = Text(_printable("".join(told.format())))
    text.highlight_regex(r"(?m)^ *File .*$", "cyan")
    text.stylize("bold red", len(text) - len(last))
    text.rstrip()
    return text


def _printable(text: str) -> str:
    """A message may quote what a request sent; it must not steer the terminal."""
    return _UNPRINTABLE.sub(lambda found: ascii(found.group())[1:-1], text)


def _shorten(error: BaseException, told: TracebackException) -> None:
    """Take frames out of ``told``, and of every error in it that led to ``error``."""
    pairs: list[tuple[BaseException | None, TracebackException | None, bool]]
    pairs = [(error, told, False)]
    while pairs:
        one, its, refusal = pairs.pop()
        if one is None or its is None:
            continue
        refusal = refusal or isinstance(one, SessionError)
        its.stack = StackSummary.from_list(_shown(its.stack, refusal))
        pairs.append((one.__cause__, its.__cause__, refusal))
        pairs.append((one.__context__, its.__context__, refusal))
        if isinstance(one, BaseExceptionGroup) and its.exceptions is not None:
            inner = zip(one.exceptions, its.exceptions, strict=True)
            pairs += [(*pair, False) for pair in inner]


def _shown(frames: list[FrameSummary], refusal: bool) -> list[FrameSummary]:
    """The frames of others' code. An error that the library did not raise on purpose keeps the
    place it was raised at as well, and every frame where none is left."""
    shown, inside = [], True
    for frame in frames:
        inside = _is_ours(frame) or (inside and _is_pythons(frame))
        if not inside:
            shown.append(frame)
    if refusal:
        return shown or frames[-1:]
    if inside and shown:
        return [*shown, frames[-1]]
    return shown or frames


def _is_ours(frame: FrameSummary) -> bool:
    return frame.filename.startswith(_OURS)


def _is_pythons(frame: FrameSummary) -> bool:
    return frame.filename.startswith(_PYTHONS) and "site-packages" not in frame.filename


def _folders(package: str) -> list[str]:
    spec = find_spec(package)
    return [] if spec is None else [*(spec.submodule_search_locations or ())]


_OURS = tuple(folder + os.sep for package in _PACKAGES for folder in _folders(package))
_PYTHONS = sysconfig.get_path("stdlib") + os.sep
