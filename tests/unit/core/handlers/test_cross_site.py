"""A page of another site is recognised by what each front door hands over as headers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import azure.functions as func
import flask
import pytest
from starlette.requests import Request as StarletteRequest
from werkzeug.test import EnvironBuilder

from serverless_sessions.csrf import RequestHeaders, is_cross_site
from serverless_sessions.testing.lambda_events import FRONT_DOORS, HttpRequest, to_event
from support import django_site

HOST = "shop.example.com"
OWN, OTHER = f"https://{HOST}", "https://evil.example.com"
Sent = dict[str, str]


def _lambda(front_door: str, field: str, sent: Sent) -> RequestHeaders:
    event = to_event(front_door, HttpRequest("POST", headers=[*sent.items()], host=HOST))
    headers: RequestHeaders = event[field]
    return headers


def _environ(sent: Sent) -> dict[str, Any]:
    return EnvironBuilder(method="POST", base_url=OWN, headers=[*sent.items()]).get_environ()


def _scope(sent: Sent) -> dict[str, Any]:
    pairs = [(n.lower().encode(), v.encode()) for n, v in {"Host": HOST, **sent}.items()]
    return {"type": "http", "method": "POST", "headers": pairs}


def _azure(sent: Sent) -> RequestHeaders:
    request = func.HttpRequest("POST", OWN, headers={"host": HOST, **sent}, body=b"")
    headers: RequestHeaders = request.headers
    return headers


def _django(sent: Sent) -> RequestHeaders:
    django_site.configure()
    from django.core.handlers.wsgi import WSGIRequest

    headers: RequestHeaders = WSGIRequest(_environ(sent)).headers
    return headers


MULTIPLE = {"alb-multi": ["multiValueHeaders"], "rest": ["headers", "multiValueHeaders"]}
DOORS: dict[str, Callable[[Sent], RequestHeaders]] = {
    **{
        f"{door}, {field}": partial(_lambda, door, field)
        for door in FRONT_DOORS
        for field in MULTIPLE.get(door, ["headers"])
    },
    "Azure Functions": _azure,
    "Flask, Cloud Functions": lambda sent: flask.Request(_environ(sent)).headers,
    "Django": _django,
    "Starlette, FastAPI": lambda sent: StarletteRequest(_scope(sent)).headers,
    "pairs that can be read once": lambda sent: iter(_scope(sent)["headers"]),
    "ASGI": lambda sent: _scope(sent)["headers"],
    "WSGI": _environ,
}


@pytest.mark.parametrize("door", DOORS)
def test_another_sites_request_is_recognised_at_every_door(door: str) -> None:
    for sent in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": OTHER}, {"Origin": "null"}):
        assert is_cross_site("POST", DOORS[door](sent)), sent
    for sent in ({"Sec-Fetch-Site": "same-origin", "Origin": OWN}, {"Origin": OWN}, {}):
        assert not is_cross_site("POST", DOORS[door](sent)), sent
    trusted = {"Sec-Fetch-Site": "cross-site", "Origin": OTHER}
    assert not is_cross_site("POST", DOORS[door](trusted), trusted_origins=[OTHER])


@pytest.mark.parametrize(
    "twice",
    [
        {"sec-fetch-site": ["same-origin", "same-origin"]},
        [(b"sec-fetch-site", b"same-origin"), (b"sec-fetch-site", b"none")],
        {"HTTP_SEC_FETCH_SITE": "same-origin,none"},
    ],
)
def test_a_header_that_is_there_twice_is_refused_in_every_form(twice: RequestHeaders) -> None:
    assert is_cross_site("POST", twice)
