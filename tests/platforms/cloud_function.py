"""Functions for the framework that the tests run them in."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator

import flask
import functions_framework
import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from serverless_sessions import AsyncSession, Session
from serverless_sessions.handlers.cloud_functions import with_session

AT_ONCE = 16
together = threading.Barrier(AT_ONCE)
waiting: list[asyncio.Future[None]] = []


@functions_framework.http
@with_session
def function(request: flask.Request, session: Session) -> flask.typing.ResponseReturnValue:
    match request.path:
        case "/visits":
            return str(session.modify("visits", lambda n: n + 1, 0))
        case "/together":
            session["met"] = session.get("met", 0) + 1
            together.wait(20)
            return f"{session['met']} {os.getpid()}"
        case "/stream":
            session["visits"] = 10

            def parts() -> Iterator[str]:
                yield "one "
                yield "two"

            return parts()
        case "/cookies":
            session["visits"] = 1
            return "ok", 201, [("Set-Cookie", "theme=dark; Path=/"), ("Set-Cookie", "lang=en")]
        case "/login":
            session.bind("ann")
            return flask.abort(flask.redirect("/visits", 303))
        case "/logout":
            session.destroy()
            return "", 204
        case _:
            session["visits"] = 100
            return flask.abort(503)


@functions_framework.aio.http
@with_session
async def async_function(request: Request, session: AsyncSession) -> Response | str:
    match request.url.path:
        case "/visits":
            return str(await session.modify("visits", lambda n: n + 1, 0))
        case "/together":
            session.set("met", await session.get("met", 0) + 1)
            await _meet()
            return f"{await session.get('met')} {os.getpid()}"
        case "/echo":
            return f"{len(await request.body())} bytes"
        case "/logout":
            session.destroy()
            return Response(status_code=204)
    session.set("visits", 100)
    raise ValueError("out of lanterns")


async def _meet() -> None:
    """Return when sixteen requests are here at the same time."""
    met = asyncio.get_running_loop().create_future()
    waiting.append(met)
    if len(waiting) == AT_ONCE:
        for each in waiting:
            each.set_result(None)
        waiting.clear()
    async with asyncio.timeout(20):
        await met
