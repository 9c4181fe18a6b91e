"""Serves the providers of some files on loopback, and writes where each is, until it is stopped.

python -m servers.schema_provider ADDRESSES.json google-8.7.0.json ...
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc

from .answers import Answers
from .wire import field

SERVING = field(1, 1)


class Calls(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc ships no types
    """Calls of one provider, and of go-plugin, which asks whether it is well."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def service(self, call: Any) -> Any:
        _, service, method = call.method.split("/")
        answer = self._found(service, method)
        return answer and grpc.unary_unary_rpc_method_handler(lambda request, _: answer(request))

    def _found(self, service: str, method: str) -> Callable[[bytes], bytes] | None:
        if (service, method) == ("grpc.health.v1.Health", "Check"):
            return lambda _: SERVING
        if service == "tfplugin6.Provider":
            found: Callable[[bytes], bytes] | None = getattr(self._answers, method, None)
            return found
        return None


def main(addresses: Path, files: list[Path]) -> None:
    servers, served = [], {}
    for file in files:
        document = json.loads(file.read_text("utf-8"))
        server = grpc.server(ThreadPoolExecutor(4), handlers=[Calls(Answers(document["schema"]))])
        served[document["provider"]] = _reattach(server.add_insecure_port("127.0.0.1:0"))
        server.start()
        servers.append(server)
    unfinished = addresses.with_suffix(".new")
    unfinished.write_text(json.dumps(served), "utf-8")
    unfinished.rename(addresses)
    threading.Event().wait()


def _reattach(port: int) -> dict[str, object]:
    """As TF_REATTACH_PROVIDERS has it (Terraform, "Debugging Providers")."""
    where = {"Network": "tcp", "String": f"127.0.0.1:{port}"}
    return {
        "Protocol": "grpc",
        "ProtocolVersion": 6,
        "Pid": os.getpid(),
        "Test": True,
        "Addr": where,
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
