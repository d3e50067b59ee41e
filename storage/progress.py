"""How far a source of a run has come, read from what its batches recorded."""

from dataclasses import dataclass
from typing import Any, Literal

from storage.batches import Batches
from storage.datasets import Datasets
from storage.keys import snapshot_id


@dataclass(frozen=True, slots=True)
class SourceProgress:
    """Counts of one source of a live run; `pages` is 0 until it is planned."""

    source: str
    state: Literal["planning", "scraping", "publishing", "published"]
    pages: int = 0
    loaded: int = 0
    failed: int = 0
    rows: int = 0
    batches: int = 0
    batches_done: int = 0


async def progress_of(
    batches: Batches, datasets: Datasets, source: str, snapshot: str, *, epoch: int
) -> SourceProgress:
    """The progress of `source` in the run with this epoch, whose rows go to `snapshot`."""
    plan = await batches.plan(snapshot)
    if plan is None:
        return SourceProgress(source, "planning")
    results = await batches.results(snapshot)
    dataset = await datasets.find(source)
    is_published = dataset is not None and dataset.epoch == epoch
    working: Literal["scraping", "publishing"] = "publishing" if len(results) == plan.batches else "scraping"
    return SourceProgress(
        source,
        "published" if is_published else working,
        pages=plan.pages,
        loaded=sum(result.loaded for result in results),
        failed=sum(result.failed for result in results) + plan.not_found,
        rows=sum(result.rows for result in results),
        batches=plan.batches,
        batches_done=len(results),
    )


async def summary_of(
    batches: Batches, datasets: Datasets, source: str, epoch: int, *, outcome: str, reason: str
) -> dict[str, Any]:
    """The summary of a source that could not give its own: its counts so far, and `outcome` unless it has published."""
    progress = await progress_of(batches, datasets, source, snapshot_id(source, epoch), epoch=epoch)
    is_published = progress.state == "published"
    return {
        "source": source,
        "outcome": "published" if is_published else outcome,
        "reason": "" if is_published else reason,
        "batches": progress.batches,
        "batches_done": progress.batches_done,
        "pages": progress.pages,
        "loaded": progress.loaded,
        "failed": progress.failed,
        "rows": progress.rows,
    }
