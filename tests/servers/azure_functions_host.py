"""A function app in Microsoft's own Python runtime, behind HTTP.

The runtime needs Python 3.13 and stands in an environment of its own, where the library under test
is found as it is installed here.
"""

from __future__ import annotations

import importlib.metadata
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import serverless_sessions
import serverless_sessions_adapters
from servers.process import INSTALLED, ServerMissing, accepts, reserved_port, running

FRONT = Path(__file__).with_name("azure_functions_front.py")
RUNTIME = "azure_functions_runtime-*.dist-info"


@dataclass(frozen=True)
class FunctionApp:
    port: int
    version: str
    pid: int


@contextmanager
def azure_functions(
    app: Path, environment: Mapping[str, str], *paths: Path
) -> Iterator[FunctionApp]:
    """The function app in the folder ``app``; its imports are found in ``paths`` as well."""
    python, version = _runtime()
    with tempfile.TemporaryDirectory() as folder, reserved_port() as port:
        _link_library(Path(folder))
        variables = {
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "PYTHONPATH": os.pathsep.join([folder, *map(str, paths)]),
            **environment,
        }
        command = [str(python), str(FRONT), str(app), str(port)]
        with running(command, accepts(port), variables) as pid:
            yield FunctionApp(port, version, pid)


def _runtime() -> tuple[Path, str]:
    found = list((INSTALLED / "azure").glob(f"lib/*/site-packages/{RUNTIME}"))
    if not found:
        raise ServerMissing(
            "azure-functions-runtime is not installed; `make servers` does it with Python 3.13"
        )
    version = found[0].name.split("-")[1].removesuffix(".dist")
    return INSTALLED / "azure/bin/python", f"azure-functions-runtime {version}"


def _link_library(folder: Path) -> None:
    for package in (serverless_sessions, serverless_sessions_adapters):
        home = Path(str(package.__file__)).parent
        (folder / home.name).symlink_to(home)
    library = importlib.metadata.distribution("serverless-sessions")
    (entry_points,) = [file for file in library.files or () if file.name == "entry_points.txt"]
    known = Path(str(library.locate_file(entry_points))).parent
    (folder / known.name).symlink_to(known)
