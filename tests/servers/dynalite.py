"""dynalite: a second opinion on DynamoDB's expressions and sizes.

It has no transactions and no UpdateTimeToLive, and ignores ReturnValuesOnConditionCheckFailure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from servers.moto_server import DynamoDBServer
from servers.process import HOST, accepts, installed, program, reserved_port, running


@contextmanager
def dynalite() -> Iterator[DynamoDBServer]:
    package = installed("npm/node_modules/dynalite")
    name = f"dynalite {json.loads((package / 'package.json').read_text())['version']}"
    at_once = ("--createTableMs", "0", "--deleteTableMs", "0", "--updateTableMs", "0")
    with reserved_port() as port:
        node = (program("node"), str(package / "cli.js"))
        command = [*node, "--host", HOST, "--port", str(port), *at_once]
        with running(command, accepts(port)) as pid:
            yield DynamoDBServer(port, name, pid)
