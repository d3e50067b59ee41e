"""The spans of a run and of its sources: made from the run's record when it has ended, with the times that stand there.

Orchestrators are replayed, so they could not send a span once; and they may take turns on many workers.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from opentelemetry.trace import SpanKind, Status, StatusCode

from scraper.log_lines import one_line
from telemetry.run_ids import RunTrace, given_ids

if TYPE_CHECKING:
    from opentelemetry.context import Context

    from telemetry.switch import Sender

COUNTS: Final = ("pages", "loaded", "unchanged", "failed", "rows", "batches")
NOT_WELL: Final = frozenset({"failed", "refused", "terminated"})
LONGEST_REASON: Final = 500


class EndedRun(Protocol):
    """The record of a run, as storage.ledger.runs has it."""

    @property
    def run_id(self) -> str: ...
    @property
    def epoch(self) -> int: ...
    @property
    def started_at(self) -> datetime: ...
    @property
    def finished_at(self) -> datetime | None: ...
    @property
    def triggered_by(self) -> str: ...
    @property
    def outcome(self) -> str | None: ...
    @property
    def reason(self) -> str: ...
    @property
    def results(self) -> tuple[Mapping[str, Any], ...]: ...


def emit_run_spans(to: "Sender", run: EndedRun) -> None:
    """Send the span of an ended run, and below it one for each of its sources."""
    assert run.finished_at is not None
    of_run = RunTrace(to.app, run.run_id, run.epoch)
    counts = {name: sum(int(one.get(name, 0)) for one in run.results) for name in COUNTS}
    about: dict[str, Any] = {"run_id": run.run_id, "epoch": run.epoch}
    told = {"triggered_by": one_line(run.triggered_by, 100), "sources": len(run.results), **counts}
    _emit(to, of_run, "", None, (run.started_at, run.finished_at), {**about, **told}, str(run.outcome), run.reason)
    for one in run.results:
        source = str(one["source"])
        began = _moment(one.get("began_at")) or run.started_at
        ended = _moment(one.get("ended_at")) or run.finished_at
        counts = {name: one[name] for name in COUNTS if name in one}
        told = {**about, "source": source, **counts}
        _emit(to, of_run, source, of_run.inside(), (began, ended), told, str(one["outcome"]), str(one["reason"]))


def _emit(
    to: "Sender",
    of_run: RunTrace,
    source: str,
    parent: "Context | None",
    times: tuple[datetime, datetime],
    attributes: Mapping[str, Any],
    outcome: str,
    reason: str,
) -> None:
    """One span, with the ID by which the spans below it have named it already."""
    from opentelemetry.context import Context

    with given_ids(of_run.trace_id, of_run.span_id(source)):
        span = to.tracer.start_span(
            "scrape_source" if source else "daily_scrape",
            context=parent or Context(),
            kind=SpanKind.INTERNAL if source else SpanKind.CONSUMER,  # Application Insights: a request of its own
            attributes={**attributes, "outcome": outcome, "reason": one_line(reason, LONGEST_REASON)},
            start_time=nanoseconds(times[0]),
        )
    if outcome in NOT_WELL:
        span.set_status(Status(StatusCode.ERROR, one_line(reason, LONGEST_REASON)))
    span.end(nanoseconds(max(times)))


def nanoseconds(moment: datetime) -> int:
    """A time as OpenTelemetry wants it: since 1970."""
    return int(moment.timestamp() * 1_000_000) * 1000


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) and text else None
