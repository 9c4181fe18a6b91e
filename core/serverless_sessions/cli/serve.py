"""``serverless-sessions serve``: a Lambda handler on a local port."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import click
from werkzeug.serving import make_server

from ..testing.lambda_events import FRONT_DOORS
from .gateway import Gateway
from .listener import address, listen
from .operators import json_option
from .reload import inherited_listener, serve_and_reload
from .report import JsonLines, Terminal
from .target import load_handler, module_and_name
from .wire import RequestHandler


@click.command(epilog="Example: serverless-sessions serve app:handler --reload")
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
    "--event",
    "front_door",
    default=FRONT_DOORS[0],
    show_default=True,
    type=click.Choice(FRONT_DOORS),
    help="The AWS service to stand in for.",
)
@click.option(
    "--timeout",
    default=30.0,
    show_default=True,
    type=click.FloatRange(0, 900, min_open=True),
    help="Seconds that the Lambda context gives an invocation.",
)
@click.option(
    "--reload",
    "reloads",
    is_flag=True,
    help="Start again when a .py file in the current directory or below changes.",
)
@click.option(
    "--insecure-cookies",
    is_flag=True,
    help="For browsers that refuse Secure cookies on http://localhost, as Safari does.",
)
@json_option
def serve(
    target: str,
    host: str,
    port: int,
    front_door: str,
    timeout: float,
    reloads: bool,
    insecure_cookies: bool,
    as_json: bool,
) -> None:
    """Serve a Lambda handler locally, for development.

    Prints each request with its status, its time and its calls to the session store. The
    handler is imported from the current directory, as in app:handler.
    """
    module_and_name(target)
    terminal = JsonLines() if as_json else Terminal()
    inherited = inherited_listener()
    with inherited or listen(host, port) as listener:
        if reloads and inherited is None:
            serve_and_reload(listener, Path.cwd(), terminal.say)
        else:
            _prepare_surroundings(insecure_cookies)
            gateway = Gateway(load_handler(target), front_door, timeout, terminal.tell)
            terminal.say(
                f"{target} is served on {address(listener)} as behind {front_door}; Ctrl-C ends it"
            )
            _serve(gateway, listener)
    if inherited is None:
        terminal.say("Ended.")


def _prepare_surroundings(insecure_cookies: bool) -> None:
    os.environ["SERVERLESS_SESSIONS_SERVE"] = "1"
    if insecure_cookies:
        os.environ["SESSION_COOKIE_SECURE"] = "off"
    sys.path.insert(0, str(Path.cwd()))


def _serve(gateway: Gateway, listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    make_server(
        host,
        port,
        gateway,
        threaded=True,
        request_handler=RequestHandler,
        fd=listener.fileno(),
    ).serve_forever()
