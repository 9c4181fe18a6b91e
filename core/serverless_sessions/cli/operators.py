"""What the operators' commands share: which store, how answers are printed, how errors end.

Exit codes: 0 for well done and all is well, 1 for a finding, 2 for a command that could not be
carried out. Urls are shown masked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any, NoReturn, TypeVar

import click
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from .. import registry
from ..errors import ConfigurationError, SessionError
from ..manager import SessionManager
from ..store import SessionStore

F = TypeVar("F", bound=Callable[..., Any])
FINDING = 1
FAILED = 2


class Failed(click.ClickException):
    exit_code = FAILED


class OperatorCommand(click.Command):
    """Ends with one line, and with ``--json`` an object, where an error of ours is raised, or
    somebody says no or presses Ctrl-C."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SessionError as error:
            if ctx.params.get("as_json"):
                print_json({"error": str(error), "kind": type(error).__name__})
            raise Failed(str(error)) from None
        except (KeyboardInterrupt, click.Abort):
            raise Failed("aborted") from None


json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


def operator_command(name: str, **options: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """A command with ``--json``."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        return click.command(name, cls=OperatorCommand, **options)(json_option(function))

    return decorate


store_option = click.option(
    "--store",
    "url",
    envvar="SESSION_STORE",
    help="Url of the store. Default: SESSION_STORE, which keeps a password out of lists of"
    " processes.",
)
yes_option = click.option("--yes", is_flag=True, help="Ask nothing.")


@contextmanager
def opened(url: str | None) -> Iterator[SessionStore]:
    """Raises ConfigurationError, MissingDependency."""
    store = registry.open_store(url or registry.default_url())
    if not isinstance(store, SessionStore):
        raise ConfigurationError(f"{type(store).__name__} can only be awaited; commands cannot")
    with closing(store):
        yield store


@contextmanager
def manager_of(url: str | None) -> Iterator[SessionManager]:
    """With the configuration of the environment. Raises ConfigurationError, MissingDependency."""
    with opened(url) as store:
        yield SessionManager(store)


def print_json(answer: object) -> None:
    """Moments as ISO 8601 has them."""
    click.echo(json.dumps(answer, indent=2, default=datetime.isoformat))


def end_with_finding(context: click.Context) -> NoReturn:
    context.exit(FINDING)


def confirm(question: str, *, yes: bool, as_json: bool) -> None:
    """Raises click.Abort for no. With ``--json`` nobody is there to be asked: UsageError."""
    if yes:
        return
    if as_json:
        raise click.UsageError("--json needs --yes here, as nobody can be asked")
    click.confirm(question, abort=True, err=True)


@contextmanager
def counting(
    what: str, *, quiet: bool, total: int | None = None
) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal's standard error; nothing elsewhere."""
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        yield lambda count: progress.advance(task, count)
