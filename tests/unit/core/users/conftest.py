"""The desk at which a user's sessions are asked for, in each way there is."""

from __future__ import annotations

import pytest

from support.desk import IDLE, WAYS, Desk, Way


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    chosen: Way = request.param
    return chosen


@pytest.fixture
def desk(way: Way) -> Desk:
    return Desk(way, idle_timeout=IDLE, touch_every=100)
