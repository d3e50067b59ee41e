"""The gate, and the one write that readers see."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import azure.durable_functions as df

from activities.fence import standing_of, turned_away
from activities.run_context import logs_run
from scraper import clock
from scraper.app_sources import app_source
from scraper.gate import SnapshotCounts, why_refused
from scraper.settings import Settings
from scraper.sources import Source
from storage.datasets import Superseded
from storage.errors import MissingRecord
from storage.keys import snapshot_id
from storage.store import Store, open_store


@logs_run
async def publish_source(payload: dict, client: df.DurableOrchestrationClient) -> dict[str, Any]:
    """Publish the snapshot if it passes the source's gate. Input: `run_id`, `epoch`, `source`.

    Returns `outcome` (`published`, `refused`, `superseded`, `stopped`), `reason` and the counts. A repeat changes
    nothing. Raises MissingRecord if a batch has no recorded result.
    """
    settings = Settings()
    store = open_store(settings)
    name, epoch = payload["source"], payload["epoch"]
    snapshot = snapshot_id(name, epoch)
    plan = await store.batches.plan(snapshot)
    results = await store.batches.results(snapshot)
    if plan is None or plan.is_open or len(results) != plan.batches:
        raise MissingRecord(f"snapshot {snapshot} has {len(results)} results, and the plan {plan}")
    counts = SnapshotCounts(
        pages=plan.pages,
        loaded=sum(result.loaded for result in results),
        failed=sum(result.failed for result in results) + plan.not_found,
        rows=sum(result.rows for result in results),
        disallowed=plan.disallowed,
    )
    standing = await standing_of(store, client, payload)
    if standing.code in {"goes_on", "draining"}:  # what is complete is published, also while the run drains
        outcome, reason = await _publish(store, app_source(settings, name), payload, counts)
    else:
        outcome, reason = standing.code, standing.reason
    return {
        "source": name,
        "outcome": outcome,
        "reason": reason,
        "batches": plan.batches,
        "left_out": plan.left_out,
        "unchanged": sum(result.unchanged for result in results),
        **asdict(counts),
    }


async def _publish(store: Store, source: Source, payload: Mapping[str, Any], counts: SnapshotCounts) -> tuple[str, str]:
    """Outcome and reason. The pointer moves only if no newer run has begun; it is the run's one visible write."""
    epoch = payload["epoch"]
    dataset = await store.datasets.find(source.name)
    if dataset is None or dataset.epoch != epoch:  # else an earlier attempt of this activity has published
        rows_before = dataset.rows if dataset is not None and dataset.epoch else None
        refusal = why_refused(source.gate, counts, rows_before=rows_before)
        if refusal:
            return "refused", refusal
    try:
        await store.datasets.publish(
            source.name,
            epoch=epoch,
            snapshot=snapshot_id(source.name, epoch),
            run_id=payload["run_id"],
            at=clock.utc_now(),
            counts=(counts.pages, counts.failed, counts.rows),
        )
    except Superseded as newer:
        standing = await turned_away(store, payload, otherwise=str(newer))
        return standing.code, standing.reason
    return "published", ""
