"""with_session on Azure Functions, through the real ``azure-functions``."""

from __future__ import annotations

import asyncio
import inspect
import typing
from typing import Any

import azure.functions as func
import pytest

from serverless_sessions import (
    AsyncSession,
    ConfigurationError,
    MemoryStore,
    Session,
    SessionConfig,
    StoreUnavailable,
)
from serverless_sessions.arrival import header
from serverless_sessions.handlers.azure_functions import with_session
from serverless_sessions.testing.browser import Driver, settled
from support.azure_functions import Reply, Site, called, deployed, made, request, sent
from support.failures import down

NAME = "__Host-session"
OURS = ("set-cookie", "cache-control", "vary")


@pytest.fixture(params=["sync", "async"])
def site(request: pytest.FixtureRequest) -> Site:
    driver: Driver = request.param
    return Site(driver)


async def count(req: func.HttpRequest, session: Any) -> func.HttpResponse:
    session.set("visits", 1 + await settled(session.get("visits", 0)))
    return func.HttpResponse(str(await settled(session.get("visits"))))


async def log_out(req: func.HttpRequest, session: Any) -> str:
    session.destroy()
    return "bye"


def test_a_visitor_is_recognised(site: Site) -> None:
    first = site.visit(count)
    assert first.values("set-cookie") == [f"{site.cookie}; HttpOnly; Path=/; SameSite=Lax; Secure"]
    assert first.values("cache-control") == ["no-store"]
    second = site.visit(count)
    assert (second.status, second.body, second.values("set-cookie")) == (200, b"2", [])
    assert (second.values("cache-control"), second.values("vary")) == (["private"], ["Cookie"])


def test_a_log_out_clears_the_cookie_through_azures_own_parser(site: Site) -> None:
    site.visit(count)
    (line,) = site.visit(log_out).values("set-cookie")
    assert {part.strip() for part in line.split(";")} == {
        *(f"{NAME}=", "expires=Thu, 01 Jan 1970 00:00:00 GMT", "Max-Age=0"),
        *("HttpOnly", "Path=/", "SameSite=Lax", "Secure"),
    }
    assert site.stored() == {}


def test_a_request_that_uses_no_session_costs_nothing(site: Site) -> None:
    async def nothing(req: func.HttpRequest, session: Any) -> func.HttpResponse:
        return func.HttpResponse("ok")

    assert [name for name, _ in site.visit(nothing).headers if name.lower() in OURS] == []
    assert site.store.calls == []


@pytest.mark.parametrize(("status", "saved"), [(200, True), (303, True), (404, True), (500, False)])
def test_a_server_error_saves_nothing(site: Site, status: int, saved: bool) -> None:
    async def act(req: func.HttpRequest, session: Any) -> func.HttpResponse:
        session.set("visits", 7)
        return func.HttpResponse("done", status_code=status)

    assert site.visit(act).status == status
    assert site.stored() == ({"visits": "[7]"} if saved else {})


@pytest.mark.parametrize("result", [None, b"bytes", {"a": 1}, ("a", 200)])
def test_what_the_worker_cannot_send_saves_nothing_and_is_left_to_it(
    site: Site, result: Any
) -> None:
    async def act(req: func.HttpRequest, session: Any) -> Any:
        session.set("visits", 7)
        return result

    assert site.invoke(act) is result
    assert site.stored() == {}


def test_a_function_that_raises_saves_nothing_but_a_log_out(site: Site) -> None:
    async def fail(req: func.HttpRequest, session: Any) -> Any:
        session.destroy()
        session.set("visits", 7)
        raise ValueError("out of lanterns")

    site.visit(count)
    with pytest.raises(ValueError, match="out of lanterns"):
        site.visit(fail)
    assert site.stored() == {}


def test_a_text_is_an_answer(site: Site) -> None:
    async def act(req: func.HttpRequest, session: Any) -> str:
        session.set("visits", 1)
        return "grüße"

    reply = site.visit(act)
    assert (reply.status, reply.body) == (200, "grüße".encode())
    assert reply.values("content-type") == ["text/plain; charset=utf-8"]
    assert len(reply.values("set-cookie")) == 1


def test_a_response_keeps_what_it_had(site: Site) -> None:
    def response() -> func.HttpResponse:
        response = func.HttpResponse(
            "grüße", status_code=203, mimetype="text/html", charset="latin-1"
        )
        response.headers.add("Set-Cookie", "theme=dark; Path=/")
        response.headers.add("Set-Cookie", "lang=en; Path=/")
        response.headers.add("X-Own", "1")
        response.headers.add("Vary", "Accept")
        return response

    async def act(req: func.HttpRequest, session: Any) -> func.HttpResponse:
        session.set("visits", 1)
        return response()

    bare, reply = sent(response()), site.visit(act)
    assert (reply.status, reply.body) == (bare.status, bare.body)
    assert reply.values("set-cookie")[:2] == bare.values("set-cookie")
    assert reply.values("set-cookie")[2].startswith(f"{NAME}=")
    assert reply.values("vary") == ["Accept, Cookie"]
    assert others(reply) == others(bare)


def others(reply: Reply) -> list[tuple[str, str]]:
    return sorted((n.lower(), v) for n, v in reply.headers if n.lower() not in OURS)


def test_one_response_object_for_everybody_carries_nobodys_cookie(site: Site) -> None:
    shared = func.HttpResponse("same")

    async def act(req: func.HttpRequest, session: Any) -> func.HttpResponse:
        session.set("visits", 1)
        return shared

    results = [site.invoke(act) for _ in range(2)]
    cookies = [result.headers.get_all("set-cookie") for result in results]
    assert [len(lines) for lines in cookies] == [1, 1]
    assert cookies[0] != cookies[1]
    assert list(shared.headers.items()) == []


def test_a_store_that_fails_is_a_503(site: Site) -> None:
    site.visit(count)
    site.store.before = down
    reply = site.visit(count)
    assert (reply.status, reply.body) == (503, b"Service Unavailable")
    assert reply.values("retry-after") == ["1"]
    assert reply.values("content-type") == ["text/plain; charset=utf-8"]
    site.config = SessionConfig(on_store_error="raise")
    with pytest.raises(StoreUnavailable):
        site.visit(count)


def test_ids_in_a_header(site: Site) -> None:
    function = deployed(made(site.driver, count, store=site.store, id_from=header("X-Session-Id")))
    first = sent(called(function, req=request()))
    (session_id,) = first.values("x-session-id")
    assert first.values("set-cookie") == []
    again = sent(called(function, req=request(headers={"x-session-ID": session_id})))
    assert again.body == b"2"


def test_a_trusted_id_is_found_in_azures_request(site: Site) -> None:
    def user(req: func.HttpRequest) -> str | None:
        assert isinstance(req, func.HttpRequest)
        found: str | None = req.headers.get("x-ms-client-principal-id")
        return found

    site.config = SessionConfig(trusted_id_key="k" * 32)
    function = deployed(
        made(site.driver, count, store=site.store, config=site.config, trusted_id=("user", user))
    )
    for name, visits in (("ann", b"1"), ("ann", b"2"), ("bob", b"1")):
        headers = {"X-MS-Client-Principal-Id": name}
        assert sent(called(function, req=request(headers=headers))).body == visits


def test_every_binding_reaches_the_function_by_its_name() -> None:
    app = func.FunctionApp()

    @app.route("visits", trigger_arg_name="asked")
    @app.queue_output(arg_name="msg", queue_name="visits", connection="storage")
    @app.blob_input(arg_name="picture", path="pictures/one", connection="storage")
    @with_session(store=MemoryStore())
    def visits(
        picture: func.InputStream,
        session: Session,
        asked: func.HttpRequest,
        msg: func.Out[str],
        context: func.Context,
    ) -> str:
        session.set("k", 1)
        return f"{picture} {msg} {context} {asked.method}"

    (built,) = app.get_functions()
    function = built.get_user_function()
    reply = sent(function(asked=request(), picture="blob", msg="out", context="here"))
    assert reply.body == b"blob out here POST"
    assert len(reply.values("set-cookie")) == 1


def test_the_worker_finds_no_session_among_the_parameters_and_can_resolve_the_rest() -> None:
    """This module's annotations are texts, as with ``from __future__ import annotations``."""

    @with_session(store=MemoryStore())
    def visits(req: func.HttpRequest, msg: func.Out[str], session: Session) -> func.HttpResponse:
        return func.HttpResponse("ok")

    assert list(inspect.signature(visits).parameters) == ["req", "msg"]
    assert typing.get_type_hints(visits) == {
        "req": func.HttpRequest,
        "msg": func.Out[str],
        "return": func.HttpResponse,
    }


def test_a_function_is_called_with_its_request_in_place_too() -> None:
    @with_session(store=MemoryStore())
    def visits(req: func.HttpRequest, session: Session) -> str:
        session.set("k", 1)
        return "ok"

    @with_session(store=MemoryStore())
    async def async_visits(req: func.HttpRequest, session: AsyncSession) -> str:
        session.set("k", 1)
        return "ok"

    assert visits(request()).get_body() == b"ok"
    assert asyncio.run(async_visits(request())).get_body() == b"ok"


def test_it_goes_below_azures_decorators() -> None:
    app = func.FunctionApp()

    @app.route("visits")
    def visits(req: func.HttpRequest) -> str:
        return "ok"

    decorate: Any = with_session(store=MemoryStore())
    with pytest.raises(TypeError, match=r"move it below @app\.route"):
        decorate(visits)


def test_a_binding_named_session_is_refused() -> None:
    @with_session(store=MemoryStore())
    def visits(req: func.HttpRequest, session: Session) -> str:
        return "ok"

    with pytest.raises(TypeError, match="session"):
        visits(req=request(), session="a binding's value")


def test_another_trigger_is_refused() -> None:
    @with_session(store=MemoryStore())
    def clean(timer: Any, session: Session) -> str:
        pytest.fail("the function was called")

    with pytest.raises(ConfigurationError, match=r"HTTP trigger \(@app\.route\)"):
        clean(timer=object())


def test_a_partitioned_cookie_would_be_lost_and_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_COOKIE_PARTITIONED", "on")
    with pytest.raises(ConfigurationError, match="SESSION_COOKIE_PARTITIONED"):
        made("sync", count, store=MemoryStore())


@pytest.mark.parametrize("annotation", ["positional", "async session"])
def test_a_function_that_could_not_be_called_is_refused(annotation: str) -> None:
    def positional(req: func.HttpRequest, /, session: Session) -> str:
        return "ok"

    def async_session(req: func.HttpRequest, session: AsyncSession) -> str:
        return "ok"

    decorate: Any = with_session(store=MemoryStore())
    with pytest.raises(TypeError, match=r"by its name|of type Session"):
        decorate(positional if annotation == "positional" else async_session)
