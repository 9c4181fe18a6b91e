"""The shop on uvicorn, as a process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from servers.process import HOST, TESTS, accepts, reserved_port, running


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The shop's address."""
    database: Path = tmp_path_factory.mktemp("shop") / "sessions.db"
    with reserved_port() as port:
        command = [
            *("env", f"SESSION_STORE=sqlite:///{database}", "SESSION_COOKIE_SECURE=off"),
            *(sys.executable, "-m", "uvicorn", "cart.asgi:app", "--host", HOST),
            *("--port", str(port), "--app-dir", str(TESTS.parent / "examples")),
        ]
        with running(command, accepts(port)):
            yield f"http://{HOST}:{port}"


def test_the_shop_sells(shop: str) -> None:
    with httpx.Client(base_url=shop, follow_redirects=True, timeout=30) as visitor:
        about = visitor.get("/about")
        assert (about.status_code, about.headers.get("set-cookie")) == (200, None)
        assert about.headers["cache-control"] == "public, max-age=300"
        page = visitor.post("/cart/add", data={"sku": "mug"}).text
        assert "Enamel mug: put into your cart." in page
        page = visitor.post("/login", data={"name": "Ada"}).text
        assert "Hello, Ada." in page
        assert "Enamel mug" in page.partition('id="cart"')[2]
        visitor.post("/slow", data={"key": "left", "seconds": "0"})
        assert "set after 0 s" in visitor.get("/facts").text
        before = visitor.cookies["session"]
        assert "session" not in visitor.post("/logout").request.headers.get("cookie", "")
        visitor.cookies.set("session", before)
        assert "set after" not in visitor.get("/facts").text
    with httpx.Client(base_url=shop) as stranger:
        refused = stranger.post(
            "/cart/add", data={"sku": "mug"}, headers={"Sec-Fetch-Site": "cross-site"}
        )
        assert refused.status_code == 403
