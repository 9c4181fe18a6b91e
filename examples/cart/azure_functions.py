"""The shop as an Azure function app, with a timer that removes expired sessions."""

from __future__ import annotations

from urllib.parse import urlsplit

import azure.functions as func

from serverless_sessions import Session
from serverless_sessions.handlers.azure_functions import with_session
from serverless_sessions.purging import purge_expired

from . import shop
from .web import Request

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("{*path}", methods=["GET", "HEAD", "POST"])
@with_session
def cart(req: func.HttpRequest, session: Session) -> func.HttpResponse:
    asked = Request(req.method, urlsplit(req.url).path, req.headers, req.get_body())
    answer = shop.answer(asked, session)
    return func.HttpResponse(answer.body, status_code=answer.status, headers=answer.headers)


@app.timer_trigger(schedule="0 17 * * * *", arg_name="timer")
def purge(timer: func.TimerRequest) -> None:
    purge_expired()
