"""The application that most tests visit."""

from __future__ import annotations

import pytest

from support.flask_visits import Site


@pytest.fixture
def site() -> Site:
    return Site()
