"""Zips of functions as ``make package`` builds them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "infra" / "package.py"


def build_package(out: Path, *options: str, **environment: str) -> Path:
    """Raises AssertionError with what the script said."""
    command = [sys.executable, str(SCRIPT), "--out", str(out), *options]
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return out
