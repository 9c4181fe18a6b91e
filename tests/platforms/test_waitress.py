"""A WSGI server with threads serves plain WSGI, Flask and Django, and the shop with each."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import pytest

from servers.process import HOST
from servers.waitress import THREADS, waitress
from support.streaming import FILE

PATIENCE = 30.0
COOKIE = "__Host-session"
SITES = {
    "wsgi": "support.streaming:application",
    "flask": "support.streaming:flask_app",
    "django": "support.streaming_django:application",
}
SHOPS = {
    "wsgi": "cart.wsgi:application",
    "flask": "cart.flask_app:app",
    "django": "cart.django_app:application",
}


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    text: str


class Visitor:
    def __init__(self, port: int) -> None:
        self.port = port
        self.cookie = ""

    def ask(
        self, path: str, form: dict[str, str] | None = None, **more: str
    ) -> http.client.HTTPResponse:
        """The answer with its body still to be read."""
        headers = {"Cookie": self.cookie, "Connection": "close", **more}
        body = None if form is None else urlencode(form)
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection(HOST, self.port, timeout=PATIENCE)
        connection.request("GET" if body is None else "POST", path, body, headers)
        response = connection.getresponse()
        for line in response.headers.get_all("Set-Cookie", []):
            if line.startswith(f"{COOKIE}="):
                self.cookie = line.partition(";")[0]
        return response

    def answer(self, path: str, form: dict[str, str] | None = None, **more: str) -> Answer:
        with self.ask(path, form, **more) as response:
            return Answer(response.status, response.headers, response.read().decode())

    def text(self, path: str) -> str:
        answer = self.answer(path)
        assert answer.status == 200
        return answer.text


def serving(application: str, folder: Path) -> Iterator[Visitor]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SESSION_STORE", f"sqlite:///{folder / 'sessions.db'}")
        with waitress(application) as port:
            yield Visitor(port)


@pytest.fixture(scope="module", params=SITES)
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Visitor]:
    yield from serving(SITES[request.param], tmp_path_factory.mktemp("waitress"))


@pytest.fixture
def visitor(site: Visitor) -> Visitor:
    return Visitor(site.port)


def test_a_stream_is_saved_before_its_first_piece_leaves(visitor: Visitor) -> None:
    with visitor.ask("/stream") as stream:
        assert stream.read(6) == b"first "
        assert visitor.text("/look") == "1"
        assert visitor.text("/go") == "go"
        assert stream.read() == b"closed"


def test_a_file_is_sent_whole(visitor: Visitor) -> None:
    with visitor.ask("/file") as response:
        assert response.read() == FILE
    assert visitor.text("/look") == "1"


def test_many_visitors_at_once_share_no_session(visitor: Visitor) -> None:
    visitors = [Visitor(visitor.port) for _ in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        for n in ("1", "2", "3"):
            assert list(pool.map(lambda one: one.text("/count"), visitors)) == [n] * THREADS
    assert len({one.cookie for one in visitors}) == THREADS


@pytest.fixture(params=SHOPS)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Visitor]:
    yield from serving(SHOPS[request.param], tmp_path)


def test_the_shop_works(shop: Visitor) -> None:
    about = shop.answer("/about")
    assert (about.status, about.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert about.headers["Set-Cookie"] is None
    added = shop.answer("/cart/add", {"sku": "mug"})
    assert (added.status, added.headers["Location"]) == (303, "/")
    assert "Enamel mug: put into your cart." in shop.text("/")
    refused = shop.answer("/cart/add", {"sku": "mug"}, **{"Sec-Fetch-Site": "cross-site"})
    assert refused.status == 403
    before = shop.cookie
    assert shop.answer("/login", {"name": "Ann"}).status == 303
    assert shop.cookie != before
    assert "Hello, Ann." in shop.text("/")
    assert shop.answer("/logout", {}).headers["Location"] == "/goodbye"
    assert shop.answer("/nowhere").status == 404
    assert shop.answer("/about", {}).status == 405
