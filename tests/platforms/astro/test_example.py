"""The example: a site and a function with one cart, as ``make demo-astro`` starts them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import httpx
import pytest

from servers.astro import Demo
from servers.process import TESTS, accepts, reserved_port, running
from servers.redis_server import RedisServer

RUN = TESTS.parent / "examples/astro/run.py"


@pytest.fixture(scope="module", params=["files", "redis"])
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, astro_demo: Demo
) -> Iterator[str]:
    """The site's address."""
    if request.param == "files":
        store = f"file://{tmp_path_factory.mktemp('sessions')}"
    else:
        server: RedisServer = request.getfixturevalue("redis_server")
        store = f"{server.url}?layout=astro&base=shop"
    with reserved_port() as port, reserved_port() as function_port:
        ports = (f"PORT={port}", f"FUNCTION_PORT={function_port}")
        command = ["env", *ports, f"SESSION_STORE={store}", sys.executable, str(RUN)]
        both = (accepts(port), accepts(function_port))
        with running(command, lambda: all(ready() for ready in both)):
            yield f"http://localhost:{port}"


class Browser:
    """Keeps the cookie although it is Secure, as browsers do on localhost, and names the page that
    a form is on."""

    def __init__(self, shop: str) -> None:
        self._client = httpx.Client(base_url=shop, timeout=60, trust_env=False)
        self.shop = shop
        self.cookie = ""
        self.ids: set[str] = set()

    def get(self, path: str) -> str:
        answer = self._keep(self._client.get(path, headers=self._headers()))
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        return answer.text

    def post(self, path: str, **form: str) -> str:
        """The page that the browser is sent to."""
        answer = self.posted(path, form)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        return self.get("/")

    def posted(self, path: str, form: dict[str, str], **headers: str) -> httpx.Response:
        here = {"Origin": self.shop, "Sec-Fetch-Site": "same-origin", **headers}
        return self._keep(self._client.post(path, data=form, headers={**here, **self._headers()}))

    def _headers(self) -> dict[str, str]:
        return {"Cookie": self.cookie} if self.cookie else {}

    def _keep(self, answer: httpx.Response) -> httpx.Response:
        self._client.cookies.clear()
        for line in answer.headers.get_list("set-cookie"):
            is_over = "Max-Age=0" in line or "01 Jan 1970" in line
            self.cookie = "" if is_over else line.partition(";")[0]
        if self.cookie:
            self.ids.add(self.cookie.partition("=")[2])
        assert not any(session_id in answer.text for session_id in self.ids)
        return answer

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()


def cart(page: str) -> dict[str, int]:
    table = page.partition('id="cart"')[2].partition("</table>")[0]
    return {name: int(n) for name, n in re.findall(r"<td>([^<]*)</td><td>(\d+)</td>", table)}


def test_site_and_function_fill_one_cart(shop: str) -> None:
    with Browser(shop) as browser:
        assert cart(browser.get("/")) == {}
        assert browser.cookie == ""
        browser.post("/add", sku="mug")
        page = browser.post("/function/add", sku="mug")
        assert cart(page) == {"Enamel mug": 2}
        browser.post("/function/add", sku="lantern")
        assert cart(browser.get("/function/cart")) == {"Enamel mug": 2, "Storm lantern": 1}
        assert len(browser.ids) == 1


@pytest.mark.parametrize(("logs_in", "logs_out"), [("", "/function"), ("/function", "")])
def test_one_logs_in_and_the_other_logs_out(shop: str, logs_in: str, logs_out: str) -> None:
    with Browser(shop) as browser:
        browser.post("/add", sku="mug")
        browser.post(f"{logs_in}/login", name="<b>Ada</b>")
        assert len(browser.ids) == 2
        for page in (browser.get("/"), browser.get("/function/cart")):
            assert "&lt;b&gt;Ada&lt;/b&gt;" in page
            assert "<b>Ada" not in page
            assert cart(page) == {"Enamel mug": 1}
        left_behind = browser.cookie
        browser.post(f"{logs_out}/logout")
        assert browser.cookie == ""
        browser.cookie = left_behind
        assert cart(browser.get("/")) == cart(browser.get("/function/cart")) == {}


@pytest.mark.parametrize("side", ["", "/function"])
def test_what_changes_nothing(shop: str, side: str) -> None:
    with Browser(shop) as browser:
        browser.post("/add", sku="mug")
        sku = {"sku": "mug"}
        elsewhere = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
        assert browser.posted(f"{side}/add", sku, **elsewhere).status_code == 403
        if side:
            by_itself = {"Sec-Fetch-Site": "cross-site"}  # which Astro does not look at
            assert browser.posted(f"{side}/add", sku, **by_itself).status_code == 403
        assert browser.posted(f"{side}/add", {"sku": "__proto__"}).status_code == 400
        assert browser.posted(f"{side}/login", {"name": " "}).status_code == 400
        got = httpx.get(f"{shop}{side}/add", headers={"Cookie": browser.cookie}, trust_env=False)
        assert got.status_code in (404, 405)
        assert cart(browser.get("/")) == {"Enamel mug": 1}
