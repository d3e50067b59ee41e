"""What the app sends while a test looks, in memory: finished spans, and the sums of its measurements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from telemetry.switch import send_to, switch_off


class Captured:
    """Spans in the order of their ends, and measurements so far."""

    def __init__(self) -> None:
        self._exporter, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers, self.meters = TracerProvider(shutdown_on_exit=False), MeterProvider([self._reader])
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        (span,) = self.named(name)
        return span

    def names(self) -> Counter[str]:
        """How many spans there are of each name."""
        return Counter(span.name for span in self.spans)

    def counts(self, metric: str, *by: str) -> dict[Any, int]:
        """The sums of a counter, or how often a histogram was told something, by these attributes."""
        found: Counter[Any] = Counter()
        data = self._reader.get_metrics_data()
        for resource in data.resource_metrics if data else []:
            for scope in resource.scope_metrics:
                for one in scope.metrics:
                    for point in one.data.data_points if one.name == f"daily_scrape.{metric}" else []:
                        key = tuple((point.attributes or {})[name] for name in by)
                        found[key if len(by) > 1 else "".join(map(str, key))] += getattr(point, "value", 0) or getattr(
                            point, "count", 0
                        )
        return dict(found)


@contextmanager
def capturing() -> Iterator[Captured]:
    """Telemetry is on, and goes here."""
    captured = Captured()
    send_to(captured.tracers, captured.meters, app="test")
    try:
        yield captured
    finally:
        switch_off()


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def parent_id(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent is not None else None


def span_id(span: ReadableSpan) -> int:
    return span.get_span_context().span_id
