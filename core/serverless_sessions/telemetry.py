"""Listeners for ``on_event``: one that logs, one that speaks OpenTelemetry."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from .errors import MissingDependency
from .events import Event, EventName, Listener

if TYPE_CHECKING:
    from logging import Logger

    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

LOGGER = "serverless_sessions.events"
LEVELS: dict[EventName, int] = {
    "store_call": 10,
    "loaded": 10,
    "created": 20,
    "missed": 20,
    "expired": 20,
    "rotated": 20,
    "destroyed": 20,
    "revoked": 20,
    "conflict": 20,
    "refused_id": 30,
    "touch_failed": 30,
    "lost": 30,
    "store_error": 40,
}
"""As in ``logging``: 10 is DEBUG, 20 INFO, 30 WARNING, 40 ERROR."""

METER = TRACER = "serverless_sessions"
SYSTEMS = {
    "dynamodb": "aws.dynamodb",
    "firestore": "gcp.firestore",
    "azure-tables": "azure.tables",
    "upstash": "redis",
}
"""``db.system.name`` where it is not the kind of the store; the second and third are not among
OpenTelemetry's well-known ones, which have none for these."""
BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10)
"""Seconds: "Semantic conventions for database client metrics" advises these bounds."""

_NO_WORD = re.compile(r"[^\w.-]", re.ASCII)


def log_events(logger: Logger | None = None) -> Listener:
    """Log each event at its level of ``LEVELS``, by default to LOGGER.

    The message is ``session NAME field=value …``; the record has the same fields as
    ``session_event``, ``session_handle`` and so on, for a formatter that writes JSON. No field
    can break a line: each is a number or a word.
    """
    import logging

    log = logger if logger is not None else logging.getLogger(LOGGER)

    def tell(event: Event) -> None:
        level = LEVELS[event.name]
        if log.isEnabledFor(level):
            fields = _fields(event)
            shown = "".join(f" {name}={value}" for name, value in fields.items())
            extra = {f"session_{name}": value for name, value in fields.items()}
            extra["session_event"] = event.name
            log.log(level, "session %s%s", event.name, shown, extra=extra)

    return tell


def otel_events(
    tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
) -> Listener:
    """Spans and metrics of OpenTelemetry, by default with the global providers.

    Each store call is a span of the client kind below the current one, and is counted in the
    histogram ``db.client.operation.duration``; both follow the semantic conventions for database
    clients. All other events are counted in ``serverless_sessions.events``. Attributes are words
    of the library's own, so their number is small; not even a session's handle is among them.

    Raises MissingDependency without the package opentelemetry-api.
    """
    try:
        from opentelemetry import metrics, trace
    except ImportError as error:
        raise MissingDependency(
            'otel_events() needs opentelemetry-api: pip install "serverless-sessions[otel]"'
        ) from error

    tracer = trace.get_tracer(TRACER, tracer_provider=tracer_provider)
    meter = metrics.get_meter(METER, meter_provider=meter_provider)
    happened = meter.create_counter(
        "serverless_sessions.events", "{event}", "What happened to sessions"
    )
    durations = meter.create_histogram(
        "db.client.operation.duration",
        "s",
        "How long calls of the session store took",
        explicit_bucket_boundaries_advisory=BUCKETS,
    )

    def tell(event: Event) -> None:
        failure = {"error.type": _word(event.error)} if event.error and event.failed else {}
        if event.name != "store_call":
            happened.add(1, {"serverless_sessions.event": event.name, **failure})
            return
        operation, kind, seconds = event.operation or "", event.store or "", event.seconds or 0.0
        attributes = {
            "db.system.name": SYSTEMS.get(kind, _word(kind)),
            "db.operation.name": operation,
            **failure,
        }
        durations.record(seconds, attributes)
        ended = time.time_ns()
        span = tracer.start_span(
            summary := f"{operation} session",
            kind=trace.SpanKind.CLIENT,
            attributes={**attributes, "db.query.summary": summary},
            start_time=ended - int(seconds * 1e9),
        )
        if failure:
            span.set_status(trace.StatusCode.ERROR)
        span.end(ended)

    return tell


def _fields(event: Event) -> dict[str, Any]:
    """What of the event is known, but for its name."""
    known = {name: value for name, value in event._asdict().items() if value is not None}
    del known["name"]
    return {n: _word(v) if isinstance(v, str) else round(v, 6) for n, v in known.items()}


def _word(text: str) -> str:
    return _NO_WORD.sub("_", text)
