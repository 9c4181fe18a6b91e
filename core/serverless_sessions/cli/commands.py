"""The commands by name."""

from __future__ import annotations

import click

from .doctor import doctor
from .keygen import keygen
from .list_sessions import list_sessions
from .migrate import migrate
from .provision import deprovision, provision
from .purge import purge
from .revoke import revoke
from .serve import serve
from .show import show


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="serverless-sessions")
def commands() -> None:
    """Sessions for serverless functions."""


for _command in (
    *(serve, keygen, doctor, provision, deprovision),
    *(purge, show, list_sessions, revoke, migrate),
):
    commands.add_command(_command)
