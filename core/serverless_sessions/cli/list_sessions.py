"""``serverless-sessions list``: the sessions of a user."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import click

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
    for line in _table(found) if found else ["No live session."]:
        click.echo(line)


def _table(found: list[UserSession]) -> Iterator[str]:
    """Plain, and as wide as it is: a handle must be there whole, to be copied."""
    headings = ("handle", "began", "logged in", "last used", "ends")
    yield "".join(f"{heading:25}" for heading in headings).rstrip()
    for session in found:
        moments = (_shown(getattr(session, name)) for name in _MOMENTS)
        yield "".join(f"{cell:25}" for cell in (session.handle, *moments)).rstrip()


def _told(session: UserSession) -> dict[str, object]:
    return {"handle": session.handle, **{name: getattr(session, name) for name in _MOMENTS}}


def _shown(moment: datetime | None) -> str:
    return "-" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"
