"""The application as functions of Google Cloud, in threads and in an event loop."""

from __future__ import annotations

import flask
import functions_framework
import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from conversations.app import reply, reply_async
from serverless_sessions import AsyncSession, Session
from serverless_sessions.handlers.cloud_functions import with_session


@functions_framework.http
@with_session
def handler(request: flask.Request, session: Session) -> flask.Response:
    answer = reply(request.path, session)
    return flask.Response(answer.body, answer.status, answer.headers)


@functions_framework.aio.http
@with_session
async def async_handler(request: Request, session: AsyncSession) -> Response:
    answer = await reply_async(request.url.path, session)
    return Response(answer.body, answer.status, answer.headers)
