"""The shop as a Google Cloud function, on the functions framework and on Cloud Run."""

from __future__ import annotations

import flask
import functions_framework

from serverless_sessions import Session
from serverless_sessions.handlers.cloud_functions import with_session

from . import shop
from .web import Request


@functions_framework.http
@with_session
def handler(request: flask.Request, session: Session) -> flask.Response:
    asked = Request(request.method, request.path, dict(request.headers), request.get_data())
    answer = shop.answer(asked, session)
    return flask.Response(answer.body, answer.status, answer.headers)
