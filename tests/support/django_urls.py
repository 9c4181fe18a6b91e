"""What the Django site of the tests answers."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from serverless_sessions import current_session


def set_(request: HttpRequest, name: str, value: str) -> HttpResponse:
    request.session[name] = value
    return HttpResponse("set")


def look(request: HttpRequest, name: str) -> HttpResponse:
    return HttpResponse(str(request.session.get(name)))


def delete(request: HttpRequest, name: str) -> HttpResponse:
    del request.session[name]
    return HttpResponse("deleted")


def append(request: HttpRequest) -> HttpResponse:
    request.session.setdefault("list", []).append("x")
    return HttpResponse(str(request.session["list"]))


def fails(request: HttpRequest, status: int) -> HttpResponse:
    request.session["failed"] = 1
    return HttpResponse("failed", status=status)


def raises(request: HttpRequest) -> HttpResponse:
    request.session.flush()
    raise LookupError


def log_in(request: HttpRequest, name: str) -> HttpResponse:
    user: Any = authenticate(request, username=name, password="secret")
    request.session["before"] = "kept"
    login(request, user)
    request.session["after"] = "kept"
    return HttpResponse("welcome")


def new_password(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    user.set_password("secret")
    user.save()
    update_session_auth_hash(request, user)
    return HttpResponse("changed")


def new_key(request: HttpRequest) -> HttpResponse:
    request.session.cycle_key()
    return HttpResponse("changed")


def log_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponse("bye")


def who(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(request.user))


def warn(request: HttpRequest, text: str) -> HttpResponse:
    messages.warning(request, text)
    return HttpResponse("warned")


def warnings(request: HttpRequest) -> HttpResponse:
    return HttpResponse(" ".join(str(message) for message in messages.get_messages(request)))


def expire(request: HttpRequest, seconds: str) -> HttpResponse:
    request.session.set_expiry(int(seconds))
    return HttpResponse("set")


def key(request: HttpRequest) -> HttpResponse:
    if not request.session.session_key:
        request.session.create()
    return HttpResponse(request.session.session_key)


def count(request: HttpRequest) -> HttpResponse:
    session = current_session()
    assert session is request.session.ours
    return HttpResponse(str(session.modify("n", lambda n: n + 1, 0)))


def ours(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(request.session.ours.user))


async def count_async(request: HttpRequest) -> HttpResponse:
    n = await request.session.aget("n", 0)
    await request.session.aset("n", n + 1)
    return HttpResponse(str(n + 1))


def stream(request: HttpRequest) -> StreamingHttpResponse:
    request.session["streamed"] = "yes"

    def body() -> Iterator[str]:
        yield str(request.session["streamed"])

    return StreamingHttpResponse(body())


def stream_late(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(str(request.session.get(name)) for name in ["a"])


def file(_: HttpRequest) -> FileResponse:
    return FileResponse(io.BytesIO(b"file"))


def plain(_: HttpRequest) -> HttpResponse:
    return HttpResponse("plain")


urlpatterns = [
    path("admin/", admin.site.urls),
    path("set/<name>/<value>", set_),
    path("look/<name>", look),
    path("delete/<name>", delete),
    path("append", append),
    path("fails/<int:status>", fails),
    path("raises", raises),
    path("login/<name>", log_in),
    path("password", new_password),
    path("new-key", new_key),
    path("logout", log_out),
    path("who", who),
    path("warn/<text>", warn),
    path("warnings", warnings),
    path("expire/<seconds>", expire),
    path("key", key),
    path("count", count),
    path("ours", ours),
    path("count-async", count_async),
    path("stream", stream),
    path("stream-late", stream_late),
    path("file", file),
    path("plain", plain),
]
