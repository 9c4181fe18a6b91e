from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from serverless_sessions import Session
from serverless_sessions.arrival import Request
from serverless_sessions.events import Event, observed

if TYPE_CHECKING:
    from cart.web import Answer

    from .conftest import Browser

STATIC = ["/about", "/goodbye", "/style.css", "/icon.svg"]
POSTS = ["/cart/add", "/cart/change", "/cart/remove", "/login", "/logout", "/slow"]


class Untouchable:
    """A session that nobody may so much as look at."""

    def __getattribute__(self, name: str) -> object:
        raise AssertionError(f"the session was touched: {name}")


def without_session(method: str, path: str, headers: dict[str, str] | None = None) -> Answer:
    from cart import shop
    from cart.web import Request

    return shop.answer(Request(method, path, headers or {}), cast("Session", Untouchable()))


@pytest.mark.parametrize("path", STATIC)
def test_static_pages_leave_the_session_alone(path: str) -> None:
    answer = without_session("GET", path)
    assert answer.status == 200
    assert answer.body
    assert answer.headers["Cache-Control"].startswith("public")


def test_the_first_visit_shows_an_empty_cart_and_creates_nothing(browser: Browser) -> None:
    answer = browser.get("/")
    assert answer.status == 200
    assert "Nothing in it yet" in answer.body
    assert "anonymous" in answer.body
    assert browser.cookie is None


def test_what_is_added_is_in_the_cart_with_its_total(browser: Browser) -> None:
    browser.post("/cart/add", sku="mug")
    browser.post("/cart/add", sku="mug")
    browser.post("/cart/add", sku="notebook")
    body = browser.get("/").body
    assert browser.look("cart") == {"mug": 2, "notebook": 1}
    assert "€28.00" in body
    assert "<b>€40.50</b>" in body


def test_quantities_go_up_and_down_and_out(browser: Browser) -> None:
    browser.post("/cart/add", sku="mug")
    browser.post("/cart/change", sku="mug", step="1")
    assert browser.look("cart") == {"mug": 2}
    browser.post("/cart/change", sku="mug", step="-1")
    browser.post("/cart/change", sku="mug", step="-1")
    assert browser.look("cart") == {}
    browser.post("/cart/change", sku="mug", step="-1")
    assert browser.look("cart") == {}


def test_quantities_end_at_the_most(browser: Browser) -> None:
    from cart.catalogue import MOST_OF_EACH

    for _ in range(MOST_OF_EACH + 1):
        browser.post("/cart/add", sku="mug")
    assert browser.look("cart") == {"mug": MOST_OF_EACH}
    assert " disabled" in browser.get("/").body


def test_removing_takes_out_one_product_whole(browser: Browser) -> None:
    for sku in ("mug", "mug", "kettle"):
        browser.post("/cart/add", sku=sku)
    browser.post("/cart/remove", sku="mug")
    assert browser.look("cart") == {"kettle": 1}


def test_a_product_that_is_no_longer_sold_is_not_shown(browser: Browser) -> None:
    invocation = browser.sessions.begin(Request.with_cookies())
    invocation.session.set("cart", {"typewriter": 2, "mug": 1})
    invocation.finish(failed=False)
    browser.cookie = (invocation.outcome().set_cookie or "").partition(";")[0]
    body = browser.get("/").body
    assert "typewriter" not in body
    assert "<b>€14.00</b>" in body


def test_a_message_is_shown_once(browser: Browser) -> None:
    browser.post("/cart/add", sku="candle")
    message = "Beeswax candle: put into your cart."
    assert message in browser.get("/").body
    assert message not in browser.get("/").body


def test_logging_in_keeps_the_cart_and_ends_the_old_id(browser: Browser) -> None:
    browser.post("/cart/add", sku="mug")
    before = browser.cookie
    browser.post("/login", name="Ada")
    after = browser.cookie
    assert after not in (None, before)
    assert browser.look("cart") == {"mug": 1}
    assert ">Ada</dd>" in browser.get("/").body
    browser.cookie = before
    assert browser.look("cart") is None


def test_another_user_does_not_find_the_first_ones_cart(browser: Browser) -> None:
    browser.post("/login", name="Ada")
    browser.post("/cart/add", sku="mug")
    browser.post("/login", name="Grace")
    assert browser.look("cart") is None


def test_logging_out_ends_the_session_and_starts_no_other(browser: Browser) -> None:
    browser.post("/cart/add", sku="mug")
    browser.post("/login", name="Ada")
    before = browser.cookie
    answer = browser.post("/logout")
    assert answer.headers["Location"] == "/goodbye"
    assert browser.cookie is None
    browser.cookie = before
    assert browser.look("cart") is None


@pytest.mark.parametrize("name", ["", "   ", "a" * 41, "a\nb", "\u202eadA", "\x1b[31m"])
def test_a_name_that_cannot_be_shown_is_refused(browser: Browser, name: str) -> None:
    assert browser.post("/login", name=name).status == 400
    assert browser.cookie is None


def test_slow_sets_its_key_and_nothing_else(browser: Browser) -> None:
    browser.post("/slow", key="left", seconds="0")
    assert browser.look("slow-left") == "set after 0 s"
    body = browser.get("/facts").body
    assert "<dt>left</dt><dd>set after 0 s</dd>" in body
    assert "<dt>right</dt><dd>not set</dd>" in body


@pytest.mark.parametrize("seconds", ["-1", "5.01", "nan", "inf", "1e9", "", "two"])
def test_slow_is_bounded(browser: Browser, seconds: str) -> None:
    assert browser.post("/slow", key="left", seconds=seconds).status == 400


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/cart/add", {}),
        ("/cart/add", {"sku": "yacht"}),
        ("/cart/change", {"sku": "mug"}),
        ("/cart/change", {"sku": "mug", "step": "2"}),
        ("/cart/remove", {"sku": ""}),
        ("/login", {}),
        ("/slow", {"key": "cart", "seconds": "0"}),
        ("/slow", {"key": "left"}),
    ],
)
def test_wrong_forms_are_400_and_change_nothing(
    browser: Browser, path: str, form: dict[str, str]
) -> None:
    answer = browser.post(path, **form)
    assert answer.status == 400
    assert browser.cookie is None


def test_unknown_addresses_are_404() -> None:
    for path in ("/nope", "/cart", "//", "/about/", "/cart/add/x"):
        assert without_session("GET", path).status == 404


def test_wrong_methods_are_405_and_name_the_right_ones() -> None:
    for path in POSTS:
        answer = without_session("GET", path)
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    answer = without_session("POST", "/about")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_head_is_answered_as_get() -> None:
    assert without_session("HEAD", "/about").status == 200


@pytest.mark.parametrize("path", POSTS)
def test_every_form_of_another_site_is_refused(path: str) -> None:
    assert without_session("POST", path, {"Sec-Fetch-Site": "cross-site"}).status == 403


def test_redirects_lead_to_constant_paths(browser: Browser) -> None:
    forms = {
        "/cart/add": {"sku": "mug"},
        "/cart/change": {"sku": "mug", "step": "1"},
        "/cart/remove": {"sku": "mug"},
        "/login": {"name": "//evil.example"},
        "/slow": {"key": "left", "seconds": "0"},
        "/logout": {},
    }
    assert list(forms) == [path for path in forms if path in POSTS]
    for path, form in forms.items():
        answer = browser.post(path, **form)
        assert answer.status == 303
        assert answer.headers["Location"] in {"/", "/facts", "/goodbye"}


def test_no_answer_allows_script_or_framing(browser: Browser) -> None:
    answers = [browser.get(path) for path in ("/", "/facts", "/nope", *STATIC)]
    for answer in [*answers, browser.post("/login", name="Ada")]:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script" not in policy
        assert "<script" not in answer.body
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"


def test_the_id_is_on_no_page(browser: Browser) -> None:
    browser.post("/cart/add", sku="mug")
    browser.post("/login", name="Ada")
    session_id = (browser.cookie or "").partition("=")[2]
    assert len(session_id) == 43
    for path in ("/", "/facts", *STATIC):
        assert session_id not in browser.get(path).body


def test_no_click_is_lost_between_two_tabs(browser: Browser) -> None:
    browser.post("/cart/add", sku="mug")
    conflicts: list[str] = []

    def other_tab(event: Event) -> None:
        if event.operation == "load" and not conflicts:
            conflicts.append("mug")
            browser.post("/cart/add", sku="mug")

    with observed(other_tab):
        browser.post("/cart/change", sku="mug", step="1")
    assert conflicts
    assert browser.look("cart") == {"mug": 3}
