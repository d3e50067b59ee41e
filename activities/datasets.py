"""The gate, and the one write that readers see."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import azure.durable_functions as df

from activities.fence import standing_of, turned_away
from activities.run_context import logs_run
from scraper import clock
from scraper.app_sources import app_source
from scraper.gate import SnapshotCounts, why_refused
from scraper.rows.key_faults import PAIRED
from scraper.run_log import run_logger
from scraper.settings import app_settings
from scraper.sources import Source
from storage.data.dataset import Dataset
from storage.data.datasets import PublishedMeanwhile, SnapshotPurged, Superseded
from storage.errors import MissingRecord, NotComparable, SnapshotIncomplete
from storage.keys import epoch_of, snapshot_id
from storage.snapshots.diffs import diff_of, hashed_pages
from storage.snapshots.row_changes import KINDS, rows_with_known_key
from storage.snapshots.snapshots import Snapshot, open_snapshot
from storage.store import Store, open_store
from storage.work.failure_reasons import add_up

logger = run_logger(__name__)


@logs_run
async def publish_source(payload: dict, client: df.DurableOrchestrationClient) -> dict[str, Any]:
    """Publish the snapshot if it passes the source's gate. Input: `run_id`, `epoch`, `source`.

    Returns `outcome` (`published`, `refused`, `superseded`, `stopped`), `reason` and the counts; of rows also how many
    were `added`, `removed` and `changed` against what was published before, None if that cannot be told; when the
    source `began_at`, if that is known, and `ended_at`. A repeat changes nothing. Raises SnapshotGone or
    SnapshotIncomplete if a batch has no recorded result.
    """
    settings = app_settings()
    store = open_store(settings)
    name, epoch = payload["source"], payload["epoch"]
    snapshot = await open_snapshot(store, name, epoch)
    counts, plan = snapshot.counts, snapshot.plan
    changes: dict[str, int | None] = dict.fromkeys(KINDS)
    standing = await standing_of(store, client, payload)
    if standing.code in {"goes_on", "draining"}:  # what is complete is published, also while the run drains
        source = app_source(settings, name)
        await _warn_of_key(store, source, snapshot)
        outcome, reason, changes = await _gate_and_publish(store, source, payload, snapshot)
    else:
        outcome, reason = standing.code, standing.reason
    return {
        "source": name,
        "outcome": outcome,
        "reason": reason,
        "batches": plan.batches,
        "left_out": plan.left_out,
        "failed_by_reason": add_up([plan.reasons, *(result.reasons for result in snapshot.results)]),
        "unchanged": sum(result.unchanged for result in snapshot.results),
        **{name: count for name, count in asdict(counts).items() if name != "unread_listings"},
        **changes,
        **({"began_at": plan.began_at.isoformat()} if plan.began_at is not None else {}),
        "ended_at": clock.utc_now().isoformat(),
    }


async def _warn_of_key(store: Store, source: Source, snapshot: Snapshot) -> None:
    """Log how many rows the source's key does not tell apart from others."""
    if not source.key:
        return
    try:
        known = await asyncio.to_thread(rows_with_known_key, await hashed_pages(store, snapshot))
    except NotComparable as fault:
        logger.warning("nobody knows whether key tells all rows apart: %s", fault)
        return
    if known:
        logger.warning("rows that have the key of another one: %d; %s", known, PAIRED)


async def _gate_and_publish(
    store: Store, source: Source, payload: Mapping[str, Any], snapshot: Snapshot
) -> tuple[str, str, dict[str, int | None]]:
    """Outcome, reason, and how many rows differ from those that were published before."""
    while True:
        dataset = await store.datasets.find(source.name)
        changes = await _changes(store, snapshot, dataset)
        try:
            return (*await _publish(store, source, payload, snapshot.counts, dataset), changes)
        except PublishedMeanwhile as other:  # by hand; so that is what the gate has to compare with
            logger.warning("looking again: %s", other)


async def _changes(store: Store, snapshot: Snapshot, dataset: Dataset | None) -> dict[str, int | None]:
    """How many rows were added, removed and changed since the snapshot that is, or was, published before this one."""
    unknown: dict[str, int | None] = dict.fromkeys(KINDS)
    if dataset is None:
        return unknown
    before = dataset.before(snapshot.epoch)
    if not before:
        return unknown
    try:
        older = await open_snapshot(store, snapshot.source, epoch_of(before))
        diff = await diff_of(store, older, snapshot)
    except (MissingRecord, SnapshotIncomplete, NotComparable) as fault:  # what readers see may be purged in part
        logger.warning("the rows cannot be compared with those that were published before: %s", fault)
        return unknown
    logger.info("rows: added %d, removed %d, changed %d", *(diff.counts[kind] for kind in KINDS))
    return {kind: diff.counts[kind] for kind in KINDS}


async def _publish(
    store: Store, source: Source, payload: Mapping[str, Any], counts: SnapshotCounts, dataset: Dataset | None
) -> tuple[str, str]:
    """Outcome and reason. The pointer moves only if no newer run has begun; it is the run's one visible write."""
    epoch = payload["epoch"]
    if dataset is None or dataset.by_run != epoch:  # else an earlier attempt of this activity has published
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
            instead_of=dataset.snapshot if dataset is not None else "",
        )
    except Superseded as newer:
        standing = await turned_away(store, payload, otherwise=str(newer))
        return standing.code, standing.reason
    except SnapshotPurged as gone:
        return "failed", str(gone)
    return "published", ""
