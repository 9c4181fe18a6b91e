"""Every page of the shop: HTML and a style sheet, no script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from serverless_sessions import SessionInfo

from .art import ART, EMPTY_CART
from .catalogue import CATALOGUE, MOST_OF_EACH, CartLine, price
from .markup import Html, fill, join

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title &ndash; Little Lantern</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header class="top">
<a class="brand" href="/">Little Lantern</a>
<nav>$nav</nav>
</header>
<main>
$main
</main>
<footer>A demonstration of serverless-sessions. Nothing here is for sale.</footer>
</body>
</html>
"""

LINKS = {"Shop": "/", "Session": "/facts", "How it works": "/about"}

LINK = '<a href="$path"$here>$name</a>'

HOME = """$notices
<div class="shop">
<section class="goods" aria-labelledby="goods">
<div class="lead"><h1 id="goods">Goods for quiet evenings</h1>
<a class="jump" href="#cart">Cart <b>$count</b></a></div>
<ul class="cards">
$cards
</ul>
</section>
<aside>
$cart
$visitor
</aside>
</div>"""

NOTICE = '<p class="notice" role="status">$text</p>'

CARD = """<li class="card $sku">
$art
<h2>$name</h2>
<p>$line</p>
<form class="buy" method="post" action="/cart/add">
<span class="price">$price</span>
<button name="sku" value="$sku" aria-label="Add $name to the cart">Add</button>
</form>
</li>"""

CART = """<section class="panel" id="cart" aria-labelledby="cart-title">
<h2 id="cart-title">Your cart</h2>
$inside
</section>"""

EMPTY = """<div class="empty">$art
<p>Nothing in it yet.<br>Take a lantern, the nights are long.</p>
</div>"""

LINES = """<ul class="lines">
$lines
</ul>
<p class="total"><span>Total</span><b>$total</b></p>"""

LINE = """<li>
<div><b>$name</b><span class="quiet">$each each</span></div>
<form class="stepper" method="post" action="/cart/change">
<input type="hidden" name="sku" value="$sku">
<button name="step" value="-1" aria-label="One $name less">&minus;</button>
<output>$quantity</output>
<button name="step" value="1" aria-label="One $name more"$full>+</button>
</form>
<span class="sum">$sum</span>
<form method="post" action="/cart/remove">
<button class="plain" name="sku" value="$sku" aria-label="Remove $name">&times;</button>
</form>
</li>"""

VISITOR = """<section class="panel" aria-labelledby="visitor">
<h2 id="visitor">Your session</h2>
$facts
$form
</section>"""

FACTS = """<dl class="facts">
<dt>Visitor</dt><dd>$visitor</dd>
<dt>Created</dt><dd>$created</dd>
<dt>Logged in</dt><dd>$authenticated</dd>
<dt>Expires</dt><dd>$expires</dd>
<dt>Handle</dt><dd>$handle</dd>
</dl>"""

LOG_IN = """<form class="login" method="post" action="/login">
<label for="name">Log in with any name, no password</label>
<div><input id="name" name="name" required maxlength="40" autocomplete="off" placeholder="Ada">
<button>Log in</button></div>
</form>"""

LOG_OUT = '<form method="post" action="/logout"><button class="calm">Log out</button></form>'

SESSION = """<div class="lead"><h1>What the server knows</h1></div>
<div class="columns">
$visitor
<section class="panel" aria-labelledby="slow">
<h2 id="slow">Slow requests</h2>
<p>Each of these reads the session, waits, and then sets one key. Send both at once from two
tabs: both keys stay. Log out while one waits: the session stays ended.</p>
<dl class="facts">
$keys
</dl>
$forms
</section>
</div>"""

SLOW_KEY = "<dt>$name</dt><dd>$value</dd>"

SLOW_FORM = """<form class="slow" method="post" action="/slow">
<input type="hidden" name="key" value="$name">
<button class="calm" name="seconds" value="3">Set “$name” in 3 seconds</button>
</form>"""

ABOUT = """<article class="panel prose">
<h1>How it works</h1>
<p>This page is the same for everybody. It leaves the session alone, so that showing it costs no
store call and sets no cookie: the terminal says so.</p>
<h2>The cart is a key of your session</h2>
<p>Your browser keeps a random id in a cookie that no script can read. The cart, your name and the
messages stay on the server, under a hash of that id. The first thing you add creates the session;
until then there is none.</p>
<h2>Clicks are not lost</h2>
<p>Quantities change in one atomic step. Two tabs that press + at the same moment count two.</p>
<h2>Logging in changes the id</h2>
<p>The cart stays, the id does not: whoever knew the old one knows nothing. Logging out deletes
the record, and a slower request that is still running cannot bring it back.</p>
<h2>Forms only from here</h2>
<p>Everything that changes something is a form sent with POST. A form that another site sends is
refused by what the browser says about its origin. There is no script on any page.</p>
</article>"""

GOODBYE = """<link rel="stylesheet" href="/forget.css">
<article class="panel prose">
<h1>You are logged out</h1>
<p>The session is deleted and so is its cookie. This page did not start another one.</p>
<p><a class="button" href="/">Back to the shop</a></p>
</article>"""

PROBLEM = """<article class="panel prose">
<h1><span class="quiet">$status</span> That did not work</h1>
<p>$text</p>
<p><a class="button" href="/">Back to the shop</a></p>
</article>"""


def home(notices: Iterable[str], lines: list[CartLine], info: SessionInfo) -> Html:
    main = fill(
        HOME,
        notices=join(fill(NOTICE, text=text) for text in notices),
        count=sum(line.quantity for line in lines),
        cards=_cards(),
        cart=_cart(lines),
        visitor=_visitor(info),
    )
    return _page("Shop", main)


def facts(slow: Mapping[str, str | None], info: SessionInfo) -> Html:
    main = fill(
        SESSION,
        visitor=_visitor(info),
        keys=join(
            fill(SLOW_KEY, name=name, value=value or "not set") for name, value in slow.items()
        ),
        forms=join(fill(SLOW_FORM, name=name) for name in slow),
    )
    return _page("Session", main)


def about() -> Html:
    return _page("How it works", Html(ABOUT))


def goodbye() -> Html:
    return _page("Logged out", Html(GOODBYE))


def problem(status: int, text: str) -> Html:
    return _page("Problem", fill(PROBLEM, status=status, text=text))


def _page(title: str, main: Html) -> Html:
    here = Html(' aria-current="page"')
    nav = join(
        fill(LINK, path=path, name=name, here=here if name == title else "")
        for name, path in LINKS.items()
    )
    return fill(PAGE, title=title, nav=nav, main=main)


def _cards() -> Html:
    return join(
        fill(
            CARD,
            sku=sku,
            art=ART[sku],
            name=product.name,
            line=product.line,
            price=price(product.cents),
        )
        for sku, product in CATALOGUE.items()
    )


def _cart(lines: list[CartLine]) -> Html:
    if not lines:
        return fill(CART, inside=fill(EMPTY, art=EMPTY_CART))
    total = price(sum(line.cents for line in lines))
    return fill(CART, inside=fill(LINES, lines=join(map(_line, lines)), total=total))


def _line(line: CartLine) -> Html:
    return fill(
        LINE,
        sku=line.product.sku,
        name=line.product.name,
        each=price(line.product.cents),
        quantity=line.quantity,
        full=Html(" disabled") if line.quantity >= MOST_OF_EACH else "",
        sum=price(line.cents),
    )


def _visitor(info: SessionInfo) -> Html:
    known = fill(
        FACTS,
        visitor=info.user or "anonymous",
        created=_moment(info.created_at),
        authenticated=_moment(info.authenticated_at),
        expires=_moment(info.expires_at),
        handle=info.handle or "none yet",
    )
    return fill(VISITOR, facts=known, form=Html(LOG_OUT if info.user else LOG_IN))


def _moment(moment: datetime | None) -> str:
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC" if moment else "not yet"
