"""Cloudflare's KV engine in miniflare, behind the paths of its HTTP API.

Every read is consistent, and a key takes any number of writes a second.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from servers.node import node
from servers.process import HOST, TESTS, accepts, installed, reserved_port, running

ACCOUNT, NAMESPACE = "0a1b2c", "3d4e5f"


@dataclass(frozen=True)
class CloudflareKV:
    """``token`` is the value of ``CLOUDFLARE_API_TOKEN``."""

    port: int
    version: str
    pid: int
    token: str = field(repr=False)

    def url(self, port: int | None = None, namespace: str = NAMESPACE) -> str:
        endpoint = f"http://{HOST}:{port or self.port}"
        return f"cloudflare-kv://{ACCOUNT}/{namespace}?endpoint={endpoint}"


@contextmanager
def cloudflare_kv() -> Iterator[CloudflareKV]:
    package = installed("npm/node_modules/miniflare")
    version = json.loads((package / "package.json").read_text())["version"]
    token = secrets.token_urlsafe()
    with reserved_port() as port:
        script = str(TESTS / "servers/cloudflare_kv.mjs")
        command = [node(), script, str(port), token, NAMESPACE, str(package)]
        with running(command, accepts(port)) as pid:
            yield CloudflareKV(port, f"Cloudflare KV in miniflare {version}", pid, token)
