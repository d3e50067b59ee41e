"""The snapshots of a source: which are kept, and whether one is whole and can be read."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from azure.core.exceptions import ResourceNotFoundError

from scraper.gate import SnapshotCounts
from storage.errors import SnapshotGone, SnapshotIncomplete
from storage.keys import snapshot_id
from storage.ledger.runs import RunRecord
from storage.store import Store
from storage.work.batch_results import BatchResult
from storage.work.batches import Plan
from storage.work.page_counts import page_counts

RUNS_AT_ONCE: Final = 50
"""Runs that are looked through at a time for those that a source had."""
MOST_RUNS: Final = 1000
"""Runs that one listing looks through; a source that is scraped rarely needs more of them for a page."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A complete snapshot: nothing will ever be added to it."""

    source: str
    epoch: int
    plan: Plan
    results: tuple[BatchResult, ...]

    @property
    def name(self) -> str:
        """Its ID."""
        return snapshot_id(self.source, self.epoch)

    @property
    def counts(self) -> SnapshotCounts:
        """What the gate looks at."""
        return page_counts(self.plan, self.results)


async def columns_of(store: Store, snapshot: Snapshot) -> list[str]:
    """The fields that rows of a snapshot can have, in the order of the source's description."""
    found_by = [(part, result.batch) for result in snapshot.results for part in result.parts(snapshot.name)]
    with_rows = [one for one in found_by if one[0].rows]
    parts = [(part.snapshot, batch, part.attempt) for part, batch in with_rows or found_by if part.loaded]
    told = {name: await store.memory.columns(name) for name in sorted({name for name, _, _ in parts})}
    found: dict[str, None] = {}
    for name, batch, attempt in parts:
        columns = told[name].get((batch, attempt))
        if not columns:  # an older version of this app wrote it
            return await _columns_of_rows(store, snapshot)
        found |= dict.fromkeys(columns)
    return list(found)


async def _columns_of_rows(store: Store, snapshot: Snapshot) -> list[str]:
    found: dict[str, None] = {}
    async for row in store.rows.of_snapshot(snapshot.name, snapshot.results):
        found |= dict.fromkeys(row.values)
    return list(found)


async def open_snapshot(store: Store, source: str, epoch: int) -> Snapshot:
    """The snapshot of a source from the run with this epoch. Raises SnapshotGone, or SnapshotIncomplete."""
    name = snapshot_id(source, epoch)
    plan = await store.batches.plan(name)
    if plan is None or plan.pages == 0:
        raise SnapshotGone(name)
    results = await store.batches.results(name)
    if len(results) != plan.batches or plan.is_open:
        raise SnapshotIncomplete(name, done=len(results), batches=plan.batches)
    return Snapshot(source, epoch, plan, tuple(results))


async def has_all_rows(store: Store, snapshot: Snapshot) -> bool:
    """True if no attempt that had rows has lost them: a purge begins with some, and ends with all."""
    parts = [(part, result.batch) for result in snapshot.results for part in result.parts(snapshot.name) if part.rows]
    return all(await asyncio.gather(*(store.rows.has_rows_of(part, batch) for part, batch in parts)))


async def kept_snapshots(
    store: Store, source: str, *, limit: int, before_epoch: int | None
) -> tuple[list[tuple[RunRecord, Plan]], int | None]:
    """The runs that have found pages of `source`, as far as that is kept, newest first, older than `before_epoch`.

    At most `limit` of them; and where the next page begins, None if there is no more.
    """
    found: list[tuple[RunRecord, Plan]] = []
    before = before_epoch
    async for of_source, before in _runs_of(store, source, before_epoch):  # noqa: B007 - where the next page begins
        plans = await asyncio.gather(*(store.batches.plan(snapshot_id(source, run.epoch)) for run in of_source))
        found += [(run, plan) for run, plan in zip(of_source, plans, strict=True) if plan and plan.pages]
        if len(found) > limit:
            return found[:limit], found[limit - 1][0].epoch
    return found, before


async def newest_run_of(store: Store, source: str) -> RunRecord | None:
    """The newest run that has begun to work on `source`, also one that found no page of it; None if none is kept."""
    async for of_source, _ in _runs_of(store, source, None):
        if of_source:
            return of_source[0]
    return None


async def _runs_of(store: Store, source: str, before: int | None) -> AsyncIterator[tuple[list[RunRecord], int | None]]:
    """The runs that had `source`, some at a time, newest first; each time also where those after them begin."""
    for _ in range(MOST_RUNS // RUNS_AT_ONCE):
        runs, before = await store.runs.newest(limit=RUNS_AT_ONCE, before_epoch=before)
        yield [run for run in runs if source in run.sources], before
        if before is None:
            return


class RunIds:
    """The IDs of runs by epoch, each read once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[int, str | None] = {}

    async def of(self, epoch: int) -> str | None:
        """The ID of the run with this epoch; None if its record was purged."""
        if epoch not in self._known:
            try:
                self._known[epoch] = (await self._store.runs.of_epoch(epoch)).run_id
            except ResourceNotFoundError:
                self._known[epoch] = None
        return self._known[epoch]
