"""Fixtures of the tests that use the shop in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext

from platforms import browser
from platforms.browser import ARTEFACTS, Tab
from platforms.serving import Server, serving


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("shop")) as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser.chromium() as running:
        yield running


@pytest.fixture
def visitor(
    chromium: Browser, shop: Server, request: pytest.FixtureRequest
) -> Iterator[BrowserContext]:
    """Somebody with a cookie jar of their own; what they saw last is kept as a picture."""
    context = chromium.new_context(base_url=f"http://localhost:{shop.port}")
    yield context
    test = re.sub(r"\W+", "-", request.node.name).strip("-")
    for number, page in enumerate(context.pages, 1):
        page.screenshot(path=ARTEFACTS / f"{test}-{number}.png", full_page=True)
    context.close()


@pytest.fixture
def tab(visitor: BrowserContext) -> Tab:
    return Tab(visitor.new_page()).open()


@pytest.fixture
def second_tab(tab: Tab, visitor: BrowserContext) -> Tab:
    return Tab(visitor.new_page()).open()
