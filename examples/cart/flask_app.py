"""The shop as a Flask application."""

from __future__ import annotations

from typing import TYPE_CHECKING

import flask

from serverless_sessions.handlers.flask import Sessions, session

from . import shop
from .web import Request

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

app = flask.Flask(__name__, static_folder=None)
Sessions(app)


@app.route("/", methods=METHODS)
@app.route("/<path:_>", methods=METHODS)
def page(_: str = "") -> ResponseReturnValue:
    asked = flask.request
    request = Request(asked.method, asked.path, dict(asked.headers), asked.get_data())
    answer = shop.answer(request, session)
    return answer.body, answer.status, answer.headers
