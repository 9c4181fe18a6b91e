"""The application as a Django site, with our middleware in it and with the one of WSGI round it."""

from __future__ import annotations

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import re_path

from serverless_sessions import current_session
from serverless_sessions.handlers.wsgi import SessionMiddleware

from .app import reply

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["serverless_sessions.handlers.django.SessionMiddleware"],
    SESSION_ENGINE="serverless_sessions.handlers.django",
    SESSION_COOKIE_NAME="__Host-session",
    SESSION_COOKIE_SECURE=True,
    SESSION_EXPIRE_AT_BROWSER_CLOSE=True,
    LOGGING_CONFIG=None,
)


def page(request: HttpRequest) -> HttpResponse:
    answer = reply(request.path, current_session())
    return HttpResponse(answer.body, status=answer.status, headers=answer.headers)


urlpatterns = [re_path("", page)]
application = get_wsgi_application()
with override_settings(MIDDLEWARE=[]):
    wrapped = SessionMiddleware(WSGIHandler())
