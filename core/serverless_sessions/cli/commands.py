"""The commands by name."""

from __future__ import annotations

import click

from .keygen import keygen
from .migrate import migrate
from .serve import serve


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="serverless-sessions")
def commands() -> None:
    """Sessions for serverless functions."""


commands.add_command(serve)
commands.add_command(keygen)
commands.add_command(migrate)
