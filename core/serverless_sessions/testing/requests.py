"""Events for a Lambda handler under test, said in the words of a request."""

from __future__ import annotations

import json as encoder
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from .lambda_events import HttpRequest, to_event

Values = Mapping[str, str | Iterable[str]]


def lambda_event(
    front_door: str = "http-api",
    path: str = "/",
    *,
    method: str | None = None,
    cookies: Iterable[str] = (),
    headers: Mapping[str, str] | None = None,
    query: Values | str = "",
    body: str | bytes | None = None,
    form: Values | None = None,
    json: object = None,
) -> dict[str, Any]:
    """The event that a front door makes of a request: one of ``lambda_events.FRONT_DOORS``.

    A cookie is a ``name=value`` or a response's Set-Cookie line. At most one of ``body``,
    ``form`` and ``json`` is given; with one of them the method is POST unless it is said.
    Raises TypeError otherwise.
    """
    if isinstance(cookies, str):
        raise TypeError("cookies is a list of cookies, not one")
    contents = [given for given in (body, form, json) if given is not None]
    if len(contents) > 1:
        raise TypeError("at most one of body, form and json makes the body of a request")
    content_type, sent = _body(body, form, json)
    jar = "; ".join(cookie.partition(";")[0].strip() for cookie in cookies)
    lines = {"content-type": content_type, "cookie": jar, **_lower(headers or {})}
    return to_event(
        front_door,
        HttpRequest(
            method=method or ("POST" if contents else "GET"),
            path=quote(path, safe="/%:@!$&'()*+,;=~"),
            query=query if isinstance(query, str) else urlencode(query, doseq=True),
            headers=[(name, value) for name, value in lines.items() if value],
            body=sent,
        ),
    )


def _body(body: str | bytes | None, form: Values | None, json: object) -> tuple[str, bytes]:
    if form is not None:
        return "application/x-www-form-urlencoded", urlencode(form, doseq=True).encode()
    if json is not None:
        return "application/json", encoder.dumps(json).encode()
    if body is None:
        return "", b""
    if isinstance(body, str):
        return "text/plain; charset=utf-8", body.encode()
    return "application/octet-stream", body


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
