"""Google's functions framework: gunicorn with threads, or with an event loop in ASGI mode."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from servers.process import HOST, accepts, reserved_port, running


@dataclass(frozen=True)
class Framework:
    port: int
    version: str
    pid: int


@contextmanager
def functions_framework(
    source: Path, target: str, environment: Mapping[str, str], *paths: Path
) -> Iterator[Framework]:
    """The function ``target`` of the file ``source``; its imports are found in ``paths``."""
    name = f"functions-framework {importlib.metadata.version('functions-framework')}"
    with reserved_port() as port:
        command = [sys.executable, "-m", "functions_framework", "--target", target]
        address = ("--source", str(source), "--host", HOST, "--port", str(port))
        variables = {"PYTHONPATH": os.pathsep.join(map(str, paths)), **environment}
        with running([*command, *address], accepts(port), variables) as pid:
            yield Framework(port, name, pid)
