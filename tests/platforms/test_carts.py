"""The shopping cart on Google Cloud and Azure, each in its runtime."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest

from conversations.visitor import PATIENCE, Answer
from servers.azure_functions_host import azure_functions
from servers.fixtures import Servers
from servers.functions_framework import functions_framework
from servers.process import HOST

EXAMPLES = Path(__file__).parents[2] / "examples"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module", params=["cloud functions", "azure functions"])
def port(
    request: pytest.FixtureRequest, servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    store = {"SESSION_STORE": f"sqlite:///{tmp_path_factory.mktemp('cart') / 'sessions.db'}"}
    if request.param == "azure functions":
        yield servers.start("azure_cart", azure_functions(EXAMPLES, store)).port
        return
    with functions_framework(EXAMPLES / "main.py", "handler", store) as framework:
        yield framework.port


def send(port: int, method: str, path: str, body: str = "", **headers: str) -> Answer:
    connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, {**FORM, **named})
        answered = connection.getresponse()
        return Answer(answered.status, answered.getheaders(), answered.read().decode())
    finally:
        connection.close()


def test_the_shop_works(port: int) -> None:
    about = send(port, "GET", "/about")
    assert (about.status, about.values("set-cookie")) == (200, [])
    assert about.values("content-type") == ["text/html; charset=utf-8"]
    assert about.values("cache-control") == ["public, max-age=300"]

    added = send(port, "POST", "/cart/add", "sku=mug")
    assert (added.status, added.values("location")) == (303, ["/"])
    cookie = added.values("set-cookie")[0].partition(";")[0]
    assert "Enamel mug: put into your cart." in send(port, "GET", "/", Cookie=cookie).body

    logged_in = send(port, "POST", "/login", "name=ann", Cookie=cookie)
    new = logged_in.values("set-cookie")[0].partition(";")[0]
    assert "Hello, ann." in send(port, "GET", "/", Cookie=new).body
    foreign = send(port, "POST", "/cart/add", "sku=mug", Cookie=new, Sec_Fetch_Site="cross-site")
    assert foreign.status == 403
    assert "none yet" in send(port, "GET", "/facts", Cookie=cookie).body
    assert send(port, "HEAD", "/about").status == 200
    assert send(port, "GET", "/nowhere").status == 404
