"""What pages of others can do with a visitor's session, in headless Chromium: nothing.

The shop is on localhost. 127.0.0.1 is another site to a browser; another port of localhost is
another origin of the same site, whose requests carry the cookie, Lax or not.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Response

from platforms.browser import OtherSite, Tab, other_site
from platforms.serving import COOKIE, Server

ORIGINS = pytest.mark.parametrize(
    ("host", "carries_the_cookie"),
    [("127.0.0.1", False), ("localhost", True)],
    ids=["another-site", "another-port"],
)

PAGE = """<!doctype html>
<title>Prizes</title>
<form method="post" action="SHOP/cart/add"><button name="sku" value="kettle">add</button></form>
<form method="post" action="SHOP/logout"><button>logout</button></form>
<form method="post" action="SHOP/login"><button name="name" value="Mallory">login</button></form>
<a href="SHOP/">look</a> <a href="SHOP/logout">leave</a>
"""

FETCH = """([url, form]) => fetch(url, {
    method: "POST", mode: "no-cors", credentials: "include", body: new URLSearchParams(form)
})"""


@pytest.fixture(scope="module")
def others(shop: Server) -> Iterator[OtherSite]:
    with other_site(PAGE.replace("SHOP", f"http://localhost:{shop.port}")) as site:
        yield site


@pytest.fixture
def customer(tab: Tab) -> Tab:
    """Logged in, with a mug in the cart."""
    tab.add("Enamel mug")
    tab.log_in("Grace")
    return tab


def is_as_before(tab: Tab) -> bool:
    tab.open()
    return tab.fact("Visitor") == "Grace" and tab.cart == {"Enamel mug": 1}


def carries_cookie(response: Response) -> bool:
    return COOKIE in response.request.all_headers().get("cookie", "")


def posted_by(tab: Tab, button: str) -> Response:
    with tab.page.expect_response(lambda response: response.request.method == "POST") as answer:
        tab.press(tab.page.get_by_role("button", name=button))
    return answer.value


@ORIGINS
def test_a_form_of_another_origin_is_refused(
    customer: Tab, others: OtherSite, host: str, carries_the_cookie: bool
) -> None:
    for button in ("add", "logout", "login"):
        customer.open(others.url(host))
        response = posted_by(customer, button)
        assert response.status == 403
        assert carries_cookie(response) == carries_the_cookie
    assert is_as_before(customer)


@ORIGINS
def test_a_script_of_another_origin_is_refused(
    customer: Tab, others: OtherSite, shop: Server, host: str, carries_the_cookie: bool
) -> None:
    forms = {"/cart/add": {"sku": "kettle"}, "/logout": {}, "/login": {"name": "Mallory"}}
    for path, form in forms.items():
        customer.open(others.url(host))
        with customer.page.expect_response(f"**{path}") as answer:
            customer.page.evaluate(FETCH, [f"http://localhost:{shop.port}{path}", form])
        assert answer.value.status == 403
        assert is_as_before(customer)


@ORIGINS
def test_nobody_is_logged_in_from_elsewhere(
    tab: Tab, others: OtherSite, host: str, carries_the_cookie: bool
) -> None:
    tab.open(others.url(host))
    assert posted_by(tab, "login").status == 403
    assert tab.open().cookie is None


@ORIGINS
def test_a_link_from_elsewhere_finds_the_visitor_logged_in(
    customer: Tab, others: OtherSite, host: str, carries_the_cookie: bool
) -> None:
    customer.open(others.url(host))
    customer.press(customer.page.get_by_role("link", name="look"))
    assert customer.fact("Visitor") == "Grace"
    customer.open(others.url(host))
    customer.press(customer.page.get_by_role("link", name="leave"))
    assert "That did not work" in customer.page.content()
    assert is_as_before(customer)


def test_the_shop_is_shown_in_no_frame(customer: Tab, shop: Server) -> None:
    with other_site(f'<iframe src="http://localhost:{shop.port}/"></iframe>') as framer:
        customer.open(framer.url("localhost"))
        (frame,) = customer.page.main_frame.child_frames
        assert "Grace" not in frame.content()


def test_a_subdomain_neither_gets_the_cookie_nor_plants_one(
    visitor: BrowserContext, others: OtherSite, shop: Server
) -> None:
    address = f"http://shop.localhost:{shop.port}/"
    tab = Tab(visitor.new_page()).open(address)
    tab.add("Enamel mug")
    cookie = f"{COOKIE}={tab.session_id}"

    del others.visits[:]
    for host in ("shop.localhost", "sub.shop.localhost"):
        tab.open(others.url(host))
    assert ("shop.localhost", cookie) in others.visits, "ports keep no cookies apart"
    assert {sent for host, sent in others.visits if host == "sub.shop.localhost"} == {""}

    tab.page.evaluate(
        "line => { document.cookie = line }",
        f"{COOKIE}={'A' * 43}; Path=/; Secure; Domain=shop.localhost",
    )
    tab.open(address)
    assert f"{COOKIE}={tab.session_id}" == cookie
    assert tab.cart == {"Enamel mug": 1}
