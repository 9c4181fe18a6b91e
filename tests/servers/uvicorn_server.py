"""uvicorn in a thread of the tests' own process, so that a test sees what its application does."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from .process import HOST, START_SECONDS, STOP_SECONDS


@contextmanager
def uvicorn_server(app: Any, **settings: Any) -> Iterator[int]:
    """Serves ``app`` until the block ends; gives the port."""
    config = uvicorn.Config(app, host=HOST, port=0, log_config=None, **settings)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("uvicorn did not start")
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(STOP_SECONDS)
        if thread.is_alive():
            raise RuntimeError("uvicorn did not stop")
