"""The ``serverless-sessions`` command, for which the extra ``cli`` brings the packages."""

from __future__ import annotations

import sys

_NEEDED = ("click", "rich", "watchfiles", "werkzeug")


def main() -> None:
    try:
        from .commands import commands
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _NEEDED:
            raise
        sys.stderr.write(
            f"The command needs the package {error.name}, which is not installed: "
            'pip install "serverless-sessions[cli]"\n'
        )
        sys.exit(2)
    commands(prog_name="serverless-sessions")
