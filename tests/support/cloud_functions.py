"""A Cloud Function in Google's functions framework, in this process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, NamedTuple

import functions_framework
import functions_framework.aio
import httpx
import pytest

from serverless_sessions import AsyncSession, MemoryStore, Session, SessionConfig
from serverless_sessions.handlers.cloud_functions import with_session
from serverless_sessions.testing.watched import WatchedStore, finished

Mode = Literal["flask", "asgi", "asgi async"]
MODES: tuple[Mode, ...] = ("flask", "asgi", "asgi async")
"""In ASGI mode the framework runs a ``def`` in a thread, and awaits an ``async def``."""

SOURCE = str(Path(__file__).with_name("cloud_function_source.py"))
Headers = list[tuple[str, str]]

NAME = "__Host-session"
Act = Callable[[Any, Any], Coroutine[Any, Any, Any]]

under_test: Any = None


class Reply(NamedTuple):
    status: int
    headers: Headers
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for given, value in self.headers if given.lower() == name]


Send = Callable[..., Reply]
"""``send(path, method=..., headers=...)``"""


def made(mode: Mode, act: Act, **options: Any) -> Any:
    """A function of the kind that ``mode`` calls, which does what ``act`` says."""

    @with_session(**options)
    def function(request: Any, session: Session) -> Any:
        return finished(act(request, session))

    @with_session(**options)
    async def async_function(request: Any, session: AsyncSession) -> Any:
        return await act(request, session)

    return async_function if mode == "asgi async" else function


class Site:
    """One store, and whoever visits the functions that use it."""

    def __init__(self, mode: Mode) -> None:
        self.mode: Mode = mode
        self.store = WatchedStore(MemoryStore())
        self.config = SessionConfig()
        self.cookie = ""

    def visit(self, act: Act, path: str = "/", **options: Any) -> Reply:
        function = made(self.mode, act, store=self.store, config=self.config, **options)
        with serving(function, self.mode) as send:
            reply = send(path, headers=[("Cookie", self.cookie)] if self.cookie else [])
        for line in reply.values("set-cookie"):
            if line.startswith(f"{self.config.cookie_name}="):
                self.cookie = "" if "Max-Age=0" in line else line.partition(";")[0]
        return reply

    def stored(self) -> dict[str, str]:
        records = [record for _, record in self.store.inner.scan()]
        return {n: e.text for record in records for n, e in record.entries.items()}


@contextmanager
def framework(function: Callable[..., Any], mode: Mode) -> Iterator[Any]:
    """The application that the framework makes of the function; what it sets up is undone."""
    global under_test
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUNCTION_TARGET", "function")
        patch.setenv("FUNCTION_SIGNATURE_TYPE", "http")
        patch.setattr(sys, "path", [*sys.path])
        patch.setitem(sys.modules, "cloud_function_source", ModuleType("replaced"))
        under_test = function
        create = functions_framework if mode == "flask" else functions_framework.aio
        name = "create_app" if mode == "flask" else "create_asgi_app"
        yield getattr(create, name)("function", SOURCE)


@contextmanager
def serving(function: Callable[..., Any], mode: Mode) -> Iterator[Send]:
    """Sends requests to the function."""
    with framework(function, mode) as app:
        yield to_flask(app) if mode == "flask" else _to_starlette(app)


def to_flask(app: Any) -> Send:
    client = app.test_client(use_cookies=False)

    def send(path: str = "/", method: str = "GET", headers: Headers | None = None) -> Reply:
        answer = client.open(path, method=method, headers=headers or [])
        return Reply(answer.status_code, list(answer.headers.items()), answer.get_data())

    return send


def _to_starlette(app: Any) -> Send:
    async def sent(path: str, method: str, headers: Headers | None) -> Reply:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            answer = await client.request(method, path, headers=headers or [])
            return Reply(answer.status_code, answer.headers.multi_items(), answer.content)

    def send(path: str = "/", method: str = "GET", headers: Headers | None = None) -> Reply:
        return asyncio.run(sent(path, method, headers))

    return send
