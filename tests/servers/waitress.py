"""waitress, a WSGI server with threads, in a process of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from servers.process import HOST, TESTS, accepts, reserved_port, running

THREADS = 8
EXAMPLES = TESTS.parent / "examples"


@contextmanager
def waitress(
    application: str, variables: Mapping[str, str] | None = None, *folders: Path
) -> Iterator[int]:
    """Serves ``module:name``, found in the folders, the tests or the examples; gives the port."""
    path = os.pathsep.join(map(str, (*folders, TESTS, EXAMPLES)))
    environment = {**os.environ, "PYTHONPATH": path} if variables is None else {**variables}
    with reserved_port() as port:
        options = [f"--listen={HOST}:{port}", f"--threads={THREADS}", "--no-expose-tracebacks"]
        command = [sys.executable, "-m", "waitress", *options, application]
        with running(command, accepts(port), {**environment, "PYTHONPATH": path}):
            yield port
