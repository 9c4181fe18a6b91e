"""Correct uses of ``with_session`` on Google Cloud and Azure, and the types that they have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, assert_type

import azure.functions as func
import flask
from starlette.requests import Request
from starlette.responses import Response

from serverless_sessions import AsyncSession, MemoryStore, Session, SessionManager
from serverless_sessions.handlers import azure_functions, cloud_functions


@cloud_functions.with_session
def in_flask(request: flask.Request, session: Session) -> tuple[str, int]:
    return "ok", 200


@cloud_functions.with_session
def stream(request: flask.Request, session: Session) -> Iterator[str]:
    yield "ok"


@cloud_functions.with_session
async def in_asgi(request: Request, session: AsyncSession) -> Response:
    return Response("ok")


@cloud_functions.with_session(store="memory://")
def options(request: flask.Request, *, session: Session) -> flask.Response:
    return flask.Response("ok")


@cloud_functions.with_session(store=MemoryStore())
async def options_async(request: Request, session: AsyncSession) -> dict[str, int]:
    return {"a": 1}


@cloud_functions.with_session
def no_parameter(request: flask.Request) -> str:
    return "ok"


@cloud_functions.with_session
async def no_parameter_async(request: Request) -> str:
    return "ok"


OfFlask = cloud_functions.CloudFunction[flask.Request]
OfStarlette = cloud_functions.AsyncCloudFunction[Request]

assert_type(in_flask, OfFlask)
assert_type(stream, OfFlask)
assert_type(in_asgi, OfStarlette)
assert_type(options, OfFlask)
assert_type(options_async, OfStarlette)
assert_type(no_parameter, OfFlask)
assert_type(no_parameter_async, OfStarlette)
assert_type(in_flask.sessions, SessionManager)
assert_type(cloud_functions.with_session(), cloud_functions.Decorator)

app = func.FunctionApp()


@azure_functions.with_session
def one(req: func.HttpRequest, session: Session) -> func.HttpResponse:
    return func.HttpResponse("ok")


@azure_functions.with_session
async def one_async(req: func.HttpRequest, session: AsyncSession) -> str:
    return "ok"


@azure_functions.with_session
def two(req: func.HttpRequest, context: func.Context, session: Session) -> str:
    return "ok"


@azure_functions.with_session(store="memory://")
async def two_async(
    req: func.HttpRequest, msg: func.Out[str], session: AsyncSession
) -> func.HttpResponse:
    return func.HttpResponse("ok")


@azure_functions.with_session
def many(
    req: func.HttpRequest, blob: func.InputStream, msg: func.Out[str], session: Session
) -> str:
    return "ok"


@azure_functions.with_session
async def many_async(
    req: func.HttpRequest,
    blob: func.InputStream,
    msg: func.Out[str],
    context: func.Context,
    session: AsyncSession,
) -> str:
    return "ok"


@azure_functions.with_session
def no_session(req: func.HttpRequest) -> str:
    return "ok"


@azure_functions.with_session
async def no_session_async(req: func.HttpRequest, context: func.Context) -> str:
    return "ok"


@app.route("visits")
@azure_functions.with_session(store=MemoryStore())
def visits(req: func.HttpRequest, session: Session) -> func.HttpResponse:
    return func.HttpResponse("ok")


Sync = azure_functions.AzureFunction
Async = azure_functions.AsyncAzureFunction

assert_type(one, Sync)
assert_type(one_async, Async)
assert_type(two, Sync)
assert_type(two_async, Async)
assert_type(many, Sync)
assert_type(many_async, Async)
assert_type(no_session, Sync)
assert_type(no_session_async, Async)
assert_type(one.sessions, SessionManager)
assert_type(one(req=func.HttpRequest("GET", "/", body=b"")), func.HttpResponse)
assert_type(azure_functions.with_session(), azure_functions.Decorator)


async def awaited(request: Request, req: Any) -> None:
    await in_asgi(request)
    assert_type(await one_async(req=req), func.HttpResponse)
