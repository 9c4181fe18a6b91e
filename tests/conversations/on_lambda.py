"""The application as Lambda handlers."""

from __future__ import annotations

from typing import Any

from serverless_sessions import AsyncSession, Session
from serverless_sessions.handlers.aws_lambda import with_session

from .app import Reply, reply, reply_async


@with_session
def handler(event: dict[str, Any], context: object, session: Session) -> dict[str, Any]:
    return _result(event, reply(_path(event), session))


@with_session
async def async_handler(
    event: dict[str, Any], context: object, session: AsyncSession
) -> dict[str, Any]:
    return _result(event, await reply_async(_path(event), session))


def _path(event: dict[str, Any]) -> str:
    return str(event.get("rawPath") or event["path"])


def _result(event: dict[str, Any], answer: Reply) -> dict[str, Any]:
    if event.get("multiValueHeaders"):
        several = {name: [value] for name, value in answer.headers.items()}
        return {"statusCode": answer.status, "body": answer.body, "multiValueHeaders": several}
    return {"statusCode": answer.status, "body": answer.body, "headers": answer.headers}
