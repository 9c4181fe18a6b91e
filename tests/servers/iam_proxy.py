"""A proxy before DynamoDB that asks an IAM policy about every request, as AWS does.

An action is looked up with the ARN it is carried out on; a transaction takes the permission of
each of its parts (IAM with DynamoDB transactions). moto's own check knows no table's ARN.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from servers.process import HOST

PARTS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
DENIED = "com.amazon.coral.service#AccessDeniedException"
JSON = "application/x-amz-json-1.0"


class Call(NamedTuple):
    """An action on a resource."""

    action: str
    arn: str


class Policy:
    """What an IAM policy grants, and what of that was used. Conditions are not read: a statement
    that has any grants nothing here."""

    def __init__(self, text: str) -> None:
        statements = [s for s in json.loads(text)["Statement"] if "Condition" not in s]
        assert all(statement["Effect"] == "Allow" for statement in statements)
        self.granted = {
            Call(action, arn)
            for statement in statements
            for action in _listed(statement["Action"])
            for arn in _listed(statement["Resource"])
        }
        self.used: set[Call] = set()
        self.denied: set[Call] = set()

    @property
    def unused(self) -> set[Call]:
        return self.granted - self.used

    def allows(self, call: Call) -> bool:
        grants = {
            grant
            for grant in self.granted
            if fnmatchcase(call.action.lower(), grant.action.lower())
            and fnmatchcase(call.arn, grant.arn)
        }
        self.used |= grants
        if not grants:
            self.denied.add(call)
        return bool(grants)


@contextmanager
def iam_proxy(port: int, policy: Policy, arn_prefix: str) -> Iterator[int]:
    """Its port; ``port`` is DynamoDB's, and ``arn_prefix`` what stands before a table's name."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            operation = self.headers["X-Amz-Target"].partition(".")[2]
            calls = list(calls_of(operation, json.loads(body), arn_prefix))
            denied = [call for call in calls if not policy.allows(call)]
            if denied:
                message = f"not authorized to perform {denied[0].action} on {denied[0].arn}"
                self._answer(400, json.dumps({"__type": DENIED, "Message": message}).encode())
            else:
                self._answer(*_asked(port, body, dict(self.headers)))

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", JSON)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: the policy keeps count."""

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def calls_of(operation: str, body: Mapping[str, Any], arn_prefix: str) -> Iterator[Call]:
    """Raises KeyError for an operation without a table, which nothing here should send."""
    if operation.startswith("Transact"):
        for item in body["TransactItems"]:
            for kind, part in item.items():
                yield Call(f"dynamodb:{PARTS[kind]}", arn_prefix + part["TableName"])
    else:
        index = f"/index/{body['IndexName']}" if "IndexName" in body else ""
        yield Call(f"dynamodb:{operation}", arn_prefix + body["TableName"] + index)


def _asked(port: int, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    passed = {name: value for name, value in headers.items() if name.lower() != "host"}
    try:
        connection.request("POST", "/", body, passed)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
