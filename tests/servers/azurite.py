"""Azurite's table service: in memory, with telemetry off.

It measures an entity by its JSON body, takes any number of properties and any property name, and
does not check the signature of a token.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from servers.certificate import certificate_in
from servers.process import HOST, accepts, installed, program, reserved_port, running

ACCOUNT = "devstoreaccount1"
# The key that Azurite documents for everybody's emulator; it opens nothing else.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass(frozen=True)
class Azurite:
    """A table service; ``certificate`` is to be trusted when the endpoint is https."""

    port: int
    version: str
    pid: int
    certificate: Path | None = None
    account: str = ACCOUNT
    key: str = field(default=KEY, repr=False)

    @property
    def endpoint(self) -> str:
        return f"{'http' if self.certificate is None else 'https'}://{HOST}:{self.port}/{ACCOUNT}"

    @property
    def connection_string(self) -> str:
        protocol = self.endpoint.partition(":")[0]
        return (
            f"DefaultEndpointsProtocol={protocol};AccountName={ACCOUNT};AccountKey={KEY};"
            f"TableEndpoint={self.endpoint};"
        )


@contextmanager
def azurite() -> Iterator[Azurite]:
    with reserved_port() as port, _started(port) as (pid, name):
        yield Azurite(port, name, pid)


@contextmanager
def azurite_with_sign_in() -> Iterator[Azurite]:
    """Over https, and taking the bearer tokens that a TokenCredential gives."""
    with tempfile.TemporaryDirectory() as folder, reserved_port() as port:
        files = certificate_in(Path(folder))
        options = ("--oauth", "basic", "--cert", str(files.certificate), "--key", str(files.key))
        with _started(port, *options) as (pid, name):
            yield Azurite(port, name, pid, files.certificate)


@contextmanager
def _started(port: int, *options: str) -> Iterator[tuple[int, str]]:
    package = installed("npm/node_modules/azurite")
    name = f"Azurite {json.loads((package / 'package.json').read_text())['version']}"
    node = (program("node"), str(package / "dist/src/table/main.js"))
    private = ("--inMemoryPersistence", "--disableTelemetry", "--silent")
    any_client = ("--skipApiVersionCheck",)
    command = [*node, "--tableHost", HOST, "--tablePort", str(port), *private, *any_client]
    with running([*command, *options], accepts(port)) as pid:
        yield pid, name
