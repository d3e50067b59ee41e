"""The last step of a run: the record of what came of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from activities.run_context import logs_run
from scraper import clock
from scraper.settings import app_settings
from storage.ledger.runs import finished
from storage.outcomes.progress import summary_of
from storage.store import Store, open_store


@logs_run
async def finish_run(payload: dict) -> dict[str, Any]:
    """Write down how the run ended, once. Input: `run_id`, `epoch`, `reason`, `sources` (their summaries).

    Returns `outcome` (`completed`, `completed_with_failures`, `failed`, `superseded`, `stopped`), `reason` and
    `sources` as they are stored: the first outcome wins.
    """
    store = open_store(app_settings())
    run = await store.runs.of_epoch(payload["epoch"])
    told = {summary["source"]: summary for summary in payload["sources"]}
    summaries = [
        told[source] if "pages" in told.get(source, {}) else await _from_storage(store, source, run.epoch, told)
        for source in run.sources
    ]
    outcome = outcome_of(summaries)
    reason = payload["reason"] or _why_stopped(summaries)
    ended = await store.runs.end(finished(run, at=clock.utc_now(), outcome=outcome, reason=reason, results=summaries))
    return {"outcome": ended.outcome, "reason": ended.reason, "sources": [dict(result) for result in ended.results]}


def outcome_of(summaries: Sequence[Mapping[str, Any]]) -> str:
    """One word for a run, from the summaries of its sources."""
    outcomes = {summary["outcome"] for summary in summaries}
    for ended_early in ("superseded", "stopped"):
        if ended_early in outcomes:
            return ended_early
    if "published" not in outcomes:
        return "failed"
    if outcomes != {"published"} or any(summary["failed"] > summary.get("disallowed", 0) for summary in summaries):
        return "completed_with_failures"
    return "completed"


def _why_stopped(summaries: Sequence[Mapping[str, Any]]) -> str:
    reasons = [str(summary["reason"]) for summary in summaries if summary["outcome"] == "stopped"]
    return reasons[0] if reasons else ""


async def _from_storage(store: Store, source: str, epoch: int, told: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The summary of a source that broke before it could count: what it said, and what its batches recorded."""
    said = told.get(source, {"outcome": "failed", "reason": "its orchestration was ended or is broken"})
    return await summary_of(
        store.batches, store.datasets, source, epoch, outcome=said["outcome"], reason=said["reason"]
    )
