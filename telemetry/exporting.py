"""The OpenTelemetry SDK and its exporters, where the worker does not set them up. Imported only if switched on."""

import importlib
import logging
import os
from importlib.metadata import entry_points
from typing import Any

from opentelemetry import metrics, trace

NO_SDK = (trace.ProxyTracerProvider, trace.NoOpTracerProvider)


def ensure_sdk(mode: str) -> None:
    """An SDK that exports as `mode` says (`azure_monitor` or `otlp`). Raises what the packages do, and ImportError.

    With `azure_monitor` the real worker has done it before it imported the app; other hosts do not.
    """
    _keep_tables_out_of_traces()
    _keep_exporters_out_of_the_log()
    if not isinstance(trace.get_tracer_provider(), NO_SDK):
        return
    if mode == "azure_monitor":
        from azure.monitor.opentelemetry import configure_azure_monitor

        configure_azure_monitor()
    else:
        _export_by_environment()


def _keep_tables_out_of_traces() -> None:
    """A batch makes hundreds of calls of storage: a span for each would cost more than the batch."""
    from azure.core.settings import settings

    settings.tracing_enabled = False


def _keep_exporters_out_of_the_log() -> None:
    """They log each success at INFO: a line that is sent like every other, and has another success, for ever."""
    for name in ("azure.monitor.opentelemetry", "opentelemetry"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _export_by_environment() -> None:
    """Spans, metrics and log lines to the exporters of OTEL_TRACES_EXPORTER and its like; `otlp` if nothing is said.

    The SDK itself reads OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER, OTEL_BSP_… and so on.
    """
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    os.environ.setdefault("OTEL_SERVICE_NAME", os.environ.get("WEBSITE_SITE_NAME", "daily-scrape"))
    resource = Resource.create()
    span_exporter, metric_exporter = _exporter("traces"), _exporter("metrics")
    log_exporter = _exporter("logs")
    if span_exporter is not None:
        tracers = TracerProvider(resource=resource)
        tracers.add_span_processor(BatchSpanProcessor(span_exporter))
        trace.set_tracer_provider(tracers)
    if metric_exporter is not None:
        reader = PeriodicExportingMetricReader(metric_exporter)
        metrics.set_meter_provider(MeterProvider([reader], resource=resource))
    if log_exporter is not None:
        _export_log_lines(log_exporter, resource)


def _export_log_lines(exporter: Any, resource: Any) -> None:
    """The worker tells the host that it exports by itself; the host then drops the lines that it gets."""
    from opentelemetry._logs import set_logger_provider
    from opentelemetry.instrumentation.logging.handler import LoggingHandler
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    lines = LoggerProvider(resource=resource)
    lines.add_log_record_processor(BatchLogRecordProcessor(exporter))
    set_logger_provider(lines)
    logging.getLogger().addHandler(LoggingHandler(logger_provider=lines))


def _exporter(signal: str) -> Any:
    """An exporter of `traces`, `metrics` or `logs` by its name, or by `module:Class`; None for `none`."""
    name = os.environ.get(f"OTEL_{signal.upper()}_EXPORTER", "otlp").strip()
    if name == "none":
        return None
    if ":" in name:
        module, _, class_name = name.partition(":")
        return getattr(importlib.import_module(module), class_name)()
    if name == "otlp":
        protocol = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        name = "otlp_proto_grpc" if protocol == "grpc" else "otlp_proto_http"
    found = list(entry_points(group=f"opentelemetry_{signal}_exporter", name=name))
    if not found:
        package = f"opentelemetry-exporter-{name.replace('_', '-')}"
        raise ImportError(f"no exporter '{name}' of {signal} is installed: put {package} into requirements.txt")
    return found[0].load()()
