"""Django's own tests of a session engine, run where its source distribution was unpacked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import django_site
from support.places import KINDS, Place

django_site.configure()

from django.test import SimpleTestCase, override_settings  # noqa: E402  (needs the settings)

from serverless_sessions.handlers.django import SessionStore  # noqa: E402

if (django_site.DJANGOS_TESTS / "sessions_tests").is_dir():
    from sessions_tests import tests as djangos

    Cases: Any = djangos.SessionTestsMixin
else:

    class Cases:  # type: ignore[no-redef]
        def test_of_django(self) -> None:
            refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
            refuse("Django's tests cannot be had: `make servers` unpacks them")


def _place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    name = request.cls.kept_in
    if name == "sqlite":
        return Place(f"sqlite:///{tmp_path_factory.mktemp('django') / 'sessions.db'}", {})
    kind = KINDS[name]
    server = request.getfixturevalue(kind.server)
    return kind.place(server, server.port)


@pytest.fixture(scope="class")
def _kept(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    place = _place(request, tmp_path_factory)
    with (
        place.opened(),
        override_settings(SESSION_STORE=place.url, SESSION_COOKIE_NAME="sessionid"),
    ):
        yield


pytestmark = pytest.mark.long


@pytest.mark.usefixtures("_kept")
class TestSqlite(Cases, SimpleTestCase):  # type: ignore[misc]  # Django ships no types
    kept_in = "sqlite"
    backend = SessionStore


@pytest.mark.usefixtures("_kept")
class TestDynamoDB(Cases, SimpleTestCase):  # type: ignore[misc]  # Django ships no types
    kept_in = "dynamodb"
    backend = SessionStore


@pytest.mark.usefixtures("_kept")
class TestRedis(Cases, SimpleTestCase):  # type: ignore[misc]  # Django ships no types
    kept_in = "redis"
    backend = SessionStore


def test_all_of_djangos_cases_are_run() -> None:
    if Cases.__module__ == "sessions_tests.tests":
        assert len([name for name in dir(Cases) if name.startswith("test_")]) == 65
        assert Path(djangos.__file__).is_relative_to(django_site.DJANGOS_TESTS)
