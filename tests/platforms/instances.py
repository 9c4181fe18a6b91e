"""One process that becomes two instances of a function, by a fork or out of a snapshot.

Run as a program: prints what each instance drew and answered, a line of JSON each.
"""

from __future__ import annotations

import json
import os
import random
import sys
from typing import Any

from serverless_sessions import AsyncSession, Session
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.testing.lambda_events import HttpRequest, LambdaContext, to_event

TIMES = 8


@with_session
def handler(event: Any, context: Any, session: Session) -> Any:
    return {"statusCode": 200, "body": str(session.modify("n", lambda n: n + 1, default=0))}


@with_session
async def async_handler(event: Any, context: Any, session: AsyncSession) -> Any:
    return {"statusCode": 200, "body": str(await session.modify("n", lambda n: n + 1, default=0))}


def visit(function: Any, cookie: str = "") -> Any:
    headers = [("Cookie", cookie)] if cookie else []
    event = to_event("http-api", HttpRequest(headers=headers))
    return function(event, LambdaContext(timeout=60))


def new_visitor(function: Any) -> str:
    [line] = visit(function)["cookies"]
    return str(line.partition(";")[0])


def serve(function: Any, cookie: str, first: object) -> None:
    """As an instance: draw ids, and count in one session while the other instance does too."""
    ids = [new_visitor(function) for _ in range(TIMES)]
    statuses = [visit(function, cookie)["statusCode"] for _ in range(TIMES)]
    told = {
        "ids": ids,
        "statuses": statuses,
        "random": random.random(),
        "shares": function.sessions.store is first,
    }
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


class Restoring:
    """Stands where Lambda takes its snapshot: two processes go on from here.

    To each all is as it was when the snapshot was taken, its process id too.
    """

    def __init__(self) -> None:
        self.children: list[int] = []

    def restore_next(self) -> None:
        state, process = random.getstate(), os.getpid()
        for _ in range(2):
            child = os.fork()
            if child == 0:
                random.setstate(state)
                os.getpid = lambda: process
                self.children = []
                return
            self.children.append(child)


def wait_for(children: list[int]) -> None:
    for child in children:
        assert os.waitpid(child, 0)[1] == 0


def main(how: str, kind: str) -> None:
    function = handler if kind == "def" else async_handler
    cookie = new_visitor(function)  # connections are open from here on
    first = function.sessions.store
    if how == "snapshot":
        from awslambdaric.bootstrap import on_init_complete

        moment = Restoring()
        on_init_complete(moment, None)
        if moment.children:
            wait_for(moment.children)
        else:
            serve(function, cookie, first)
            return
    else:
        children = []
        for _ in range(2):
            children.append(os.fork())
            if children[-1] == 0:
                serve(function, cookie, first)
                os._exit(0)
        serve(function, cookie, first)
        wait_for(children)
    sys.stdout.write(json.dumps({"counted": visit(function, cookie)["body"]}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
