"""``serverless-sessions revoke``: a user's sessions, ended."""

from __future__ import annotations

import click

from .operators import confirm, manager_of, operator_command, print_json, store_option, yes_option


@operator_command("revoke")
@click.option("--user", required=True, help="As the application gave it to bind().")
@click.option("--handle", help="The one session to end, as `list` names it.")
@click.option("--all", "ends_all", is_flag=True, help="End all of them.")
@store_option
@yes_option
def revoke(
    user: str, handle: str | None, ends_all: bool, url: str | None, yes: bool, as_json: bool
) -> None:
    """End one session of a user, or all. Whoever holds the cookie is logged out."""
    if (handle is None) is not ends_all:
        raise click.UsageError("give --handle HANDLE or --all")
    with manager_of(url) as manager:
        if handle is not None:
            manager.revoke(user, handle)
            ended = 1
        else:
            confirm("End every session of this user?", yes=yes, as_json=as_json)
            ended = manager.revoke_all(user)
    if as_json:
        print_json({"ended": ended})
    else:
        click.echo(f"{ended} session{'' if ended == 1 else 's'} ended.")
