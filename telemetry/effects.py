"""What became a fact: a batch, an ended run, a skipped start. Call these once the record that decides is yours."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from telemetry.finished_runs import EndedRun, emit_run_spans
from telemetry.harmless import harmless
from telemetry.switch import sender


@dataclass(frozen=True, slots=True)
class BatchWork:
    """What one run did for a batch: pages `loaded` (of them `unchanged`) and `failed`, rows, and the seconds it took.

    What earlier runs had loaded of it is no part of this.
    """

    loaded: int
    unchanged: int
    failed: int
    rows: int
    seconds: float


@harmless
def batch_recorded(source: str, work: BatchWork) -> None:
    """An attempt at a batch has become the one that counts."""
    to = sender()
    if to is None:
        return
    pages = {"loaded": work.loaded - work.unchanged, "unchanged": work.unchanged, "failed": work.failed}
    for outcome, count in pages.items():
        if count:
            to.instruments.pages.add(count, {"source": source, "outcome": outcome})
    to.instruments.rows.add(work.rows, {"source": source})
    to.instruments.batch_duration.record(work.seconds, {"source": source})


@harmless
def pages_failed(source: str, reasons: Iterable[str]) -> None:
    """Failures have become part of the record, of a batch or of a plan; each is given by its reason."""
    to = sender()
    if to is None:
        return
    for reason, count in Counter(str(reason) for reason in reasons).items():
        to.instruments.failures.add(count, {"source": source, "reason": reason})


@harmless
def run_ended(run: EndedRun) -> None:
    """The run's outcome has been written down: its spans and those of its sources go out, and it is counted."""
    to = sender()
    if to is None or run.outcome is None or run.finished_at is None:
        return
    outcome = {"outcome": run.outcome}
    to.instruments.runs.add(1, outcome)
    to.instruments.run_duration.record(max(0.0, (run.finished_at - run.started_at).total_seconds()), outcome)
    for result in run.results:
        to.instruments.sources.add(1, _of_source(result))
    emit_run_spans(to, run)


@harmless
def start_skipped(reason: str) -> None:
    """A start that did not happen has been written into the ledger."""
    to = sender()
    if to is not None:
        to.instruments.skipped.add(1, {"reason": str(reason)})


def _of_source(result: Mapping[str, Any]) -> dict[str, str]:
    return {"source": str(result["source"]), "outcome": str(result["outcome"])}
