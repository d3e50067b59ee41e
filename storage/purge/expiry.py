"""Which runs have expired: all up to one of them, since runs follow one another."""

from dataclasses import replace
from datetime import datetime

from storage.hub import is_live
from storage.keys import before_filter, behind_filter, newest_first, partition_filter
from storage.purge.work import Slice, Work
from storage.run_ends import with_its_end
from storage.runs import RUNS, RunRecord, run_from_entity
from storage.tables import Tables


async def find_expired(slice_: Slice, work: Work) -> Work:
    """`work` with the epochs up to which runs have expired."""
    epoch = await _newest_expired(slice_, work.before)
    records_epoch = epoch
    if work.records_before != work.before:
        records_epoch = await _newest_expired(slice_, work.records_before)
    return replace(work, epoch=epoch, records_epoch=records_epoch)


async def expired_runs(tables: Tables, epoch: int, *, after: str, at_most: int) -> list[RunRecord]:
    """Runs up to `epoch`, the newest first; those behind the row key `after`."""
    behind = f" and {behind_filter(after)}" if after else ""
    query = f"{partition_filter(RUNS)} and RowKey ge '{newest_first(epoch)}'{behind}"
    table = await tables.table("runs")
    found: list[RunRecord] = []
    async with tables.faults():
        async for entity in table.query_entities(query, results_per_page=at_most):
            found.append(run_from_entity(entity))
            if len(found) == at_most:
                break
    return found


async def _newest_expired(slice_: Slice, before: datetime) -> int:
    """The epoch of the newest run that ended before this time; 0 if there is none."""
    table = await slice_.store.tables.table("runs")
    query = f"{partition_filter(RUNS)} and {before_filter('started_at', before)}"
    async with slice_.store.tables.faults():
        async for entity in table.query_entities(query):
            run = run_from_entity(entity)
            slice_.budget.spend()
            if await _has_ended_before(slice_, run, before):
                return run.epoch
    return 0


async def _has_ended_before(slice_: Slice, run: RunRecord, before: datetime) -> bool:
    """A run lives as long as its orchestration does, whatever its record says; and that may be suspended for weeks."""
    store, client = slice_.store, slice_.client
    ticket = await store.tickets.read(slice_.scrape)
    is_holder = ticket is not None and ticket.is_of(run.run_id, run.epoch)
    if is_holder and await is_live(client, run.run_id, of=slice_.scrape):
        return False
    ended = await with_its_end(client, store, run, of=slice_.scrape)
    return ended.outcome is not None and (ended.finished_at or ended.started_at) < before
