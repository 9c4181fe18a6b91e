"""Events of an API Gateway WebSocket API, shaped like those that were recorded on AWS."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

_DOMAIN = "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"
_TYPES = {"$connect": "CONNECT", "$disconnect": "DISCONNECT"}


def websocket_event(
    route: str = "$default",
    *,
    connection_id: str = "L0SM9cOFvHcCIhw=",
    cookies: Iterable[str] = (),
    headers: Mapping[str, str] | None = None,
    body: str = "",
) -> dict[str, Any]:
    """The event of a route: $connect, $disconnect, or that of a message.

    Only $connect carries the client's ``cookies`` and ``headers``, only a message its ``body``.
    A cookie is a ``name=value`` or a response's Set-Cookie line.
    """
    now = datetime.now(UTC)
    event: dict[str, Any] = {
        "requestContext": {
            "routeKey": route,
            "eventType": _TYPES.get(route, "MESSAGE"),
            "extendedRequestId": uuid.uuid4().hex[:15] + "=",
            "requestTime": f"{now:%d/%b/%Y:%H:%M:%S +0000}",
            "messageDirection": "IN",
            "stage": "production",
            "connectedAt": int(time.time() * 1000),
            "requestTimeEpoch": int(now.timestamp() * 1000),
            "identity": {"sourceIp": "203.0.113.7"},
            "requestId": uuid.uuid4().hex[:15] + "=",
            "domainName": _DOMAIN,
            "connectionId": connection_id,
            "apiId": _DOMAIN.partition(".")[0],
        },
        "isBase64Encoded": False,
    }
    if route == "$connect":
        return _headers(_handshake(cookies, headers or {})) | event
    if route == "$disconnect":
        event["requestContext"] |= {"disconnectStatusCode": 1001, "disconnectReason": ""}
        absent = {"x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
        return _headers({"Host": _DOMAIN, **absent}) | event
    event["requestContext"]["messageId"] = uuid.uuid4().hex[:15] + "="
    return event | {"body": body}


def _handshake(cookies: Iterable[str], headers: Mapping[str, str]) -> dict[str, str]:
    jar = "; ".join(cookie.partition(";")[0].strip() for cookie in cookies)
    return {
        "Host": _DOMAIN,
        "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
        "Sec-WebSocket-Key": "X/MA+DSRXZ8WnITjBpxm3g==",
        "Sec-WebSocket-Version": "13",
        "X-Amzn-Trace-Id": f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}",
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
        **({"Cookie": jar} if jar else {}),
        **headers,
    }


def _headers(fields: Mapping[str, str]) -> dict[str, Any]:
    several = {name: [value] for name, value in fields.items()}
    return {"headers": dict(fields), "multiValueHeaders": several}
