"""The site with Django's own middleware, with ours, and with each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from support import django_site
from support.django_site import OURS, STOCK
from support.django_visits import Site, in_use

django_site.configure()

from django.contrib.auth.models import User  # noqa: E402


@pytest.fixture(params=[STOCK, OURS], ids=["stock", "ours"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    yield from in_use(request.param)


@pytest.fixture
def ours() -> Iterator[Site]:
    yield from in_use(OURS)


@pytest.fixture
def stock() -> Iterator[Site]:
    yield from in_use(STOCK)


@pytest.fixture(scope="module")
def ann() -> Iterator[Any]:
    django_site.migrate()
    user = User.objects.create_superuser("ann", password="secret")
    yield user
    user.delete()
