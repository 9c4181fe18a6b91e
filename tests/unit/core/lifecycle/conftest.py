"""A scene on each driver, and one with a live session in it."""

from __future__ import annotations

from typing import Any

import pytest

from serverless_sessions.testing.browser import Driver
from serverless_sessions.testing.clock import FrozenClock
from support.scenes import SITUATIONS, Scene


@pytest.fixture(params=["sync", "async"])
def driver(request: pytest.FixtureRequest) -> Driver:
    chosen: Driver = request.param
    return chosen


@pytest.fixture
def scene(driver: Driver) -> Any:
    with FrozenClock() as clock:
        yield Scene(driver, clock)


@pytest.fixture
def live(scene: Scene) -> Scene:
    SITUATIONS["live"](scene)
    scene.store.calls.clear()
    return scene
