"""``serverless-sessions provision`` and ``deprovision``: what a store needs, made and removed."""

from __future__ import annotations

import click

from .. import registry
from ..urls import StoreURL
from .operators import confirm, opened, operator_command, print_json, store_option, yes_option


@operator_command("provision")
@store_option
def provision(url: str | None, as_json: bool) -> None:
    """Create what the store needs: a table, its TTL, a file.

    This is for those without Terraform. What is there already stays as it is.
    """
    url = url or registry.default_url()
    with opened(url) as store:
        store.provision()
    _say(url, "provisioned", "is ready; `serverless-sessions doctor` looks at it", as_json)


@operator_command("deprovision")
@store_option
@yes_option
def deprovision(url: str | None, yes: bool, as_json: bool) -> None:
    """Remove all that provision created, and every session with it."""
    url = url or registry.default_url()
    shown = StoreURL.parse(url)
    with opened(url) as store:
        confirm(
            f"This removes {shown} with every session in it: everybody is logged out, and nothing"
            " brings them back. Remove it?",
            yes=yes,
            as_json=as_json,
        )
        store.deprovision()
    _say(url, "deprovisioned", "is removed", as_json)


def _say(url: str, done: str, words: str, as_json: bool) -> None:
    shown = str(StoreURL.parse(url))
    if as_json:
        print_json({"store": shown, "done": done})
    else:
        click.echo(f"{shown} {words}.")
