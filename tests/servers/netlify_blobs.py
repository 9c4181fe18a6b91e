"""Netlify's own BlobsServer, with the etags and the order of writes that the hosted service has.

The etag of the content is our reading of the service. Each read is consistent.
"""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from servers.node import node
from servers.process import HOST, TESTS, accepts, installed, reserved_port, running

SITE = "0f5a1c4e-site"


@dataclass(frozen=True)
class NetlifyBlobs:
    """``context`` is the value of ``NETLIFY_BLOBS_CONTEXT``."""

    port: int
    version: str
    pid: int
    token: str = field(repr=False)
    site: str = SITE

    def context(self, port: int | None = None, **changed: str | None) -> str:
        url = f"http://{HOST}:{port or self.port}"
        told = {"siteID": SITE, "token": self.token, "edgeURL": url, "uncachedEdgeURL": url}
        kept = {name: value for name, value in {**told, **changed}.items() if value is not None}
        return base64.b64encode(json.dumps(kept).encode()).decode()

    def evaluated(self, code: str) -> str:
        """What a program prints that has Netlify's client as ``blobs`` and, as ``access``, what
        the client wants to know."""
        url = f"http://{HOST}:{self.port}"
        access = {"siteID": SITE, "token": self.token, "edgeURL": url, "uncachedEdgeURL": url}
        package = installed("npm/node_modules/@netlify/blobs/dist/main.js").as_uri()
        known = f"const blobs = await import({package!r}), access = {json.dumps(access)};\n"
        command = [node(), "--input-type=module", "--eval", known + code]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout


@contextmanager
def netlify_blobs() -> Iterator[NetlifyBlobs]:
    package = installed("npm/node_modules/@netlify/blobs")
    name = f"Netlify BlobsServer {json.loads((package / 'package.json').read_text())['version']}"
    token = secrets.token_urlsafe()
    with tempfile.TemporaryDirectory() as folder, reserved_port() as port:
        script = str(TESTS / "servers/netlify_blobs.mjs")
        command = [node(), script, str(port), folder, token, str(package)]
        with running(command, accepts(port)) as pid:
            yield NetlifyBlobs(port, name, pid, token)
