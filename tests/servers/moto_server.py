"""moto's server in a process of its own, with DynamoDB made atomic."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from servers.process import HOST, ServerMissing, answers_post, reserved_port, running

SERVE = """
import sys
from moto.server import main
from serverless_sessions.testing.locked_moto import make_atomic
from servers.moto_sizes import measure_items
make_atomic()
measure_items()
main(["--host", sys.argv[1], "--port", sys.argv[2]])
"""


@dataclass(frozen=True)
class DynamoDBServer:
    """A DynamoDB that takes any credentials and any region."""

    port: int
    version: str
    pid: int

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"


@contextmanager
def moto_server() -> Iterator[DynamoDBServer]:
    try:
        name = f"moto {version('moto')}"
    except PackageNotFoundError:
        raise ServerMissing("moto is not installed") from None
    with reserved_port() as port:
        command = [sys.executable, "-c", SERVE, HOST, str(port)]
        with running(command, _loaded(port)) as pid:
            yield DynamoDBServer(port, name, pid)


def _loaded(port: int) -> Callable[[], bool]:
    """moto imports its DynamoDB when the first request for it comes."""
    credential = "AWS4-HMAC-SHA256 Credential=anybody/20000101/eu-west-1/dynamodb/aws4_request"
    headers = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Authorization": credential}
    return answers_post(port, "/", {}, **headers)
