"""Does with the session what a test asks for, as the site's page for tests does in JavaScript.

Values are devalue's text, so that each type can be sent.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from serverless_sessions import Session, SessionConfig
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.values import UNDEFINED, devalue


@dataclass
class Gate:
    """Holds a request until a test opens it, and tells the test that the request is there."""

    reached: threading.Event = field(default_factory=threading.Event)
    open: threading.Event = field(default_factory=threading.Event)

    def pass_through(self) -> None:
        self.reached.set()
        if not self.open.wait(30):
            raise TimeoutError("nobody opened the gate")


GATES: dict[str, Gate] = defaultdict(Gate)

STEPS: dict[str, Callable[..., Any]] = {
    "get": lambda session, key: devalue.dumps(session.get(key, UNDEFINED)),
    "keys": lambda session: devalue.dumps(list(session.keys())),
    "set": lambda session, key, text, ttl=None: session.set(key, devalue.loads(text), ttl=ttl),
    "set_tuple": lambda session, key: session.set(key, (1, 2)),
    "count": lambda session, key: session.modify(key, lambda n: n + 1, 0),
    "delete": lambda session, key: session.delete(key),
    "regenerate": lambda session: session.regenerate(),
    "destroy": lambda session: session.destroy(),
    "bind": lambda session, user: session.bind(user),
    "user": lambda session: devalue.dumps(session.user),
    "pause": lambda _, gate: GATES[gate].pass_through(),
}


@with_session(config=SessionConfig.astro())
def handler(event: dict[str, Any], context: object, session: Session) -> dict[str, Any]:
    path: str = event["rawPath"]
    if path.startswith("/gates/"):
        gate = GATES[path.removeprefix("/gates/")]
        if event["requestContext"]["http"]["method"] == "POST":
            gate.open.set()
        elif not gate.reached.wait(30):
            raise TimeoutError("no request reached the gate")
        return {"statusCode": 200, "body": ""}
    results = []
    for name, *given in json.loads(event["body"]):
        result = STEPS[name](session, *given)
        results.append(True if result is None else result)
    return {"statusCode": 200, "body": json.dumps(results)}
