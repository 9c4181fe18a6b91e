"""``serverless-sessions list``: the sessions of a user."""

from __future__ import annotations

import sys
from datetime import datetime

import click
from rich.console import Console
from rich.table import Table

from ..account import UserSession
from .operators import manager_of, operator_command, print_json, store_option

_MOMENTS = ("created_at", "authenticated_at", "last_used_at", "expires_at")


@operator_command("list")
@click.option("--user", required=True, help="As the application gave it to bind().")
@store_option
def list_sessions(user: str, url: str | None, as_json: bool) -> None:
    """List the live sessions of a user, the last log-in first."""
    with manager_of(url) as manager:
        found = manager.sessions_of(user)
    if as_json:
        print_json([_told(session) for session in found])
        return
    table = Table(box=None)
    for heading in ("handle", "began", "logged in", "last used", "ends"):
        table.add_column(heading, no_wrap=True, overflow="ignore")
    for session in found:
        moments = (getattr(session, name) for name in _MOMENTS)
        table.add_row(session.handle, *(_shown(moment) for moment in moments))
    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    console.print(table if found else "No live session.")


def _told(session: UserSession) -> dict[str, object]:
    return {"handle": session.handle, **{name: getattr(session, name) for name in _MOMENTS}}


def _shown(moment: datetime | None) -> str:
    return "-" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"
