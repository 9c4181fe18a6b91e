"""The shop as an ASGI application, for uvicorn, hypercorn and others."""

from __future__ import annotations

import asyncio
from typing import Any

from serverless_sessions import current_session
from serverless_sessions.handlers.asgi import SessionMiddleware

from . import shop
from .web import Request


async def application(scope: Any, receive: Any, send: Any) -> None:
    """The shop awaits nothing, so it answers in a thread: there it has a plain Session."""
    if scope["type"] != "http":
        raise ValueError("the shop speaks HTTP and nothing else")
    request = await _request(scope, receive)
    answer = await asyncio.to_thread(shop.answer, request, current_session())
    headers = [(k.lower().encode(), v.encode()) for k, v in answer.headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body.encode()})


app = SessionMiddleware(application)


async def _request(scope: Any, receive: Any) -> Request:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return Request(scope["method"], scope["path"], headers, body)
