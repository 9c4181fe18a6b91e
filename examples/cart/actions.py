"""What posted forms do to the session; each ends in a redirect to a constant path."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TypeVar

from serverless_sessions import Session

from .catalogue import CATALOGUE, MOST_OF_EACH, Product
from .web import Answer, BadForm, Request, redirect

MOST_SECONDS = 5
LONGEST_NAME = 40
STEPS = {"-1": -1, "1": 1}
SLOW_KEYS = {"left": "slow-left", "right": "slow-right"}

Choice = TypeVar("Choice")


def add(request: Request, session: Session) -> Answer:
    product = _product(request.form())
    _change(session, product, 1)
    return _told(session, f"{product.name}: put into your cart.")


def change(request: Request, session: Session) -> Answer:
    form = request.form()
    product, step = _product(form), _one_of(STEPS, form, "step")
    quantity = _change(session, product, step)
    return _told(session, f"{product.name}: now {quantity} in your cart.")


def remove(request: Request, session: Session) -> Answer:
    product = _product(request.form())
    _change(session, product, -MOST_OF_EACH)
    return _told(session, f"{product.name}: taken out of your cart.")


def login(request: Request, session: Session) -> Answer:
    name = request.form().get("name", "").strip()
    if not (0 < len(name) <= LONGEST_NAME and name.isprintable()):
        raise BadForm(f"A name has 1 to {LONGEST_NAME} printable characters.")
    session.bind(name)
    return _told(session, f"Hello, {name}. Your session goes on under a new id.")


def logout(_: Request, session: Session) -> Answer:
    """Without a flash: it would need a session, and none is to be left."""
    session.destroy()
    return redirect("/goodbye")


def slow(request: Request, session: Session) -> Answer:
    """Read, dawdle, then set one key and nothing else: a request that others overtake."""
    form = request.form()
    key, seconds = _one_of(SLOW_KEYS, form, "key"), _seconds(form)
    session.get(key)
    time.sleep(seconds)
    session.set(key, f"set after {seconds:g} s")
    return redirect("/facts")


def _change(session: Session, product: Product, step: int) -> int:
    """The new quantity. One atomic step, so that no click is lost between two tabs."""

    def changed(cart: dict[str, int]) -> dict[str, int]:
        quantity = min(cart.get(product.sku, 0) + step, MOST_OF_EACH)
        others = {sku: count for sku, count in cart.items() if sku != product.sku}
        return {**others, product.sku: quantity} if quantity > 0 else others

    cart: dict[str, int] = session.modify("cart", changed, default={})
    return cart.get(product.sku, 0)


def _told(session: Session, text: str) -> Answer:
    session.flash("notice", text)
    return redirect("/")


def _product(form: Mapping[str, str]) -> Product:
    return _one_of(CATALOGUE, form, "sku")


def _one_of(choices: Mapping[str, Choice], form: Mapping[str, str], field: str) -> Choice:
    choice = choices.get(form.get(field, ""))
    if choice is None:
        raise BadForm(f"{field} has to be one of: {', '.join(choices)}.")
    return choice


def _seconds(form: Mapping[str, str]) -> float:
    try:
        seconds = float(form.get("seconds", ""))
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= MOST_SECONDS:
        raise BadForm(f"seconds has to be a number from 0 to {MOST_SECONDS}.")
    return seconds
