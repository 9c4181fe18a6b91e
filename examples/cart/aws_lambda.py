"""The shop on AWS Lambda, behind an HTTP API, a REST API, a function URL or a load balancer."""

from __future__ import annotations

import base64
from typing import Any

from serverless_sessions import Session
from serverless_sessions.handlers.aws_lambda import with_session

from . import shop
from .web import Request


@with_session
def handler(event: dict[str, Any], context: object, session: Session) -> dict[str, Any]:
    answer = shop.answer(_request(event), session)
    return {"statusCode": answer.status, "body": answer.body, **_answered(event, answer.headers)}


def _request(event: dict[str, Any]) -> Request:
    http = event["requestContext"].get("http")
    return Request(
        method=http["method"] if http else event["httpMethod"],
        path=event["rawPath"] if http else event["path"],
        headers=_headers(event),
        body=_body(event),
    )


def _headers(event: dict[str, Any]) -> dict[str, str]:
    several = event.get("multiValueHeaders")
    if several:
        return {name: ", ".join(values) for name, values in several.items()}
    return event.get("headers") or {}


def _answered(event: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    """A load balancer reads the headers in the form in which it sent the request's."""
    if event.get("multiValueHeaders"):
        return {"multiValueHeaders": {name: [value] for name, value in headers.items()}}
    return {"headers": headers}


def _body(event: dict[str, Any]) -> bytes:
    body = event.get("body") or ""
    return base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
