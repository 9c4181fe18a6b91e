"""The cart as an AWS Lambda function, in the session that the Astro site beside it keeps."""

from __future__ import annotations

import base64
import json
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from serverless_sessions import Session, SessionConfig
from serverless_sessions.csrf import is_cross_site
from serverless_sessions.handlers.aws_lambda import with_session

CATALOGUE: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "site/src/catalogue.json").read_text("utf-8")
)
MOST_OF_EACH = 9
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>One cart</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css">
<h1>One cart</h1>
<p>This page is the function's. <a href="/">The same cart by Astro</a></p>
<h2>{whose} cart</h2>
<table id="cart">
{lines}
</table>
"""

Answer = dict[str, Any]


@with_session(config=SessionConfig.astro())
def handler(event: dict[str, Any], context: object, session: Session) -> Answer:
    method, path = event["requestContext"]["http"]["method"], event["rawPath"]
    if method in ("GET", "HEAD") and path == "/cart":
        return page(session)
    if path not in ACTIONS:
        return told(404, "There is nothing at this address.")
    if method != "POST":
        return told(405, "This address takes POST.", Allow="POST")
    if is_cross_site(method, event["headers"]):
        return told(403, "Another site sent this form, so nothing was done.")
    return ACTIONS[path](form(event), session)


def page(session: Session) -> Answer:
    name, cart = session.get("name"), session.get("cart", {})
    lines = [
        f"<tr><td>{escape(CATALOGUE[sku]['name'])}</td><td>{quantity:d}</td></tr>"
        for sku, quantity in cart.items()
        if sku in CATALOGUE
    ]
    whose = f"{name}'s" if name else "Your"
    body = PAGE.format(whose=escape(whose), lines="\n".join(lines))
    headers = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
    return {"statusCode": 200, "headers": headers, "body": body}


def add(fields: dict[str, str], session: Session) -> Answer:
    sku = fields.get("sku", "")
    if sku not in CATALOGUE:
        return told(400, "That is not sold here.")

    def added(cart: dict[str, int]) -> dict[str, int]:
        return {**cart, sku: min(cart.get(sku, 0) + 1, MOST_OF_EACH)}

    session.modify("cart", added, default={})
    return back()


def login(fields: dict[str, str], session: Session) -> Answer:
    name = fields.get("name", "").strip()
    if not 0 < len(name) <= 40:
        return told(400, "A name has 1 to 40 characters.")
    session.bind(name)
    session.set("name", name)
    return back()


def logout(_: dict[str, str], session: Session) -> Answer:
    session.destroy()
    return back()


ACTIONS = {"/add": add, "/login": login, "/logout": logout}


def form(event: dict[str, Any]) -> dict[str, str]:
    body = event.get("body") or ""
    text = base64.b64decode(body).decode() if event.get("isBase64Encoded") else body
    return {name: values[0] for name, values in parse_qs(text).items()}


def back() -> Answer:
    """See Other: the browser asks for Astro's page, so that a reload repeats nothing."""
    return {"statusCode": 303, "headers": {"Location": "/"}}


def told(status: int, text: str, **headers: str) -> Answer:
    plain = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
    return {"statusCode": status, "headers": {**plain, **headers}, "body": text}
