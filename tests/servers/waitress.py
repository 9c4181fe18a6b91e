"""waitress, a WSGI server with threads, in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from servers.process import HOST, accepts, reserved_port, running

THREADS = 8
SERVE = """
import sys
from waitress.runner import run
sys.path[:0] = [".", "../examples"]
run()
"""


@contextmanager
def waitress(application: str) -> Iterator[int]:
    """Serves ``module:name``, found among the tests and the examples; gives the port."""
    with reserved_port() as port:
        options = [f"--listen={HOST}:{port}", f"--threads={THREADS}", "--no-expose-tracebacks"]
        serve = (
            "import sys; sys.path[:0] = ['.', '../examples']; import waitress.runner as r; r.run()"
        )
        command = [sys.executable, "-c", serve, *options, application]
        with running(command, accepts(port)):
            yield port
