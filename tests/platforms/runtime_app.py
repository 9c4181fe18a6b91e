"""Handlers that run in Lambda's runtime, and do what the path says."""

from __future__ import annotations

import time
from typing import Any

from serverless_sessions import Session
from serverless_sessions.handlers.aws_lambda import with_session


@with_session
def handler(event: dict[str, Any], context: Any, session: Session) -> Any:
    match str(event["rawPath"]).strip("/").split("/"):
        case ["count"]:
            count = session.modify("n", lambda n: n + 1, default=0)
            return {"statusCode": 200, "body": str(count)}
        case ["raise"]:
            session.set("n", 1000)
            raise LookupError("as asked to")
        case ["sleep", how]:
            session.set("n", 1000)
            if how == "saved":
                session.save()
            time.sleep(30)
        case ["stream"]:
            return {"statusCode": 200, "body": iter("abc")}
        case ["left"]:
            return {"statusCode": 200, "body": str(context.get_remaining_time_in_millis())}
    return {"statusCode": 404}


async def undecorated(event: Any, context: Any) -> Any:
    return {"statusCode": 200}


def streaming(event: Any, context: Any) -> Any:
    yield "a"
