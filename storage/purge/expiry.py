"""Which runs have expired: all up to one of them, since runs follow one another."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from storage.account.tables import Tables
from storage.keys import before_filter, behind_filter, newest_first, partition_filter, since_filter
from storage.ledger.hub import is_live
from storage.ledger.runs import RUNS, RunRecord, run_from_entity
from storage.outcomes.run_ends import with_its_end
from storage.purge.work import Slice, Work

CLOCKS_DIFFER: Final = timedelta(days=1)
"""So far from ours may the clock be of the worker that has written down a time."""


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
    """The epoch of the newest run that ended before this time, as did all before it; 0 if there is none.

    A clock that was wrong for one run says nothing of the others.
    """
    epoch = await _newest_ended(slice_, before)
    young = await _oldest_young(slice_, before, epoch) if epoch else 0
    return await _newest_ended(slice_, before, older_than=young) if young else epoch


async def _newest_ended(slice_: Slice, before: datetime, *, older_than: int = 0) -> int:
    """The epoch of the newest run that ended before this time; 0 if there is none."""
    table = await slice_.store.tables.table("runs")
    query = f"{partition_filter(RUNS)} and {before_filter('started_at', before)}"
    if older_than:
        query += f" and {behind_filter(newest_first(older_than))}"
    async with slice_.store.tables.faults():
        async for entity in table.query_entities(query):
            run = run_from_entity(entity)
            slice_.budget.spend()
            if await _has_ended_before(slice_, run, before):
                return run.epoch
    return 0


async def _oldest_young(slice_: Slice, since: datetime, epoch: int) -> int:
    """The lowest epoch, below this one, of a run that began or ended since then; 0 if there is none.

    What lies in the future is a mistake of the clock, and would keep everything after it for years.
    """
    table = await slice_.store.tables.table("runs")
    older = f"{partition_filter(RUNS)} and {behind_filter(newest_first(epoch))}"
    found = 0
    for column in ("started_at", "finished_at"):
        lately = f"{since_filter(column, since)} and {before_filter(column, slice_.now + CLOCKS_DIFFER)}"
        async with slice_.store.tables.faults():
            async for entity in table.query_entities(f"{older} and {lately}", select=["epoch"]):
                found = min(found or entity["epoch"], entity["epoch"])
        slice_.budget.spend()
    return found


async def _has_ended_before(slice_: Slice, run: RunRecord, before: datetime) -> bool:
    """A run lives as long as its orchestration does, whatever its record says; and that may be suspended for weeks."""
    store, client = slice_.store, slice_.client
    ticket = await store.tickets.read(slice_.scrape)
    is_holder = ticket is not None and ticket.is_of(run.run_id, run.epoch)
    if is_holder and await is_live(client, run.run_id, of=slice_.scrape):
        return False
    ended = await with_its_end(client, store, run, of=slice_.scrape)
    return ended.outcome is not None and (ended.finished_at or ended.started_at) < before
