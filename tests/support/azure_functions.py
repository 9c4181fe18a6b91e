"""An HTTP function in Azure's programming model, in this process."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import azure.functions as func
from azure.functions.http import HttpResponseConverter

from serverless_sessions import AsyncSession, MemoryStore, Session, SessionConfig
from serverless_sessions.handlers.azure_functions import with_session
from serverless_sessions.testing.browser import Driver
from serverless_sessions.testing.watched import WatchedStore, finished

Headers = list[tuple[str, str]]


class Reply(NamedTuple):
    status: int
    headers: Headers
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for given, value in self.headers if given.lower() == name]


def request(path: str = "/", headers: dict[str, str] | None = None) -> func.HttpRequest:
    return func.HttpRequest("POST", f"http://localhost/api{path}", headers=headers, body=b"")


def deployed(function: Callable[..., Any]) -> Callable[..., Any]:
    """What the worker gets of the function: by Azure's decorators, registered and built."""
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    app.route("visits")(function)
    (built,) = app.get_functions()
    user_function: Callable[..., Any] = built.get_user_function()
    return user_function


def called(function: Callable[..., Any], **bindings: Any) -> Any:
    """What the worker gets back: it names every argument."""
    if inspect.iscoroutinefunction(function):
        return asyncio.run(function(**bindings))
    return function(**bindings)


def sent(result: Any) -> Reply:
    """What the worker sends of a result, by Azure's own converter."""
    datum = HttpResponseConverter.encode(result, expected_type=None)
    if datum.type == "string":
        return Reply(200, [("content-type", "text/plain; charset=utf-8")], datum.value.encode())
    value = datum.value
    headers = [(name, header.value) for name, header in value["headers"].items()]
    for cookie in value["cookies"] or ():
        headers += [("set-cookie", morsel.OutputString()) for morsel in cookie.values()]
    return Reply(int(value["status_code"].value), headers, value["body"].value)


def made(driver: Driver, act: Callable[[Any, Any], Any], **options: Any) -> Any:
    """A function of that kind, which does what ``act`` says."""

    @with_session(**options)
    def function(req: func.HttpRequest, session: Session) -> func.HttpResponse:
        result: func.HttpResponse = finished(act(req, session))
        return result

    @with_session(**options)
    async def async_function(req: func.HttpRequest, session: AsyncSession) -> func.HttpResponse:
        result: func.HttpResponse = await act(req, session)
        return result

    return function if driver == "sync" else async_function


class Site:
    """One store, and whoever visits the functions that use it."""

    def __init__(self, driver: Driver) -> None:
        self.driver: Driver = driver
        self.store = WatchedStore(MemoryStore())
        self.config = SessionConfig()
        self.cookie = ""

    def invoke(self, act: Callable[[Any, Any], Any], **options: Any) -> Any:
        options = {"store": self.store, "config": self.config, **options}
        function = deployed(made(self.driver, act, **options))
        headers = {"Cookie": self.cookie} if self.cookie else {}
        return called(function, req=request(headers=headers))

    def visit(self, act: Callable[[Any, Any], Any], **options: Any) -> Reply:
        reply = sent(self.invoke(act, **options))
        for line in reply.values("set-cookie"):
            if line.startswith(f"{self.config.cookie_name}="):
                self.cookie = "" if "Max-Age=0" in line else line.partition(";")[0]
        return reply

    def stored(self) -> dict[str, str]:
        records = [record for _, record in self.store.inner.scan()]
        return {n: e.text for record in records for n, e in record.entries.items()}
