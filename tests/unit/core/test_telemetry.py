"""The listeners that come with the library: a logger, and spans and metrics of OpenTelemetry."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable
from typing import Any, get_args

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics.export import HistogramDataPoint, NumberDataPoint
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from serverless_sessions import Event, MemoryStore, MissingDependency, SessionConfig, SessionStore
from serverless_sessions.events import EventName
from serverless_sessions.handlers.aws_lambda import with_session
from serverless_sessions.telemetry import BUCKETS, LEVELS, LOGGER, log_events, otel_events
from serverless_sessions.testing.lambda_events import HttpRequest, to_event
from serverless_sessions.testing.watched import WatchedStore
from support.failures import down
from support.otel import Telemetry

CALL = Event("store_call", None, "load", 0.25, None, "dynamodb")
DURATION = "db.client.operation.duration"


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.mark.parametrize("name", get_args(EventName))
def test_each_event_is_logged_at_its_level_with_its_fields(
    name: EventName, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, LOGGER)
    log_events()(Event(name, "Hk3-x_9aQ2vB7nZ1", "load", 0.1234567, "StoreTimeout", "redis"))
    (record,) = caplog.records
    assert (record.name, record.levelno) == (LOGGER, LEVELS[name])
    assert record.getMessage() == (
        f"session {name} handle=Hk3-x_9aQ2vB7nZ1 operation=load seconds=0.123457"
        " error=StoreTimeout store=redis"
    )
    fields = {k: v for k, v in vars(record).items() if k.startswith("session_")}
    assert fields == {
        "session_event": name,
        "session_handle": "Hk3-x_9aQ2vB7nZ1",
        "session_operation": "load",
        "session_seconds": 0.123457,
        "session_error": "StoreTimeout",
        "session_store": "redis",
    }


def test_what_is_not_known_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, LOGGER)
    log_events()(Event("missed"))
    (record,) = caplog.records
    assert record.getMessage() == "session missed"
    assert [name for name in vars(record) if name.startswith("session_")] == ["session_event"]


def test_a_logger_of_ones_own_filters_by_its_level(caplog: pytest.LogCaptureFixture) -> None:
    own = logging.getLogger("shop.audit")
    own.setLevel(logging.WARNING)
    tell = log_events(own)
    tell(Event("created"))
    tell(Event("refused_id"))
    assert [(r.name, r.getMessage()) for r in caplog.records] == [
        ("shop.audit", "session refused_id")
    ]


def test_no_field_can_break_a_line(caplog: pytest.LogCaptureFixture, telemetry: Telemetry) -> None:
    caplog.set_level(logging.DEBUG, LOGGER)
    evil = "x\r\n2026 session=destroyed\x1b[2J"
    event = Event("store_call", evil, "load", 0.1, evil, evil)
    log_events()(event)
    telemetry.listener(event)
    (record,) = caplog.records
    shown = [record.getMessage(), *(v for v in vars(record).values() if isinstance(v, str))]
    (span,) = telemetry.spans()
    shown += [str(value) for value in (span.attributes or {}).values()]
    assert not [text for text in shown if any(c in text for c in "\r\n\x1b")]


def test_a_store_call_is_a_span_of_its_length_by_the_conventions(telemetry: Telemetry) -> None:
    before = time.time_ns()
    telemetry.listener(CALL)
    (span,) = telemetry.spans()
    assert (span.name, span.kind) == ("load session", SpanKind.CLIENT)
    assert dict(span.attributes or {}) == {
        "db.system.name": "aws.dynamodb",
        "db.operation.name": "load",
        "db.query.summary": "load session",
    }
    assert span.status.status_code is StatusCode.UNSET
    assert span.start_time is not None
    assert span.end_time is not None
    assert span.end_time - span.start_time == 250_000_000
    assert before <= span.end_time <= time.time_ns()


@pytest.mark.parametrize(
    ("kind", "system"),
    [
        ("redis", "redis"),
        ("upstash", "redis"),
        ("sqlite", "sqlite"),
        ("firestore", "gcp.firestore"),
        ("azure-tables", "azure.tables"),
        ("memory", "memory"),
        ("other", "other"),
    ],
)
def test_the_system_is_named_as_the_conventions_name_it(
    telemetry: Telemetry, kind: str, system: str
) -> None:
    telemetry.listener(CALL._replace(store=kind))
    (span,) = telemetry.spans()
    assert (span.attributes or {})["db.system.name"] == system


@pytest.mark.parametrize("answer", ["Conflict", "Moved", "SessionGone"])
def test_an_answer_of_the_store_is_no_error(telemetry: Telemetry, answer: str) -> None:
    telemetry.listener(CALL._replace(error=answer))
    (span,) = telemetry.spans()
    assert span.status.status_code is StatusCode.UNSET
    assert "error.type" not in (span.attributes or {})
    (point,) = telemetry.points(DURATION)
    assert "error.type" not in (point.attributes or {})


def test_a_failure_is_an_error_of_span_and_metric(telemetry: Telemetry) -> None:
    telemetry.listener(CALL._replace(error="StoreTimeout"))
    (span,) = telemetry.spans()
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "StoreTimeout"
    (point,) = telemetry.points(DURATION)
    assert (point.attributes or {})["error.type"] == "StoreTimeout"


def test_durations_are_a_histogram_in_seconds(telemetry: Telemetry) -> None:
    for seconds in (0.002, 0.004, 3.0):
        telemetry.listener(CALL._replace(seconds=seconds))
    telemetry.listener(CALL._replace(operation="update"))
    points = {(p.attributes or {})["db.operation.name"]: p for p in telemetry.points(DURATION)}
    assert points.keys() == {"load", "update"}
    load = points["load"]
    assert isinstance(load, HistogramDataPoint)
    assert load.count == 3
    assert load.sum == pytest.approx(3.006)
    assert tuple(load.explicit_bounds) == BUCKETS
    assert dict(load.attributes or {}) == {
        "db.system.name": "aws.dynamodb",
        "db.operation.name": "load",
    }


def test_other_events_are_counted_and_no_handle_is_told(telemetry: Telemetry) -> None:
    for handle in ("Hk3-x_9aQ2vB7nZ1", "Hk3-x_9aQ2vB7nZ2"):
        telemetry.listener(Event("created", handle))
    telemetry.listener(Event("store_error", error="AccessDenied"))
    counted = {
        tuple(sorted((p.attributes or {}).items())): p.value
        for p in telemetry.points("serverless_sessions.events")
        if isinstance(p, NumberDataPoint)
    }
    assert counted == {
        (("serverless_sessions.event", "created"),): 2,
        (("error.type", "AccessDenied"), ("serverless_sessions.event", "store_error")): 1,
    }
    assert telemetry.spans() == []


def sync_handler(store: SessionStore, config: SessionConfig) -> Callable[[Any, Any], Any]:
    @with_session(store=store, config=config)
    def handler(event: dict[str, Any], context: object, session: Any) -> dict[str, Any]:
        session.set("n", 1)
        return {"statusCode": 200}

    return handler


def async_handler(store: SessionStore, config: SessionConfig) -> Callable[[Any, Any], Any]:
    @with_session(store=store, config=config)
    async def handler(event: dict[str, Any], context: object, session: Any) -> dict[str, Any]:
        session.set("n", 1)
        return {"statusCode": 200}

    return handler


@pytest.mark.parametrize("make", [sync_handler, async_handler])
def test_a_span_is_the_child_of_the_requests_span(
    telemetry: Telemetry, make: Callable[..., Callable[[Any, Any], Any]]
) -> None:
    store = WatchedStore(MemoryStore())
    handler = make(store, SessionConfig(on_event=telemetry.listener))
    tracer = telemetry.traces.get_tracer("shop")
    with tracer.start_as_current_span("request") as request:
        handler(to_event("http-api", HttpRequest()), None)
        store.before = down
        handler(to_event("http-api", HttpRequest()), None)
    assert trace.get_current_span() is not request
    calls = [span for span in telemetry.spans() if span.name == "create session"]
    assert [span.status.status_code for span in calls] == [
        StatusCode.UNSET,
        StatusCode.ERROR,  # once more after a lost reply
        StatusCode.ERROR,
    ]
    assert {parent_of(span) for span in calls} == {request.get_span_context().span_id}
    assert json.loads(calls[0].to_json())["attributes"]["db.system.name"] == "memory"


def parent_of(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent is not None else None


def test_without_the_package_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(MissingDependency, match=r"serverless-sessions\[otel\]"):
        otel_events()
