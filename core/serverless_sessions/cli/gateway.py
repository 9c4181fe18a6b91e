"""HTTP in, a Lambda event to the handler, its result back as HTTP."""

from __future__ import annotations

import inspect
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..events import Event, observed
from ..testing.lambda_events import (
    HttpRequest,
    HttpResponse,
    LambdaContext,
    failure,
    to_event,
    to_response,
)
from .target import Handler
from .wire import Refused, is_sendable, printable_path, read_request, send

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MAX_RESULT = 6 * 1024 * 1024
"""Lambda's quota for the result of one invocation."""


@dataclass(slots=True)
class Report:
    """What is told of one request."""

    method: str
    path: str
    status: int = 0
    seconds: float = 0.0
    events: list[Event] = field(default_factory=list)
    error: BaseException | None = None
    remark: str | None = None


class Gateway:
    """A WSGI application in front of one handler; ``tell`` gets a report of each request."""

    def __init__(
        self,
        handler: Handler,
        front_door: str,
        timeout: float,
        tell: Callable[[Report], None],
    ) -> None:
        self._handler = handler
        self._front_door = front_door
        self._timeout = timeout
        self._tell = tell

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        report = Report(environ["REQUEST_METHOD"], printable_path(environ))
        began = time.perf_counter()
        try:
            response = self._invoke(read_request(environ), report)
        except Refused as refused:
            response = refused.response
        report.status = response.status
        report.seconds = time.perf_counter() - began
        if report.seconds > self._timeout:
            report.remark = f"Lambda would have ended it after {self._timeout:g} s"
        self._tell(report)
        return send(response, report.method, start_response)

    def _invoke(self, request: HttpRequest, report: Report) -> HttpResponse:
        event = to_event(self._front_door, request)
        try:
            with observed(report.events.append):
                result = self._handler(event, LambdaContext(timeout=self._timeout))
        except BaseException as error:  # noqa: BLE001  (it is the handler's, and told)
            report.error = error
            return failure(self._front_door)
        response = to_response(self._front_door, result)
        report.remark = self._fault(result, response)
        return response if report.remark is None else failure(self._front_door)

    def _fault(self, result: object, response: HttpResponse) -> str | None:
        if inspect.iscoroutine(result):
            result.close()
            return "the handler is async, which AWS Lambda cannot call: decorate it"
        if response == failure(self._front_door) or not is_sendable(response):
            return f"the front door {self._front_door} cannot read what the handler returned"
        if _size(result) > MAX_RESULT:
            return f"the handler returned more than Lambda's {MAX_RESULT:,} bytes"
        return None


def _size(result: object) -> int:
    if isinstance(result, bytes):
        return len(result)
    return len(json.dumps(result, default=str).encode())
