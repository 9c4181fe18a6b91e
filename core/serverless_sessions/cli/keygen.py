"""``serverless-sessions keygen``: a key for SESSION_ENCRYPTION_KEYS."""

from __future__ import annotations

import click

from .. import keyring
from .operators import operator_command, print_json


@operator_command(
    "keygen", epilog='Example: SESSION_ENCRYPTION_KEYS="$(serverless-sessions keygen),$OLD_KEYS"'
)
def keygen(as_json: bool) -> None:
    """Print a new key for SESSION_ENCRYPTION_KEYS.

    That variable is a list with commas between. The first key encrypts what is written, each
    decrypts what it has encrypted. Put a new one in front and leave the others behind it until
    no session is left that they have written, which is SESSION_ABSOLUTE_TIMEOUT later.

    Nothing but the key is printed, and it is kept nowhere: store it as a secret.
    """
    key = keyring.draw()
    if as_json:
        print_json({"key": key})
    else:
        click.echo(key)
