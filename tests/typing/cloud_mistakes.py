"""Wrong uses on Google Cloud and Azure, as in ``mistakes.py``."""

# pyright: reportUntypedFunctionDecorator=false

from __future__ import annotations

import azure.functions as func
import flask
from starlette.requests import Request

from serverless_sessions import AsyncSession, Session
from serverless_sessions.handlers import azure_functions, cloud_functions


@cloud_functions.with_session  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
def async_session_in_a_def(request: flask.Request, session: AsyncSession) -> str:
    return "ok"


@cloud_functions.with_session  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
async def session_in_an_async_def(request: Request, session: Session) -> str:
    return "ok"


@cloud_functions.with_session  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
def two_arguments(request: flask.Request, context: object, session: Session) -> str:
    return "ok"


@cloud_functions.with_session  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
def a_result_that_flask_does_not_take(request: flask.Request, session: Session) -> int:
    return 7


@cloud_functions.with_session(stores="memory://")  # type: ignore[call-overload, untyped-decorator]  # pyright: ignore[reportCallIssue]
def another_option(request: flask.Request, session: Session) -> str:
    return "ok"


@azure_functions.with_session  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
def async_session_in_an_azure_def(req: func.HttpRequest, session: AsyncSession) -> str:
    return "ok"


@azure_functions.with_session  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
async def session_in_an_azure_async_def(
    req: func.HttpRequest, context: func.Context, session: Session
) -> str:
    return "ok"


@azure_functions.with_session  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
def bytes_are_no_answer(req: func.HttpRequest, session: Session) -> bytes:
    return b"ok"
