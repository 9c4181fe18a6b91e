"""``serverless-sessions serve``: a Lambda handler on a local port."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
from werkzeug.serving import BaseWSGIServer, make_server

from ..testing.lambda_events import FRONT_DOORS
from .gateway import Gateway
from .report import Terminal
from .target import load_handler
from .wire import RequestHandler


@click.command()
@click.argument("target", metavar="MODULE:HANDLER")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 takes any free one.",
)
@click.option(
    "--timeout",
    default=30.0,
    show_default=True,
    type=click.FloatRange(0, 900, min_open=True),
    help="Seconds that the Lambda context gives an invocation.",
)
@click.option(
    "--event",
    "front_door",
    default=FRONT_DOORS[0],
    show_default=True,
    type=click.Choice(FRONT_DOORS),
    help="The AWS service to stand in for.",
)
@click.option(
    "--insecure-cookies",
    is_flag=True,
    help="For browsers that refuse Secure cookies on http://localhost, as Safari does.",
)
def serve(
    target: str, host: str, port: int, timeout: float, front_door: str, insecure_cookies: bool
) -> None:
    """Serve a Lambda handler locally, for development.

    Prints each request with its status, its time and its calls to the session store. The
    handler is imported from the current directory, as in app:handler.
    """
    os.environ["SERVERLESS_SESSIONS_SERVE"] = "1"
    if insecure_cookies:
        os.environ["SESSION_COOKIE_SECURE"] = "off"
    sys.path.insert(0, str(Path.cwd()))
    terminal = Terminal()
    gateway = Gateway(load_handler(target), front_door, timeout, terminal.tell)
    server = make_server(host, port, gateway, threaded=True, request_handler=RequestHandler)
    terminal.say(f"{target} is served on {_address(server)} as behind {front_door}; Ctrl-C ends it")
    server.serve_forever()
    terminal.say("Ended.")


def _address(server: BaseWSGIServer) -> str:
    host = f"[{server.host}]" if ":" in server.host else server.host
    return f"http://{host}:{server.port}"
