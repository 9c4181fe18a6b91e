"""From ``SESSION_STORE`` to an open store, by entry point: ours and third parties' alike."""

from __future__ import annotations

import functools
import os
import sys
from typing import TYPE_CHECKING

from .errors import ConfigurationError, MissingDependency
from .store import AnyStore

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "serverless_sessions.stores"
LOCAL_DEFAULT = "sqlite:///.sessions/sessions.db"

_PLATFORM_VARIABLES = ("AWS_LAMBDA_FUNCTION_NAME", "K_SERVICE", "FUNCTIONS_WORKER_RUNTIME")


def open_store(url: str) -> AnyStore:
    """Open the store that ``url`` names.

    Raises ConfigurationError for a url that cannot be served, and MissingDependency when the
    package that its store is built on is not installed.
    """
    from .urls import StoreURL

    parsed = StoreURL.parse(url)
    entry_point = _entry_point(parsed.scheme)
    try:
        store = entry_point.load()(parsed)
    except ImportError as error:
        raise MissingDependency(
            f"the store {parsed.scheme!r} needs a module that cannot be imported"
            f"{f' ({error.name})' if error.name else ''}: {_remedy(entry_point)}"
        ) from error
    if not isinstance(store, AnyStore):
        raise ConfigurationError(f"{entry_point.value} returned no SessionStore for {parsed}")
    return store


def default_url() -> str:
    """The store when ``SESSION_STORE`` is unset: SQLite in ``./.sessions``, for local work only.

    Local work is the ``serve`` command, pytest or a terminal, and never a cloud platform.
    Raises ConfigurationError elsewhere: a function whose sessions vanish with its instance
    would look as if it worked. And where the variable is set, but was not read.
    """
    if os.environ.get("SESSION_STORE"):
        raise ConfigurationError(
            "SESSION_STORE was not read: it was set too late, or the handler's configuration is"
            " SessionConfig(...), where SessionConfig.from_env(...) reads the environment"
        )
    if any(os.environ.get(variable) for variable in _PLATFORM_VARIABLES) or not _works_locally():
        raise ConfigurationError(
            "SESSION_STORE is not set; it names where sessions are kept, "
            "for example sqlite:///sessions.db"
        )
    _say_the_default()
    return LOCAL_DEFAULT


def _works_locally() -> bool:
    return (
        bool(os.environ.get("SERVERLESS_SESSIONS_SERVE"))
        or "pytest" in sys.modules
        or all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))
    )


@functools.cache
def _say_the_default() -> None:
    import logging

    logging.getLogger("serverless_sessions").warning(
        "SESSION_STORE is not set: sessions of local work are kept in %s", LOCAL_DEFAULT
    )


def _entry_point(scheme: str) -> EntryPoint:
    from importlib.metadata import entry_points

    installed = entry_points(group=GROUP)
    named = [point for point in installed if point.name == scheme]
    if not named:
        schemes = ", ".join(sorted({point.name for point in installed})) or "none"
        raise ConfigurationError(f"no store is installed for {scheme!r}; installed are: {schemes}")
    if len({point.value for point in named}) > 1:
        owners = " and ".join(sorted({_distribution(point) for point in named}))
        raise ConfigurationError(f"the store {scheme!r} is claimed by {owners}; remove all but one")
    return named[0]


def _distribution(entry_point: EntryPoint) -> str:
    return entry_point.dist.name if entry_point.dist is not None else "an unknown distribution"


def _remedy(entry_point: EntryPoint) -> str:
    distribution = _distribution(entry_point)
    if entry_point.extras:
        extras = ",".join(entry_point.extras).replace("_", "-")
        return f'pip install "{distribution}[{extras}]"'
    return f"install what {distribution} asks for"
