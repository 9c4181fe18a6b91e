"""HTTP in front of Microsoft's Python runtime for Azure Functions; runs in its environment.

    python azure_functions_front.py APP_FOLDER PORT

The runtime loads the function app and calls it as in Azure's worker, through its entry points
without protobuf. What the host does, which is not to be had here, is done as its source does it:
headers arrive once each, in small letters; cookies leave as the fields of the worker's protocol
alone, written by ASP.NET. ``POST /admin/functions/NAME`` runs a function with a timer.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import threading
import traceback
import uuid
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from azure_functions_runtime import handle_event, start_threadpool_executor
from azure_functions_runtime.bindings.datumdef import Datum, parse_to_rpc_http_cookie_list
from azure_functions_runtime.bindings.meta import load_binding_registry
from azure_functions_runtime.native_invocation import invocation_request_native

HOST = "127.0.0.1"
SAME_SITE = SimpleNamespace(Lax="lax", Strict="strict", ExplicitNone="none", **{"None": ""})


class Message(SimpleNamespace):
    """A message of the worker's protocol: whatever fields it is made with."""


class BindingInfo(Message):
    out, inout, undefined = 1, 2, -1


class RpcHttpCookie(Message):
    SameSite = SAME_SITE


PROTOCOL = SimpleNamespace(
    BindingInfo=BindingInfo,
    NullableBool=Message,
    NullableDouble=Message,
    NullableString=Message,
    NullableTimestamp=Message,
    RpcFunctionMetadata=Message,
    RpcHttpCookie=RpcHttpCookie,
    RpcRetryOptions=Message,
    Timestamp=Message,
)
setattr(BindingInfo, "in", 0)


class Function(NamedTuple):
    id: str
    name: str
    trigger: str
    argument: str
    route: re.Pattern[str]
    methods: frozenset[str]


def load(folder: str) -> list[Function]:
    """The functions of an app. Raises what the runtime raises for one that it refuses."""
    sys.path.insert(0, folder)
    os.chdir(folder)
    handle_event.protos = PROTOCOL
    load_binding_registry()
    handle_event.load_function_metadata(folder, "front")
    prefix = _route_prefix(Path(folder, "host.json"))
    return [_function(found, prefix) for found in handle_event._metadata_result]


def _route_prefix(settings: Path) -> str:
    host = json.loads(settings.read_text()) if settings.exists() else {}
    prefix: str = host.get("extensions", {}).get("http", {}).get("routePrefix", "api")
    return f"/{prefix}/" if prefix else "/"


def _function(metadata: Any, prefix: str) -> Function:
    bindings = [json.loads(raw) for raw in metadata.raw_bindings]
    (trigger,) = [binding for binding in bindings if binding["type"].endswith("Trigger")]
    route = trigger.get("route") or metadata.name
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(prefix + route))
    pattern = re.sub(r"\\\{\\\*(\w+)\\\}", r"(?P<\1>.*)", pattern)
    methods = frozenset(method.upper() for method in trigger.get("methods") or ())
    return Function(
        metadata.function_id,
        metadata.name,
        trigger["type"],
        trigger["name"],
        re.compile(pattern, re.IGNORECASE),
        methods,
    )


class Front(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    functions: list[Function]
    loop: asyncio.AbstractEventLoop

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            self._serve(urlsplit(self.path), body)
        except Exception:  # noqa: BLE001  (the host answers 500 whatever failed)
            traceback.print_exc()
            self._send(500, [], b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing: the log is for what fails."""

    def _serve(self, url: Any, body: bytes) -> None:
        for function in self.functions:
            match = function.route.fullmatch(url.path)
            if function.trigger == "timerTrigger":
                if url.path == f"/admin/functions/{function.name}":
                    timer = Datum(json.dumps({"IsPastDue": False}), "json")
                    self._invoke(function, timer)
                    return self._send(202, [], b"")
            elif match and (not function.methods or self.command in function.methods):
                request = self._request(url, match.groupdict(), body)
                return self._answer(self._invoke(function, request))
        return self._send(404, [], b"")

    def _request(self, url: Any, route: dict[str, str], body: bytes) -> Datum:
        headers: dict[str, list[str]] = {}
        for name, value in self.headers.items():
            headers.setdefault(name.lower(), []).append(value)
        address = f"http://{self.headers.get('host', HOST)}{self.path}"
        return Datum(
            {
                "method": _text(self.command),
                "url": _text(address),
                "headers": {name: _text(",".join(values)) for name, values in headers.items()},
                "body": Datum(body, "bytes"),
                "params": {name: _text(value) for name, value in route.items()},
                "query": {name: _text(value) for name, value in parse_qsl(url.query)},
            },
            "http",
        )

    def _invoke(self, function: Function, argument: Datum) -> Datum | None:
        inputs = [(function.argument, argument)]
        invocation = invocation_request_native(str(uuid.uuid4()), function.id, inputs, {})
        called = asyncio.run_coroutine_threadsafe(invocation, self.loop)
        succeeded, result, out, error, trace = called.result()
        if not succeeded:
            raise RuntimeError(f"the function failed: {error}\n{trace}")
        for name, datum in out:
            print(f"out {name} = {datum.value}", flush=True)
        return result

    def _answer(self, result: Datum | None) -> None:
        if result is None:
            return self._send(204, [], b"")
        if result.type != "http":
            text = str(result.value).encode()
            return self._send(200, [("Content-Type", "text/plain; charset=utf-8")], text)
        value = result.value
        headers = [(name, datum.value) for name, datum in value["headers"].items()]
        for cookie in parse_to_rpc_http_cookie_list(value["cookies"], PROTOCOL) or ():
            headers.append(("Set-Cookie", _set_cookie(cookie)))
        return self._send(int(value["status_code"].value), headers, value["body"].value)

    def _send(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding"):
                self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(body)


def _text(value: str) -> Datum:
    return Datum(value, "string")


def _set_cookie(cookie: Any) -> str:
    """As Microsoft.Net.Http.Headers writes it."""
    parts = [f"{cookie.name}={cookie.value}"]
    if cookie.expires is not None:
        when = datetime.fromtimestamp(cookie.expires.value.seconds, UTC)
        parts.append(f"expires={when:%a, %d %b %Y %H:%M:%S} GMT")
    if cookie.max_age is not None:
        parts.append(f"max-age={int(cookie.max_age.value)}")
    if cookie.domain.value:
        parts.append(f"domain={cookie.domain.value}")
    if cookie.path.value:
        parts.append(f"path={cookie.path.value}")
    if cookie.secure.value:
        parts.append("secure")
    if cookie.same_site:
        parts.append(f"samesite={cookie.same_site}")
    if cookie.http_only.value:
        parts.append("httponly")
    return "; ".join(parts)


def main(folder: str, port: str) -> None:
    start_threadpool_executor()
    Front.functions = load(os.path.realpath(folder))
    Front.loop = asyncio.new_event_loop()
    with ThreadingHTTPServer((HOST, int(port)), Front) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        Front.loop.run_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
