"""The shop as a Django site in one file: its settings, its one view and its application."""

from __future__ import annotations

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import re_path

from . import shop
from .web import Request

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["serverless_sessions.handlers.django.SessionMiddleware"],
    SESSION_ENGINE="serverless_sessions.handlers.django",
    SESSION_COOKIE_NAME="__Host-session",
    SESSION_COOKIE_SECURE=True,
    SESSION_EXPIRE_AT_BROWSER_CLOSE=True,
)


def page(request: HttpRequest) -> HttpResponse:
    asked = Request(request.method, request.path, dict(request.headers), request.body)
    answer = shop.answer(asked, request.session.ours)
    return HttpResponse(answer.body, status=answer.status, headers=answer.headers)


urlpatterns = [re_path("", page)]
application = get_wsgi_application()
