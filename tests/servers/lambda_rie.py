"""A handler in Lambda's own Python runtime client, under AWS's runtime interface emulator.

One emulator is one instance of a function: it runs one invocation at a time, and is started anew
after a timeout.
"""

from __future__ import annotations

import http.client
import json
import platform
import queue
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import serverless_sessions
import serverless_sessions_adapters
from servers.process import HOST, ServerMissing, accepts, installed, reserved_port, running

EMULATOR = "rie/samcli/local/rapid/aws-lambda-rie-{}"
"""In AWS's wheel of its SAM CLI, of which nothing else is used."""
MACHINES = {"x86_64": "x86_64", "aarch64": "arm64"}
RUNTIME = "lambda/awslambdaric"
"""Beside it stands boto3, which Lambda's runtime has as well."""
PATIENCE = 60.0
_INVOKE = "/2015-03-31/functions/function/invocations"
_SOURCES = [
    Path(str(package.__file__)).parents[1]
    for package in (serverless_sessions, serverless_sessions_adapters)
]


class FunctionFailed(Exception):
    """What Lambda says of an invocation that failed."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message


@dataclass(frozen=True)
class LambdaFunction:
    """One instance of a function."""

    port: int
    pid: int

    def invoke(self, event: object) -> Any:
        """The handler's result as Lambda hands it on. Raises FunctionFailed."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=PATIENCE)
        try:
            connection.request("POST", _INVOKE, json.dumps(event))
            payload = connection.getresponse().read().decode()
        finally:
            connection.close()
        try:
            result = json.loads(payload)
        except ValueError:
            raise FunctionFailed("Runtime", payload) from None
        if isinstance(result, dict) and "errorMessage" in result:
            raise FunctionFailed(result.get("errorType", ""), result["errorMessage"])
        return result


class Instances:
    """Several instances of one function: an invocation goes to one that is free."""

    def __init__(self, functions: list[LambdaFunction]) -> None:
        self._free: queue.Queue[LambdaFunction] = queue.Queue()
        for function in functions:
            self._free.put(function)

    def invoke(self, event: object) -> Any:
        """As ``LambdaFunction.invoke``, for any number of threads."""
        function = self._free.get(timeout=PATIENCE)
        try:
            return function.invoke(event)
        finally:
            self._free.put(function)


@dataclass(frozen=True)
class LambdaRuntime:
    """Starts functions."""

    emulator: Path
    client: Path
    version: str

    @contextmanager
    def function(
        self,
        handler: str,
        *folders: Path,
        seconds: int = 10,
        environment: Mapping[str, str] | None = None,
        alone: bool = False,
    ) -> Iterator[LambdaFunction]:
        """``handler`` is module.function, the module in one of ``folders``; ``seconds`` is the
        timeout. Nothing of this process's environment is there; ``alone``, nothing can be imported
        but from ``folders`` and what Lambda's runtime has, either."""
        sources, options = ([], "-SPBm") if alone else (_SOURCES, "-m")
        with reserved_port() as port, reserved_port() as api_port:
            variables = {
                "AWS_LAMBDA_FUNCTION_TIMEOUT": str(seconds),
                "PYTHONPATH": ":".join(map(str, [*folders, *sources, self.client])),
                **(environment or {}),
            }
            command = [
                *("env", "-i", *(f"{name}={value}" for name, value in variables.items())),
                str(self.emulator),
                *("--runtime-interface-emulator-address", f"{HOST}:{port}"),
                *("--runtime-api-address", f"{HOST}:{api_port}"),
                *(sys.executable, options, "awslambdaric", handler),
            ]
            with running(command, accepts(port)) as pid:
                yield LambdaFunction(port, pid)

    @contextmanager
    def instances(
        self, number: int, handler: str, *folders: Path, **options: Any
    ) -> Iterator[Instances]:
        """So many instances of one function; for ``options`` see ``function``."""
        with ExitStack() as running_ones:
            yield Instances(
                [
                    running_ones.enter_context(self.function(handler, *folders, **options))
                    for _ in range(number)
                ]
            )


@contextmanager
def lambda_runtime() -> Iterator[LambdaRuntime]:
    machine = MACHINES.get(platform.machine())
    if machine is None:
        raise ServerMissing(f"AWS has no Lambda emulator for {platform.machine()}")
    emulator = installed(EMULATOR.format(machine))
    client = installed(RUNTIME).parent
    versions = [_version(emulator.parents[3], "aws_sam_cli"), _version(client, "awslambdaric")]
    yield LambdaRuntime(emulator, client, f"Lambda emulator {versions[0]}, runtime {versions[1]}")


def _version(folder: Path, distribution: str) -> str:
    [found] = folder.glob(f"{distribution}-*.dist-info")
    return found.name.removeprefix(f"{distribution}-").removesuffix(".dist-info")
