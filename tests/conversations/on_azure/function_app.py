"""The application as Azure functions: below ``/handler/`` and below ``/async_handler/``."""

from __future__ import annotations

import azure.functions as func

from conversations.app import Reply, reply, reply_async
from serverless_sessions import AsyncSession, Session
from serverless_sessions.handlers.azure_functions import with_session

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("handler/{*path}")
@with_session
def handler(req: func.HttpRequest, session: Session) -> func.HttpResponse:
    return _response(reply(req.route_params["path"], session))


@app.route("async_handler/{*path}")
@with_session
async def async_handler(req: func.HttpRequest, session: AsyncSession) -> func.HttpResponse:
    return _response(await reply_async(req.route_params["path"], session))


def _response(answer: Reply) -> func.HttpResponse:
    return func.HttpResponse(answer.body, status_code=answer.status, headers=answer.headers)
