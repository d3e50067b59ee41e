"""How far a run and its sources have come, read from what their steps recorded."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from storage.data.datasets import Datasets
from storage.keys import snapshot_id
from storage.ledger.runs import RunRecord
from storage.work.batches import Batches
from storage.work.failure_reasons import ReasonCounts, add_up
from storage.work.page_counts import page_counts

SOURCES_AT_ONCE: Final = 16
"""Sources whose records are read at the same time; a run may have hundreds."""

Count = Literal["pages", "loaded", "unchanged", "failed", "rows", "left_out"]


@dataclass(frozen=True, slots=True)
class SourceProgress:
    """Counts of one source of a live run; `pages` is 0 until it is planned.

    Of the `loaded` pages, `unchanged` had not changed since the published snapshot: their rows were carried over.
    `failed` also counts what is none of `pages`: places that should have named some, pages that cannot be asked for.
    Of the `failed` ones, robots.txt refuses `disallowed`, also where a redirect leads. `left_out` are beyond the
    source's `max_pages`, and no part of `pages`.
    `failed_by_reason` adds up to `failed`, unless an older version of this app has recorded some of them.
    `began_at` is when its planning was begun, `last_progress_at` when its newest plan, batch or publication was
    recorded; None if there is none. It `may_grow` while links of its pages are still to be followed: then `pages` are
    those that were found so far.
    """

    source: str
    state: Literal["planning", "scraping", "publishing", "published"]
    pages: int = 0
    loaded: int = 0
    failed: int = 0
    rows: int = 0
    batches: int = 0
    batches_done: int = 0
    last_progress_at: datetime | None = None
    unchanged: int = 0
    disallowed: int = 0
    left_out: int = 0
    began_at: datetime | None = None
    failed_by_reason: ReasonCounts = field(default_factory=dict, hash=False)
    may_grow: bool = False


@dataclass(frozen=True, slots=True)
class RunProgress:
    """The sources of a run, and when any of them, or the run's start, was last heard of."""

    sources: tuple[SourceProgress, ...]
    last_progress_at: datetime

    def total(self, count: Count) -> int:
        """One count over all sources."""
        return sum(getattr(source, count) for source in self.sources)


async def run_progress(batches: Batches, datasets: Datasets, run: RunRecord) -> RunProgress:
    """The progress of a run; its cost grows with its batches."""
    slots = asyncio.Semaphore(SOURCES_AT_ONCE)

    async def of(source: str) -> SourceProgress:
        async with slots:
            return await progress_of(batches, datasets, source, snapshot_id(source, run.epoch), epoch=run.epoch)

    sources = await asyncio.gather(*(of(source) for source in run.sources))
    moments = [source.last_progress_at for source in sources if source.last_progress_at is not None]
    return RunProgress(tuple(sources), max([run.started_at, *moments]))


async def progress_of(
    batches: Batches, datasets: Datasets, source: str, snapshot: str, *, epoch: int
) -> SourceProgress:
    """The progress of `source` in the run with this epoch, whose rows go to `snapshot`."""
    plan = await batches.plan(snapshot)
    if plan is None:
        return SourceProgress(source, "planning")
    results = await batches.results(snapshot)
    dataset = await datasets.find(source)
    is_published = dataset is not None and (dataset.epoch == epoch or dataset.has_passed(epoch))
    moments = [plan.recorded_at, *(result.recorded_at for result in results)]
    if dataset is not None:
        moments += [one.at for one in dataset.publications if one.epoch == epoch]
    working: Literal["scraping", "publishing"] = (
        "publishing" if len(results) == plan.batches and not plan.is_open else "scraping"
    )
    counts = page_counts(plan, results)
    return SourceProgress(
        source,
        "published" if is_published else working,
        pages=counts.pages,
        loaded=counts.loaded,
        failed=counts.failed,
        rows=counts.rows,
        disallowed=counts.disallowed,
        left_out=plan.left_out,
        batches=plan.batches,
        batches_done=len(results),
        last_progress_at=max((moment for moment in moments if moment is not None), default=None),
        unchanged=sum(result.unchanged for result in results),
        began_at=plan.began_at,
        failed_by_reason=add_up([plan.reasons, *(result.reasons for result in results)]),
        may_grow=plan.is_open,
    )


async def summary_of(
    batches: Batches, datasets: Datasets, source: str, epoch: int, *, outcome: str, reason: str
) -> dict[str, Any]:
    """The summary of a source that could not give its own: its counts so far, and `outcome` unless it has published."""
    progress = await progress_of(batches, datasets, source, snapshot_id(source, epoch), epoch=epoch)
    is_published = progress.state == "published"
    times = {"began_at": progress.began_at, "ended_at": progress.last_progress_at}
    return {
        "source": source,
        "outcome": "published" if is_published else outcome,
        "reason": "" if is_published else reason,
        "batches": progress.batches,
        "batches_done": progress.batches_done,
        "pages": progress.pages,
        "left_out": progress.left_out,
        "loaded": progress.loaded,
        "unchanged": progress.unchanged,
        "disallowed": progress.disallowed,
        "failed": progress.failed,
        "failed_by_reason": progress.failed_by_reason,
        "rows": progress.rows,
        **{name: moment.isoformat() for name, moment in times.items() if moment is not None},
    }
