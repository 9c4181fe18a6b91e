"""As ``streaming``, a Django site in a process of its own."""

from __future__ import annotations

import io

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from support.streaming import FILE, GO_ON, pieces

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["serverless_sessions.handlers.django.SessionMiddleware"],
    SESSION_ENGINE="serverless_sessions.handlers.django",
    SESSION_COOKIE_NAME="__Host-session",
    SESSION_COOKIE_SECURE=True,
    LOGGING_CONFIG=None,
)


def stream(request: HttpRequest) -> StreamingHttpResponse:
    request.session["n"] = 1
    return StreamingHttpResponse(pieces(request.session.ours))


def count(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(request.session.ours.modify("n", lambda n: n + 1, 0)))


def look(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(request.session.get("n")))


def file(request: HttpRequest) -> FileResponse:
    request.session["n"] = 1
    return FileResponse(io.BytesIO(FILE), content_type="text/plain")


def go(_: HttpRequest) -> HttpResponse:
    GO_ON.set()
    return HttpResponse("go")


urlpatterns = [
    path("stream", stream),
    path("count", count),
    path("look", look),
    path("file", file),
    path("go", go),
]
application = get_wsgi_application()
