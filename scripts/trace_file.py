"""Spans in a file, one JSON object a line, as OpenTelemetry's protocol spells them (OTLP/JSON).

`OTEL_TRACES_EXPORTER=scripts.trace_file:SpanFile` and `SPAN_FILE=…` let every worker of a host append to one file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import format_span_id, format_trace_id

KINDS = {"INTERNAL": 1, "SERVER": 2, "CLIENT": 3, "PRODUCER": 4, "CONSUMER": 5}


class SpanFile(SpanExporter):
    """Appends to the file SPAN_FILE; a line is one write, so processes do not mix theirs."""

    def __init__(self) -> None:
        self._path = Path(os.environ["SPAN_FILE"])

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write the spans down."""
        lines = [json.dumps({**span_as_json(span), "process": os.getpid()}).encode() + b"\n" for span in spans]
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            for line in lines:
                os.write(file, line)
        finally:
            os.close(file)
        return SpanExportResult.SUCCESS


def read_spans(path: Path) -> list[dict[str, Any]]:
    """The spans that were written so far; a line that is being written is left out."""
    text = path.read_text("utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def as_document(spans: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What a collector, or a viewer of traces, takes: resources, one for each process, with their spans."""
    by_process: dict[int, list[dict[str, Any]]] = {}
    for span in spans:
        by_process.setdefault(span["process"], []).append({key: span[key] for key in span if key != "process"})
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes({"service.name": "daily-scrape", "process.pid": process})},
                "scopeSpans": [{"scope": {"name": "daily_scrape"}, "spans": own}],
            }
            for process, own in by_process.items()
        ]
    }


def span_as_json(span: ReadableSpan) -> dict[str, Any]:
    """One span in OTLP/JSON: IDs in hexadecimal, times in nanoseconds since 1970 as text."""
    own = span.get_span_context()
    assert own is not None
    return {
        "traceId": format_trace_id(own.trace_id),
        "spanId": format_span_id(own.span_id),
        **({"parentSpanId": format_span_id(span.parent.span_id)} if span.parent is not None else {}),
        "name": span.name,
        "kind": KINDS[span.kind.name],
        "startTimeUnixNano": str(span.start_time),
        "endTimeUnixNano": str(span.end_time),
        "attributes": _attributes(span.attributes or {}),
        "status": {"code": span.status.status_code.value, "message": span.status.description or ""},
    }


def _attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in values.items()]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": str(value)}


def attributes_of(span: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a span that was read, as plain values."""
    return {one["key"]: _plain(one["value"]) for one in span["attributes"]}


def _plain(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    return int(content) if kind == "intValue" else content
