from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from serverless_sessions import MemoryStore
from serverless_sessions.testing.lambda_events import (
    FRONT_DOORS,
    HttpRequest,
    HttpResponse,
    LambdaContext,
    to_event,
    to_response,
)

FORM = ("Content-Type", "application/x-www-form-urlencoded")


@pytest.fixture
def handler() -> Iterator[Any]:
    from cart.aws_lambda import handler

    with handler.sessions.use(MemoryStore()):
        yield handler


def send(handler: Any, front_door: str, request: HttpRequest) -> HttpResponse:
    result = handler(to_event(front_door, request), LambdaContext())
    return to_response(front_door, result)


@pytest.mark.parametrize("front_door", FRONT_DOORS)
def test_the_shop_works_behind_every_front_door(handler: Any, front_door: str) -> None:
    about = send(handler, front_door, HttpRequest("GET", "/about", headers=[("Cookie", "a=b")]))
    assert about.status == 200
    assert about.values("content-type") == ["text/html; charset=utf-8"]
    assert about.values("set-cookie") == []

    added = send(
        handler, front_door, HttpRequest("POST", "/cart/add", headers=[FORM], body=b"sku=mug")
    )
    assert (added.status, added.values("location")) == (303, ["/"])
    cookie = added.values("set-cookie")[0].partition(";")[0]

    home = send(handler, front_door, HttpRequest("GET", "/", headers=[("Cookie", cookie)]))
    assert "Enamel mug: put into your cart." in home.body.decode()

    foreign = [FORM, ("Cookie", cookie), ("Sec-Fetch-Site", "cross-site")]
    refused = send(
        handler, front_door, HttpRequest("POST", "/cart/add", headers=foreign, body=b"sku=mug")
    )
    assert refused.status == 403
