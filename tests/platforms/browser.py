"""Headless Chromium, the shop as a visitor uses it, and somebody else's page."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, sync_playwright

from platforms.serving import COOKIE
from support.missing import program

ARTEFACTS = Path(__file__).parents[2] / "artefacts"

# Whatever Chromium looks for by itself, it finds nothing outside this machine.
LOOPBACK = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE *.localhost"
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules={LOOPBACK}",
]
# Playwright turns this cache off, but visitors have it, and it keeps pages past a log-out.
SWITCHED_BACK_ON = ["--disable-back-forward-cache"]


@contextmanager
def chromium() -> Iterator[Browser]:
    path = program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=FLAGS, ignore_default_args=SWITCHED_BACK_ON
        )
        try:
            yield browser
        finally:
            browser.close()


class Tab:
    """One tab with the shop in it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self, path: str = "/") -> Tab:
        self.page.goto(path)
        return self

    def press(self, button: Locator) -> None:
        with self.page.expect_navigation():
            button.click()

    def add(self, product: str) -> None:
        self.press(self.page.get_by_role("button", name=f"Add {product} to the cart"))

    def more(self, product: str) -> None:
        self.press(self.page.get_by_role("button", name=f"One {product} more"))

    def less(self, product: str) -> None:
        self.press(self.page.get_by_role("button", name=f"One {product} less"))

    def log_in(self, name: str) -> None:
        self.page.get_by_label("Log in with any name").fill(name)
        self.press(self.page.get_by_role("button", name="Log in"))

    def log_out(self) -> None:
        self.press(self.page.get_by_role("button", name="Log out"))

    def back(self) -> None:
        self.page.go_back(wait_until="commit")

    @property
    def cart(self) -> dict[str, int]:
        lines = self.page.locator(".lines li").all()
        return {
            line.locator("b").inner_text(): int(line.locator("output").inner_text())
            for line in lines
        }

    @property
    def notices(self) -> list[str]:
        return self.page.locator(".notice").all_inner_texts()

    def fact(self, name: str) -> str:
        return self.page.locator(f"dt:text-is('{name}') + dd").inner_text()

    @property
    def cookie(self) -> dict[str, Any] | None:
        """The session's cookie as the browser's developer tools show it."""
        tools = self.page.context.new_cdp_session(self.page)
        found = tools.send("Network.getCookies")["cookies"]
        tools.detach()
        assert [cookie["name"] for cookie in found] in ([], [COOKIE])
        return found[0] if found else None

    @property
    def session_id(self) -> str | None:
        cookie = self.cookie
        return cookie["value"] if cookie else None


@dataclass
class OtherSite:
    """A page of somebody else; ``visits`` are the hosts and cookies it was asked for with."""

    port: int
    visits: list[tuple[str, str]] = field(default_factory=list)

    def url(self, host: str) -> str:
        return f"http://{host}:{self.port}/"


@contextmanager
def other_site(html: str) -> Iterator[OtherSite]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host = self.headers["Host"].partition(":")[0]
            site.visits.append((host, self.headers.get("Cookie", "")))
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site = OtherSite(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()
