"""Programs that tests need and that no Python package brings."""

from __future__ import annotations

import os
import shutil

import pytest


def program(name: str) -> str:
    """Where the program is. Without it the test is skipped; under ``CI=true`` it fails."""
    path = shutil.which(name)
    if path is None:
        told = f"{name} is missing: `make test` installs it on Debian as root"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(told)
    return path
