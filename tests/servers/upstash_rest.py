"""Upstash's REST protocol in front of a Redis, as a program of its own.

Written from Upstash's page "REST API" and from what upstash-redis sends. Left out, as the SDK
does not use it: commands in the path, tokens in the query, RESP2 answers and event streams.
"""

from __future__ import annotations

import base64
import json
import sys
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from servers.process import HOST
from servers.resp import Connection, Refused, Status

READ_ONLY_USER = "readonly"
MAX_REQUEST_BYTES = 10 * 1024 * 1024
STATEFUL = {"MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH", "SUBSCRIBE", "PSUBSCRIBE", "MONITOR"}
BLOCKING = {"BLPOP", "BRPOP", "BLMOVE", "BLMPOP", "BZPOPMIN", "BZPOPMAX", "BZMPOP", "WAIT"}
ADMINISTRATIVE = {"ACL", "AUTH", "CLUSTER", "CONFIG", "DEBUG", "HELLO", "REPLICAOF", "SHUTDOWN"}
REFUSED = STATEFUL | BLOCKING | ADMINISTRATIVE


class Rejected(Exception):
    """The whole request is answered with this error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class RestServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int, redis_port: int, token: str, read_only_token: str) -> None:
        super().__init__((HOST, port), Handler)
        self.redis_port = redis_port
        self.token = token
        self.read_only_token = read_only_token


class Handler(BaseHTTPRequestHandler):
    """One client's connection, with a connection to Redis of its own."""

    server: RestServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    redis: Connection | None = None
    redis_user = ""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            status, answer = self._answer(body)
        except Rejected as rejected:
            status, answer = rejected.status, {"error": str(rejected)}
        except OSError as error:
            self._disconnect()
            status, answer = 500, {"error": f"ERR internal error: {error}"}
        self._reply(status, answer)

    do_PUT = do_POST  # noqa: N815  # http.server finds methods by these names

    def do_GET(self) -> None:
        self._reply(405, {"error": "ERR method not allowed"})

    do_DELETE = do_GET  # noqa: N815  # as above

    def finish(self) -> None:
        self._disconnect()
        super().finish()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # its name there
        """Say nothing."""

    def _answer(self, body: bytes) -> tuple[int, Any]:
        redis = self._connected_as(self._user())
        if len(body) > MAX_REQUEST_BYTES:
            limits = f"Limit: {MAX_REQUEST_BYTES} bytes, Actual: {len(body)} bytes"
            raise Rejected(400, f"ERR max request size exceeded. {limits}")
        shown = _base64 if self.headers.get("Upstash-Encoding") == "base64" else _text
        match self.path:
            case "/":
                reply = _run(redis, [_command(_parsed(body))])[0]
                return 400 if isinstance(reply, Refused) else 200, _item(reply, shown)
            case "/pipeline":
                replies = _run(redis, _commands(body))
            case "/multi-exec":
                replies = _transaction(redis, _commands(body))
            case _:
                raise Rejected(400, "ERR failed to parse command")
        return 200, [_item(reply, shown) for reply in replies]

    def _user(self) -> str:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme == "Bearer" and token == self.server.token:
            return "default"
        if scheme == "Bearer" and token == self.server.read_only_token:
            return READ_ONLY_USER
        raise Rejected(401, "WRONGPASS invalid or missing auth token")

    def _connected_as(self, user: str) -> Connection:
        if self.redis is None or self.redis_user != user:
            self._disconnect()
            self.redis = Connection(HOST, self.server.redis_port)
            self.redis_user = user
            if user == READ_ONLY_USER:
                self.redis.call("AUTH", user, self.server.read_only_token)
        return self.redis

    def _disconnect(self) -> None:
        if self.redis is not None:
            self.redis.close()
        self.redis = None

    def _reply(self, status: int, answer: Any) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status == 200:
            self.send_header("Upstash-Sync-Token", f"{time.time_ns():x}")
        self.end_headers()
        self.wfile.write(body)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise Rejected(400, "ERR failed to parse command") from None


def _commands(body: bytes) -> list[list[str] | Refused]:
    parsed = _parsed(body)
    if not isinstance(parsed, list) or not parsed:
        raise Rejected(400, "ERR failed to parse pipeline request")
    return [_command(item) for item in parsed]


def _command(parsed: Any) -> list[str] | Refused:
    """The command as Redis takes it, or the error that is its reply."""
    if not isinstance(parsed, list) or not parsed:
        return Refused("ERR empty command")
    if any(argument is None or isinstance(argument, list | dict) for argument in parsed):
        return Refused("ERR failed to parse command")
    if str(parsed[0]).upper() in REFUSED:
        return Refused(f"ERR Command is not available: '{parsed[0]}'")
    return [argument if isinstance(argument, str) else json.dumps(argument) for argument in parsed]


def _run(redis: Connection, commands: Sequence[list[str] | Refused]) -> list[Any]:
    replies = iter(redis.pipeline([c for c in commands if not isinstance(c, Refused)]))
    return [c if isinstance(c, Refused) else next(replies) for c in commands]


def _transaction(redis: Connection, commands: Sequence[list[str] | Refused]) -> list[Any]:
    """All replies; one command that cannot be queued discards the whole."""
    good = [command for command in commands if not isinstance(command, Refused)]
    refused = [command for command in commands if isinstance(command, Refused)]
    if not refused:
        _, *queued, replies = redis.pipeline([["MULTI"], *good, ["EXEC"]])
        if isinstance(replies, list):
            return replies
        refused = [answer for answer in (*queued, replies) if isinstance(answer, Refused)]
    raise Rejected(400, str(refused[0]))


def _item(reply: Any, shown: Callable[[bytes], str]) -> dict[str, Any]:
    return {"error": str(reply)} if isinstance(reply, Refused) else {"result": _json(reply, shown)}


def _json(reply: Any, shown: Callable[[bytes], str]) -> Any:
    match reply:
        case list():
            return [_json(item, shown) for item in reply]
        case bytes():
            return shown(reply)
        case Status():
            return reply if reply == "OK" else shown(reply.encode())
        case Refused():
            return str(reply)
    return reply


def _base64(text: bytes) -> str:
    return base64.b64encode(text).decode()


def _text(text: bytes) -> str:
    return text.decode(errors="replace")


if __name__ == "__main__":
    port, redis_port, token, read_only_token = sys.argv[1:]
    RestServer(int(port), int(redis_port), token, read_only_token).serve_forever()
