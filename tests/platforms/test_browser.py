"""The cart as a visitor uses it, in headless Chromium."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, ConsoleMessage, Response

from cart.actions import LONGEST_NAME
from platforms.browser import ARTEFACTS, Tab
from platforms.serving import COOKIE, Server

TOO_WIDE = """[document.documentElement, ...document.querySelectorAll(".card, .panel")]
    .some(box => box.scrollWidth > box.clientWidth)"""


def is_open(shop: Server, session_id: str) -> bool:
    return "<dt>Handle</dt><dd>none yet</dd>" not in shop.get("/facts", session_id).body


def was_kept(tab: Tab) -> bool:
    """Whether the page is the very one that was marked, not one that was loaded anew."""
    return bool(tab.page.evaluate("window.marked"))


def mark(tab: Tab) -> None:
    tab.page.evaluate("window.marked = true")


def test_looking_around_leaves_no_cookie(tab: Tab) -> None:
    for path in ("/", "/about", "/facts", "/goodbye", "/nothing"):
        tab.open(path)
        assert tab.cookie is None


def test_the_cookie_is_as_closed_as_a_browser_can_keep_it(tab: Tab) -> None:
    tab.add("Enamel mug")
    cookie = tab.cookie
    assert cookie
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", cookie.pop("value"))
    # A domain without a leading dot is that of a cookie for this host alone.
    assert (
        cookie.items()
        >= {
            "name": "__Host-session",
            "domain": "localhost",
            "path": "/",
            "httpOnly": True,
            "secure": True,
            "sameSite": "Lax",
            "session": True,
            "expires": -1,
        }.items()
    )


def test_script_can_neither_read_nor_replace_the_cookie(tab: Tab) -> None:
    tab.add("Enamel mug")
    before = tab.session_id
    assert tab.page.evaluate("document.cookie") == ""
    assert tab.page.evaluate("cookieStore.getAll()") == []
    planted = f"{COOKIE}={'A' * 43}; Path=/; Secure"
    assert (
        tab.page.evaluate("line => { document.cookie = line; return document.cookie }", planted)
        == ""
    )
    assert tab.session_id == before


def test_quantities_change_and_a_reload_repeats_nothing(tab: Tab) -> None:
    tab.add("Enamel mug")
    tab.more("Enamel mug")
    tab.add("Wool blanket")
    assert tab.cart == {"Enamel mug": 2, "Wool blanket": 1}
    tab.page.reload()
    assert tab.cart == {"Enamel mug": 2, "Wool blanket": 1}
    tab.less("Enamel mug")
    tab.press(tab.page.get_by_role("button", name="Remove Wool blanket"))
    assert tab.cart == {"Enamel mug": 1}


def test_a_message_is_shown_once(tab: Tab, visitor: BrowserContext) -> None:
    tab.add("Beeswax candle")
    assert tab.notices == ["Beeswax candle: put into your cart."]
    second = Tab(visitor.new_page()).open()
    assert second.notices == []
    tab.page.reload()
    assert tab.notices == []


def test_two_tabs_that_add_different_things_keep_both(tab: Tab, second_tab: Tab) -> None:
    tab.add("Enamel mug")
    assert second_tab.cart == {}
    second_tab.add("Wool blanket")
    tab.add("Linen notebook")
    everything = {"Enamel mug": 1, "Linen notebook": 1, "Wool blanket": 1}
    assert tab.cart == everything
    assert second_tab.open().cart == everything


def test_a_tab_that_waits_keeps_what_another_adds_meanwhile(tab: Tab, second_tab: Tab) -> None:
    tab.add("Enamel mug")
    tab.open("/facts")
    slow = tab.page.get_by_role("button", name="Set “left”")
    with tab.page.expect_response(lambda response: response.request.method == "POST") as answered:
        with tab.page.expect_request("**/slow"):
            slow.click(no_wait_after=True)
        second_tab.add("Wool blanket")
        assert not answered.is_done(), "the slow request was not overtaken"
    tab.page.wait_for_load_state()
    assert tab.fact("left") == "set after 3 s"
    assert tab.open().cart == {"Enamel mug": 1, "Wool blanket": 1}


def test_logging_in_changes_the_id(tab: Tab, shop: Server) -> None:
    tab.add("Enamel mug")
    before = tab.session_id
    assert before
    tab.log_in("Grace")
    after = tab.session_id
    assert after
    assert after != before
    assert tab.fact("Visitor") == "Grace"
    assert tab.cart == {"Enamel mug": 1}
    assert is_open(shop, after)
    assert not is_open(shop, before)


def test_logging_out_ends_it_in_a_second_tab(tab: Tab, second_tab: Tab, shop: Server) -> None:
    tab.add("Enamel mug")
    tab.log_in("Grace")
    second_tab.open()
    assert second_tab.fact("Visitor") == "Grace"
    session_id = tab.session_id
    assert session_id

    tab.log_out()
    assert tab.page.url.endswith("/goodbye")
    assert tab.cookie is None
    assert not is_open(shop, session_id)
    second_tab.more("Enamel mug")
    assert second_tab.fact("Visitor") == "anonymous"
    assert second_tab.cart == {"Enamel mug": 1}
    assert second_tab.session_id != session_id


def test_back_after_log_out_shows_nothing_private(tab: Tab) -> None:
    tab.add("Enamel mug")
    tab.log_in("Grace")
    mark(tab)
    tab.open("/about")
    tab.back()
    assert was_kept(tab), "this browser keeps no page for its back button, so nothing is shown"
    assert tab.fact("Visitor") == "Grace"

    tab.open("/facts")
    mark(tab)
    tab.log_out()
    for path in ("/facts", "/"):
        tab.back()
        assert tab.page.url.endswith(path)
        assert not was_kept(tab)
        assert tab.fact("Visitor") == "anonymous"
        assert "Grace" not in tab.page.content()


def test_back_in_a_second_tab_shows_nothing_private_either(tab: Tab, second_tab: Tab) -> None:
    tab.log_in("Grace")
    second_tab.open()
    mark(second_tab)
    second_tab.open("/about")
    tab.log_out()
    second_tab.back()
    assert not was_kept(second_tab)
    assert second_tab.fact("Visitor") == "anonymous"


def test_nothing_is_wider_than_the_window_or_card_it_is_in(tab: Tab) -> None:
    def fits(name: str) -> None:
        for width in (1280, 800, 375, 320):
            tab.page.set_viewport_size({"width": width, "height": 800})
            assert not tab.page.evaluate(TOO_WIDE), f"{name} at {width}"

    fits("empty")
    tab.add("Wool blanket")
    tab.log_in("W" * LONGEST_NAME)
    tab.page.screenshot(path=ARTEFACTS / "longest-name.png", full_page=True)
    fits("full")
    for path in ("/facts", "/about", "/nothing", "/goodbye"):
        fits(tab.open(path).page.url)


def test_the_pages_are_shown_without_complaint(tab: Tab) -> None:
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    tab.page.on("console", heard)

    def answered(response: Response) -> None:
        if response.status >= 400:
            complaints.append(response.url)

    tab.page.on("response", answered)
    for path in ("/facts", "/about", "/goodbye", "/"):
        tab.open(path)
    tab.add("Brass lantern")
    for product in ("Enamel mug", "Enamel mug", "Wool blanket"):
        tab.add(product)
    tab.log_in("Ada")
    assert complaints == []
    tab.page.screenshot(path=ARTEFACTS / "cart.png", full_page=True)
