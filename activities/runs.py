"""The last step of a run: the record of what came of it."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from scraper import clock
from scraper.settings import Settings
from storage.keys import snapshot_id
from storage.progress import progress_of
from storage.runs import finished
from storage.store import Store, open_store

logger = logging.getLogger(__name__)


async def finish_run(payload: dict) -> dict[str, Any]:
    """Write down how the run ended. Input: `run_id`, `epoch`, `reason`, `sources` (their summaries).

    Returns `outcome` (`completed`, `completed_with_failures`, `failed`, `superseded`), `reason` and `sources`.
    """
    store = open_store(Settings())
    run = await store.runs.of_epoch(payload["epoch"])
    told = {summary["source"]: summary for summary in payload["sources"]}
    summaries = [
        told[source] if "pages" in told.get(source, {}) else await _from_storage(store, source, run.epoch, told)
        for source in run.sources
    ]
    outcome = outcome_of(summaries)
    await store.runs.update(
        finished(run, at=clock.utc_now(), outcome=outcome, reason=payload["reason"], results=summaries)
    )
    logger.info("run '%s' (epoch %d) ended: %s %s", run.run_id, run.epoch, outcome, payload["reason"])
    return {"outcome": outcome, "reason": payload["reason"], "sources": summaries}


def outcome_of(summaries: Sequence[Mapping[str, Any]]) -> str:
    """One word for a run, from the summaries of its sources."""
    outcomes = {summary["outcome"] for summary in summaries}
    if "superseded" in outcomes:
        return "superseded"
    if "published" not in outcomes:
        return "failed"
    if outcomes != {"published"} or any(summary["failed"] for summary in summaries):
        return "completed_with_failures"
    return "completed"


async def _from_storage(store: Store, source: str, epoch: int, told: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The summary of a source that broke before it could count: what it said, and what its batches recorded."""
    progress = await progress_of(store.batches, store.datasets, source, snapshot_id(source, epoch), epoch=epoch)
    said = told.get(source, {"outcome": "failed", "reason": "its orchestration was ended or is broken"})
    is_published = progress.state == "published"
    return {
        "source": source,
        "outcome": "published" if is_published else said["outcome"],
        "reason": "" if is_published else said["reason"],
        "batches": progress.batches,
        "pages": progress.pages,
        "loaded": progress.loaded,
        "failed": progress.failed,
        "rows": progress.rows,
    }
