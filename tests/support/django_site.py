"""A Django site in the tests' process, with its admin. Django is configured once in a process."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from pathlib import Path

import django
from django.conf import settings

from servers.process import INSTALLED

STOCK = "django.contrib.sessions.middleware.SessionMiddleware"
OURS = "serverless_sessions.handlers.django.SessionMiddleware"
DJANGOS_TESTS = INSTALLED / "django" / "tests"


def middleware(sessions: str) -> list[str]:
    return [
        sessions,
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ]


def configure() -> None:
    """Raises nothing when it was done before."""
    if settings.configured:
        return
    folder = Path(tempfile.mkdtemp())
    apps = [f"django.contrib.{name}" for name in ("admin", "auth", "contenttypes", "messages")]
    apps.append("django.contrib.sessions")
    if (DJANGOS_TESTS / "sessions_tests").is_dir():
        sys.path.append(str(DJANGOS_TESTS))
        apps.append("sessions_tests")
    processors = ["auth.context_processors.auth", "messages.context_processors.messages"]
    settings.configure(
        SECRET_KEY="nothing here is secret",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="support.django_urls",
        INSTALLED_APPS=apps,
        MIDDLEWARE=middleware(OURS),
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "db"}},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        LOGGING_CONFIG=None,
        USE_TZ=True,
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        *(f"django.contrib.{processor}" for processor in processors),
                    ]
                },
            }
        ],
        SESSION_ENGINE="serverless_sessions.handlers.django",
        SESSION_COOKIE_NAME="__Host-session",
        SESSION_COOKIE_SECURE=True,
        SESSION_EXPIRE_AT_BROWSER_CLOSE=True,
    )
    django.setup()
    from django.db import connections

    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(connections.close_all)


def migrate() -> None:
    """Make the tables of users and the admin; sessions have none."""
    from django.core.management import call_command

    configure()
    call_command("migrate", verbosity=0)
