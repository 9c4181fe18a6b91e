"""The application as ASGI applications: awaited, in a thread, and with a session read ahead."""

from __future__ import annotations

import asyncio
from typing import Any

from serverless_sessions import current_async_session, current_session
from serverless_sessions.handlers.asgi import SessionMiddleware

from .app import Reply, reply, reply_async


async def _awaited(scope: Any, receive: Any, send: Any) -> None:
    await _send(send, await reply_async(scope["path"], current_async_session()))


async def _in_a_thread(scope: Any, receive: Any, send: Any) -> None:
    await _send(send, await asyncio.to_thread(reply, scope["path"], current_session()))


async def _send(send: Any, answer: Reply) -> None:
    headers = [(k.lower().encode(), v.encode()) for k, v in answer.headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body.encode()})


app = SessionMiddleware(_awaited)
threaded_app = SessionMiddleware(_in_a_thread)
mapping_app = SessionMiddleware(_in_a_thread, mapping=True)
