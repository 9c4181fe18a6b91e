"""A deployed function, run from its zip by AWS's own runtime client.

The function's service has an API on loopback here that hands out events and takes the results
(AWS Lambda, "Using the Lambda runtime API"); ``awslambdaric`` loads the handler and asks it.
"""

from __future__ import annotations

import base64
import json
import queue
import sys
import tempfile
import threading
import time
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any, NamedTuple

from servers.process import HOST, installed, running

RUNTIME = "lambda/awslambdaric"
"""Beside it ``make servers`` puts boto3, which Lambda's runtime has as well."""


class FunctionFailed(AssertionError):
    """The function answered with an error."""


class Deployed(NamedTuple):
    """A function as Lambda describes it (GetFunction), and the zip that it was made of."""

    arn: str
    handler: str
    timeout: float
    environment: Mapping[str, str]
    package: bytes
    sha256: str


class Function:
    """Invokes a function that runs, one event at a time."""

    def __init__(self, deployed: Deployed) -> None:
        self._deployed = deployed
        self._events: queue.Queue[tuple[str, object] | None] = queue.Queue()
        self._results: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.asked = threading.Event()

    def invoke(self, event: object) -> Any:
        """Raises FunctionFailed."""
        self._events.put((str(uuid.uuid4()), event))
        kind, result = self._results.get(timeout=self._deployed.timeout + 30)
        if kind != "response":
            raise FunctionFailed(json.dumps(result))
        return result

    def next_event(self) -> tuple[bytes, dict[str, str]] | None:
        """Its body and headers, once there is one; None when there will be no more."""
        self.asked.set()
        event = self._events.get()
        if event is None:
            return None
        ends = int((time.time() + self._deployed.timeout) * 1000)
        return json.dumps(event[1]).encode(), {
            "Lambda-Runtime-Aws-Request-Id": event[0],
            "Lambda-Runtime-Deadline-Ms": str(ends),
            "Lambda-Runtime-Invoked-Function-Arn": self._deployed.arn,
            "Lambda-Runtime-Trace-Id": "Root=1-0-0",
            "Content-Type": "application/json",
        }

    def end(self) -> None:
        self._events.put(None)

    def take_result(self, path: str, body: bytes) -> None:
        kind = path.rpartition("/")[2]  # response, or error
        self._results.put((kind, json.loads(body or b"null")))


@contextmanager
def running_function(deployed: Deployed, **environment: str) -> Iterator[Function]:
    """Nothing is importable but the package, the standard library and what Lambda's runtime has.

    Raises ServerMissing where the runtime client is not installed.
    """
    digest = base64.b64encode(sha256(deployed.package).digest()).decode()
    assert digest == deployed.sha256, "another package is deployed"
    runtime = installed(RUNTIME).parent
    function = Function(deployed)
    with tempfile.TemporaryDirectory() as folder, _api(function) as port:
        zipfile.ZipFile(BytesIO(deployed.package)).extractall(folder)
        variables = {
            **deployed.environment,
            "LAMBDA_TASK_ROOT": folder,
            "_HANDLER": deployed.handler,
            "AWS_LAMBDA_FUNCTION_NAME": deployed.arn.rpartition(":")[2],
            "AWS_LAMBDA_RUNTIME_API": f"{HOST}:{port}",
            "PYTHONPATH": f"{folder}:{runtime}",
            **environment,
        }
        env = [f"{name}={value}" for name, value in variables.items()]
        command = ["env", "-i", *env, sys.executable, "-SPB", "-m", "awslambdaric"]
        with running([*command, deployed.handler], function.asked.is_set):
            yield function


@contextmanager
def _api(function: Function) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            event = function.next_event()
            if event is None:
                self.close_connection = True
                return
            self._answer(200, *event)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            function.take_result(self.path, body)
            self._answer(202, b"{}", {})

        def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: the function logs for itself."""

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_port
        finally:
            function.end()
            server.shutdown()
            thread.join()
