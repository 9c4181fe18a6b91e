from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from serverless_sessions import SessionInfo

HOSTILE = "<script>alert('&\"')</script>$price"
NOBODY = SessionInfo(None, True, None, None, None, None)
VOID = {"meta", "link", "input", "br"}


def somebody(user: str) -> SessionInfo:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    return SessionInfo(user, False, moment, moment, moment, HOSTILE)


def pages_with(text: str) -> list[str]:
    from cart import pages

    return [
        pages.home([text], [], somebody(text)),
        pages.facts({text: text}, somebody(text)),
        pages.problem(400, text),
    ]


def test_whatever_is_printed_is_escaped() -> None:
    for page in pages_with(HOSTILE):
        assert "<script" not in page
        assert "&lt;script&gt;alert(&#x27;&amp;&quot;&#x27;)&lt;/script&gt;$price" in page


def test_templates_are_filled_once() -> None:
    from cart.markup import Html, fill, join

    inner = fill("<b>$text</b>", text="$text <")
    assert inner == "<b>$text &lt;</b>"
    assert fill("<p>$inner</p>", inner=join([inner, Html("<i>")])) == (
        "<p><b>$text &lt;</b>\n<i></p>"
    )


def test_a_value_that_is_missing_is_an_error() -> None:
    from cart.markup import fill

    with pytest.raises(KeyError, match="name"):
        fill("$name")


def test_moments_are_shown_in_utc() -> None:
    from cart import pages

    assert "<dt>Created</dt><dd>2 Jan 2026, 03:04 UTC</dd>" in pages.home([], [], somebody("Ada"))
    assert "<dt>Created</dt><dd>not yet</dd>" in pages.home([], [], NOBODY)


def test_visitors_can_log_in_and_users_out() -> None:
    from cart import pages

    assert 'action="/login"' in pages.home([], [], NOBODY)
    assert 'action="/logout"' not in pages.home([], [], NOBODY)
    assert 'action="/logout"' in pages.home([], [], somebody("Ada"))
    assert 'action="/login"' not in pages.home([], [], somebody("Ada"))


class Balance(HTMLParser):
    """Every tag that opens is closed, in order; ids are there once."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Closed already, as shapes in a drawing are."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_pages_are_well_formed() -> None:
    from cart import pages
    from cart.catalogue import CATALOGUE, CartLine

    lines = [CartLine(product, 20) for product in CATALOGUE.values()]
    full = pages.home(["one", "two"], lines, somebody("Ada"))
    for page in [full, *pages_with("x"), pages.about(), pages.goodbye()]:
        balance = Balance()
        balance.feed(page)
        assert balance.open == []
        assert len(set(balance.ids)) == len(balance.ids)


def test_every_product_is_drawn() -> None:
    from cart.art import ART, ICON
    from cart.catalogue import CATALOGUE

    assert ART.keys() == CATALOGUE.keys()
    for drawing in [*ART.values(), ICON]:
        ElementTree.fromstring(drawing)


def test_prices_are_read_to_the_cent() -> None:
    from cart.catalogue import price

    assert [price(5), price(1250), price(123_456_700)] == ["€0.05", "€12.50", "€1,234,567.00"]
