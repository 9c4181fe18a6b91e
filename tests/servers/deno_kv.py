"""Deno's own KV behind KV Connect, the protocol by which it is reached over the network.

Storage, conditions and expiry are Deno's; the few messages of the protocol are our reading of its
published schema, and a value may take some bytes less than Deno Deploy's 65,536.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from servers.process import HOST, TESTS, accepts, installed, reserved_port, running


@dataclass(frozen=True)
class DenoKV:
    """``token`` is the value of ``DENO_KV_ACCESS_TOKEN``; ``program`` is Deno itself."""

    port: int
    version: str
    pid: int
    program: str
    token: str = field(repr=False)

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    def evaluated(self, code: str) -> str:
        """What a program of Deno's prints that has the database as ``kv``."""
        program = f"const kv = await Deno.openKv({self.endpoint!r});\n{code}\nkv.close();"
        done = subprocess.run(
            [self.program, "run", *_ALONE, "--no-check", f"--allow-net={HOST}", "--allow-env", "-"],
            input=program,
            env={**os.environ, "DENO_KV_ACCESS_TOKEN": self.token, "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout


_ALONE = ("--no-remote", "--no-config", "--no-lock", "--unstable-kv")


@contextmanager
def deno_kv() -> Iterator[DenoKV]:
    deno = str(installed("wheels/bin/deno"))
    told = subprocess.run([deno, "--version"], capture_output=True, text=True, check=True).stdout
    version = re.match(r"deno ([\d.]+)", told)
    token = secrets.token_urlsafe()
    with reserved_port() as port:
        allowed = (f"--allow-net={HOST}", "--allow-read", "--allow-write", "--allow-env")
        script = str(TESTS / "servers/deno_kv.ts")
        command = [deno, "run", *_ALONE, "--no-check", *allowed, script, str(port), token]
        with running(command, accepts(port)) as pid:
            name = f"Deno KV {version[1] if version else '?'}"
            yield DenoKV(port, name, pid, deno, token)
