"""A scene on each driver, and one with a live session in it."""

from __future__ import annotations

from typing import Any

import pytest

from serverless_sessions.testing.browser import Browser, Driver
from serverless_sessions.testing.clock import FrozenClock
from support.scenes import SITUATIONS, Scene
from support.sealed import OLD, Vault, log_in


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


@pytest.fixture
def vault(driver: Driver) -> Vault:
    return Vault(driver)


@pytest.fixture
def ann(vault: Vault) -> Browser:
    """Logged in, her session sealed with the old key."""
    browser = vault.browser(OLD)
    browser.request(log_in)
    return browser
