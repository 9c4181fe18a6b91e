"""A function app for the runtime that the tests run it in."""

from __future__ import annotations

import threading

import azure.functions as func

from serverless_sessions import AsyncSession, Session
from serverless_sessions.handlers.azure_functions import with_session
from serverless_sessions.purging import purge_expired

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
together = threading.Barrier(8)


@app.route("visits")
@with_session
def visits(req: func.HttpRequest, session: Session) -> func.HttpResponse:
    return func.HttpResponse(str(session.modify("visits", lambda n: n + 1, 0)))


@app.route("visits/async")
@with_session
async def visits_async(req: func.HttpRequest, session: AsyncSession) -> str:
    return str(await session.modify("visits", lambda n: n + 1, 0))


@app.route("together")
@with_session
def met(req: func.HttpRequest, session: Session) -> str:
    """Answers when eight requests are here at the same time."""
    session["met"] = session.get("met", 0) + 1
    together.wait(20)
    return str(session["met"])


@app.route("logout")
@with_session
def logout(req: func.HttpRequest, session: Session) -> str:
    session.destroy()
    return "bye"


@app.function_name("cookies")
@app.route("cookies/{name}", methods=["POST"])
@with_session
def cookies(req: func.HttpRequest, session: Session) -> func.HttpResponse:
    session["name"] = req.route_params["name"]
    response = func.HttpResponse("ok", status_code=201, mimetype="text/html")
    response.headers.add("Set-Cookie", "theme=dark; Path=/")
    response.headers.add("Set-Cookie", "lang=en; Path=/; Max-Age=60")
    response.headers.add("Set-Cookie", "apart=1; Path=/; Secure; Partitioned")
    return response


@app.route("bindings")
@app.queue_output(arg_name="msg", queue_name="visits", connection="storage")
@with_session
def bindings(
    req: func.HttpRequest, context: func.Context, msg: func.Out[str], session: Session
) -> str:
    session["k"] = 1
    msg.set("queued")
    return context.function_name


@app.route("fails")
@with_session
def fails(req: func.HttpRequest, session: Session) -> str:
    session["visits"] = 100
    raise ValueError("out of lanterns")


@app.route("nothing")
@with_session
def nothing(req: func.HttpRequest, session: Session) -> func.HttpResponse:
    session["visits"] = 100
    return None  # type: ignore[return-value]  # what the runtime makes of it is tested


@app.timer_trigger(schedule="0 0 * * * *", arg_name="timer")
def purge(timer: func.TimerRequest) -> None:
    purge_expired(seconds=10)
