"""The AWS front doors: where each puts a request's cookies, and what it reads in a result.

What AWS documents is on the pages named below; what it does beyond them is taken from the
results that LocalStack's and the .NET Lambda Test Tool's tests recorded on the real services.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any, TypeGuard

from ..errors import ConfigurationError
from ..headers import Headers, Outcome

Response = dict[str, Any]


class FrontDoor:
    """One of the services that carry HTTP to a Lambda function and its result back."""

    refusal = 502
    """The status of a result that the service cannot read."""
    one_way = False
    """Whether the service passes on no header of a result."""

    _has_cookies_field = False

    def lines(self, event: Mapping[str, Any], name: str) -> list[str]:
        """The values of a header field, by its lower-case name, as they came."""
        several, single = event.get("multiValueHeaders"), event.get("headers")
        return _values_in(several, name) or _values_in(single, name)

    def status(self, result: object) -> int:
        """The status that the service will send for what ``answer`` makes of this result."""
        response = self._response(result)
        return self.refusal if response is None else _code(response.get("statusCode", 200))

    def answer(self, result: object, outcome: Outcome) -> object:
        """The result with the outcome's headers in the field that this service reads.

        It comes back as it is when there is nothing to add, or when the service refuses it.
        Only a ``cookies`` list at a door that has no such field always moves to Set-Cookie:
        a REST API answers 502 to a key it does not know, a load balancer ignores it.
        """
        response = self._response(result)
        if response is None:
            return result
        misplaced = "cookies" in response and not self._has_cookies_field
        if not outcome and not misplaced:
            return result
        return self._write(response, self._merged(self._read(response), outcome))

    def error(self, status: int, headers: Headers, body: str) -> Response:
        """A result that makes this service send exactly this answer."""
        return self._write({"statusCode": status, "isBase64Encoded": False, "body": body}, headers)

    def _response(self, result: object) -> Response | None:
        response = _parsed(result) if isinstance(result, bytes) else result
        return response if isinstance(response, dict) and self._readable(response) else None

    def _readable(self, response: Response) -> bool:
        body = response.get("body")
        return (
            _code(response.get("statusCode", 200)) > 0
            and _maps_to(_is_plain, response.get("headers"))
            and _maps_to(_is_plain_list, response.get("multiValueHeaders"))
            and _is_plain_list(response.get("cookies") or [])
            and (_is_plain(body) or isinstance(body, bytes))
        )

    def _merged(self, own: Headers, outcome: Outcome) -> Headers:
        return outcome.applied_to(own)

    def _read(self, response: Response) -> Headers:
        """Both fields in one list, a pair that is in both once (API Gateway, "Output format of
        a Lambda function for proxy integration")."""
        pairs = _pairs(response.get("multiValueHeaders"))
        known = {(name.lower(), value) for name, value in pairs}
        pairs += [
            (name, value)
            for name, value in _pairs(response.get("headers"))
            if (name.lower(), value) not in known
        ]
        return pairs + _set_cookies(response.get("cookies"))

    def _write(self, response: Response, headers: Headers) -> Response:
        rest = _without(response, "headers", "multiValueHeaders", "cookies")
        return {**rest, "multiValueHeaders": _grouped(headers)}


class RestApi(FrontDoor):
    """API Gateway REST API: every key may be missing, and no other may be there."""

    _KEYS = frozenset(
        {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded", "cookies"}
    )

    def _readable(self, response: Response) -> bool:
        return response.keys() <= self._KEYS and super()._readable(response)


class HttpApiFormat1(FrontDoor):
    """API Gateway HTTP API with payload format 1.0: a REST API's fields, the status required."""

    refusal = 500

    def _readable(self, response: Response) -> bool:
        return "statusCode" in response and super()._readable(response)


class HttpApi(FrontDoor):
    """API Gateway HTTP API with payload format 2.0 ("Create AWS Lambda proxy integrations for
    HTTP APIs in API Gateway")."""

    refusal = 500
    _has_cookies_field = True

    def lines(self, event: Mapping[str, Any], name: str) -> list[str]:
        """Cookies are in the event's ``cookies``; a function URL repeats them in its headers."""
        cookies = event.get("cookies") if name == "cookie" else None
        lines = [line for line in cookies if isinstance(line, str)] if _is_list(cookies) else []
        return lines or _values_in(event.get("headers"), name)

    def _response(self, result: object) -> Response | None:
        try:
            parsed = _parsed(result) if isinstance(result, bytes) else result
            if isinstance(parsed, dict) and "statusCode" in parsed:
                return parsed if self._readable(parsed) else None
            body = parsed if isinstance(parsed, str) else self._inferred_body(_marshalled(result))
        except (TypeError, ValueError, RecursionError):
            return None
        return {
            "statusCode": 200,
            "headers": {"content-type": "application/json"},
            "body": body,
            "isBase64Encoded": False,
        }

    def _inferred_body(self, text: str) -> str:
        return text

    def _readable(self, response: Response) -> bool:
        body = response.get("body")
        body = None if isinstance(body, dict | list) else body
        return super()._readable({**response, "multiValueHeaders": None, "body": body})

    def _read(self, response: Response) -> Headers:
        return _pairs(response.get("headers")) + _set_cookies(response.get("cookies"))

    def _write(self, response: Response, headers: Headers) -> Response:
        cookies = [value for name, value in headers if _is_set_cookie(name)]
        others = [(name, value) for name, value in headers if not _is_set_cookie(name)]
        written = {**response, "headers": _joined(others)}
        return {**written, "cookies": cookies} if cookies else written


class FunctionUrl(HttpApi):
    """Lambda function URL ("Invoking Lambda function URLs"): what an HTTP API does, but JSON
    that becomes the body is written anew without spaces."""

    refusal = 502

    def _inferred_body(self, text: str) -> str:
        return json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)


class LoadBalancerMultiValue(FrontDoor):
    """Application Load Balancer whose target group has multi-value headers turned on ("Use
    Lambda functions as targets of an Application Load Balancer")."""

    def error(self, status: int, headers: Headers, body: str) -> Response:
        from http import HTTPStatus

        described = {"statusDescription": f"{status} {HTTPStatus(status).phrase}"}
        return {**super().error(status, headers, body), **described}

    def _readable(self, response: Response) -> bool:
        return "statusCode" in response and super()._readable(response)


class LoadBalancer(LoadBalancerMultiValue):
    """Application Load Balancer as it is by default: one value for each header."""

    def _merged(self, own: Headers, outcome: Outcome) -> Headers:
        if outcome.set_cookie is not None and any(_is_set_cookie(name) for name, _ in own):
            raise ConfigurationError(
                "the load balancer can send one Set-Cookie only, and the handler sets one beside"
                " the session's: turn on multi-value headers on the target group"
                " (lambda.multi_value_headers.enabled)"
            )
        return super()._merged(own, outcome)

    def _write(self, response: Response, headers: Headers) -> Response:
        cookies = {name: value for name, value in headers if _is_set_cookie(name)}
        others = [(name, value) for name, value in headers if not _is_set_cookie(name)]
        rest = _without(response, "headers", "multiValueHeaders", "cookies")
        return {**rest, "headers": {**_joined(others), **cookies}}


def _values_in(headers: object, wanted: str) -> list[str]:
    if not isinstance(headers, Mapping):
        return []
    return [
        line
        for name, value in headers.items()
        if isinstance(name, str) and name.lower() == wanted
        for line in (value if _is_list(value) else [value])
        if isinstance(line, str)
    ]


def _parsed(result: bytes) -> object:
    """What the service makes of bytes, which the Python runtime passes on as they are."""
    try:
        return json.loads(result)
    except (ValueError, RecursionError):
        return result.decode(errors="replace")


def _marshalled(result: object) -> str:
    """The JSON text that the Python runtime sends for a result, by its own encoder if it is
    here: before 3.12 it escapes what is not ASCII."""
    if isinstance(result, bytes):
        return result.decode()
    if runtime := sys.modules.get("awslambdaric.lambda_runtime_marshaller"):
        return str(runtime.to_json(result))
    return json.dumps(result, ensure_ascii=sys.version_info < (3, 12), default=_as_runtime_does)


def _as_runtime_does(value: object) -> object:
    from decimal import Decimal

    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")


def _code(value: object) -> int:
    """The status in a ``statusCode``, 0 for none that a service would send."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == 3:
        value = int(value)
    return int(value) if isinstance(value, int) and 100 <= value <= 599 else 0


def _is_list(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    return isinstance(value, list | tuple)


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


def _is_plain_list(value: object) -> bool:
    return _is_list(value) and all(map(_is_plain, value))


def _maps_to(is_value: Any, headers: object) -> bool:
    return headers is None or (
        isinstance(headers, dict) and all(is_value(value) for value in headers.values())
    )


def _is_set_cookie(name: str) -> bool:
    return name.lower() == "set-cookie"


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pairs(headers: Any) -> Headers:
    return [
        (str(name), _text(value))
        for name, values in (headers or {}).items()
        for value in (values if _is_list(values) else [values])
        if value is not None
    ]


def _set_cookies(cookies: Any) -> Headers:
    return [("Set-Cookie", str(value)) for value in cookies or [] if value is not None]


def _grouped(headers: Headers) -> dict[str, list[str]]:
    names: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(names.setdefault(name.lower(), name), []).append(value)
    return values


def _joined(headers: Headers) -> dict[str, str]:
    return {name: ", ".join(values) for name, values in _grouped(headers).items()}


def _without(response: Response, *keys: str) -> Response:
    return {key: value for key, value in response.items() if key not in keys}
