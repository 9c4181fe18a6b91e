"""OpenTelemetry's SDK, keeping what it is told for a test to look at."""

from __future__ import annotations

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    HistogramDataPoint,
    InMemoryMetricReader,
    NumberDataPoint,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from serverless_sessions.events import Listener
from serverless_sessions.telemetry import otel_events

Point = NumberDataPoint | HistogramDataPoint


class Telemetry:
    """``listener`` is ``otel_events`` on providers whose spans and points stay in memory."""

    def __init__(self) -> None:
        self._spans, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.traces = TracerProvider(shutdown_on_exit=False)
        self.traces.add_span_processor(SimpleSpanProcessor(self._spans))
        self.meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self.listener: Listener = otel_events(self.traces, self.meters)

    def spans(self) -> list[ReadableSpan]:
        return list(self._spans.get_finished_spans())

    def points(self, metric: str) -> list[Point]:
        """What was counted or measured under this name, one for each set of attributes."""
        data = self._reader.get_metrics_data()
        return [
            point
            for of_resource in (data.resource_metrics if data is not None else ())
            for scope in of_resource.scope_metrics
            for found in scope.metrics
            if found.name == metric
            for point in found.data.data_points
            if isinstance(point, Point)
        ]

    def everything(self) -> str:
        """All of it as the exporters write it."""
        data = self._reader.get_metrics_data()
        metrics = data.to_json() if data is not None else ""
        return "\n".join([*(span.to_json() for span in self.spans()), metrics])
