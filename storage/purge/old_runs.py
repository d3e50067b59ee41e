"""Deleting runs: their snapshots first, and what leads to something never before it."""

from azure.core import MatchConditions
from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError

from storage.keys import batches_filter, key_text, newest_first, partition_filter, prefix_filter, robots_partition
from storage.ledger.runs import RUN_IDS, RUNS, RunRecord
from storage.ledger.stalls import stalls_filter
from storage.purge.deleting import delete_found
from storage.purge.work import Slice
from storage.work.plans import PLAN


async def delete_snapshot(slice_: Slice, snapshot: str) -> bool:
    """Delete a snapshot; False if the slice had to end before all of it was gone.

    Its plans go first, in one transaction: from then on nobody takes it for one that could be read or retried.
    """
    steps = (
        ("snapshots", "batches", prefix_filter(snapshot, PLAN)),
        ("rows", "rows", batches_filter(snapshot)),
        ("failures", "failures", batches_filter(snapshot)),
        ("records", "batches", partition_filter(snapshot)),
    )
    for what, table, query in steps:
        found, is_all = await delete_found(slice_.store.tables, table, query, slice_.budget)
        if found:
            slice_.deleted[what] += 1 if what == "snapshots" else found
        if not is_all:
            return False
    return True


async def delete_what_sites_said(slice_: Slice, epoch: int) -> bool:
    """Delete the robots.txt files of a run that needs them no more; False as `delete_snapshot`."""
    query = partition_filter(robots_partition(epoch))
    found, is_all = await delete_found(slice_.store.tables, "batches", query, slice_.budget)
    if found:
        slice_.deleted["records"] += found
    return is_all


async def delete_record(slice_: Slice, run: RunRecord) -> None:
    """Delete the record of a run of which nothing else is left."""
    tables = slice_.store.tables
    await delete_found(tables, "runs", stalls_filter(run.epoch), slice_.budget)
    await _delete_run_id(slice_, run)
    found, _ = await delete_found(
        tables, "runs", f"{partition_filter(RUNS)} and RowKey eq '{newest_first(run.epoch)}'", slice_.budget
    )
    slice_.deleted["runs"] += found


async def _delete_run_id(slice_: Slice, run: RunRecord) -> None:
    """Delete the row that leads from the run's ID to its newest run, unless that is another one by now."""
    tables = slice_.store.tables
    table = await tables.table("runs")
    async with tables.faults():
        try:
            pointer = await table.get_entity(RUN_IDS, key_text(run.run_id))
            if pointer["epoch"] == run.epoch:
                await table.delete_entity(
                    pointer["PartitionKey"],
                    pointer["RowKey"],
                    etag=pointer.metadata["etag"],
                    match_condition=MatchConditions.IfNotModified,
                )
        except (ResourceNotFoundError, ResourceModifiedError):
            pass  # another purge was here, or a new run has taken the ID in this moment
    slice_.budget.spend(2)
