"""What of the expired runs has to stay.

All of it is found from what is younger: the published snapshots, and the retries. Ask only once the pointers forbid to
publish expired snapshots; then what is found can become less while the purge works, and never more.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from storage.keys import newest_first, partition_filter, snapshot_id
from storage.ledger.runs import RUNS, RunRecord, run_from_entity
from storage.purge.work import Slice
from storage.store import Store
from storage.work.page_lists import parts_from_text

READERS_TIME: Final = timedelta(days=1)
"""For so long what was published until now stays: somebody may be reading it."""


class Needs:
    """What younger things need of the runs up to some epoch; each source is looked up once."""

    def __init__(self, slice_: Slice, retries: Sequence[RunRecord], bases: frozenset[int]) -> None:
        self._slice, self._retries, self._bases = slice_, retries, bases
        self._known: dict[str, frozenset[str]] = {}

    @classmethod
    async def read(cls, slice_: Slice, epoch: int) -> "Needs":
        """What is needed of the runs up to `epoch`."""
        retries = await _retries_after(slice_.store, epoch)
        bases: set[int] = set()
        for retry in retries:
            if retry.outcome is None:
                bases |= await _bases_of(slice_, retry)
        slice_.budget.spend()
        return cls(slice_, retries, frozenset(bases))

    def is_base(self, epoch: int) -> bool:
        """True for a run that one on its way retries, or falls back on: it may not have planned its sources yet."""
        return epoch in self._bases

    async def snapshots_of(self, source: str) -> frozenset[str]:
        """The snapshots of a source that are published, or hold rows of younger ones; younger ones are among them."""
        if source not in self._known:
            self._known[source] = frozenset(await self._look_up(source))
        return self._known[source]

    async def _look_up(self, source: str) -> set[str]:
        wanted = {snapshot_id(source, retry.epoch) for retry in self._retries if source in retry.sources}
        dataset = await self._slice.store.datasets.find(source)
        if dataset is not None:
            wanted |= dataset.seen_since(self._slice.now - READERS_TIME)
        wanted.discard("")
        self._slice.budget.spend(1 + len(wanted))
        held = [await snapshots_within(self._slice.store, snapshot) for snapshot in sorted(wanted)]
        return wanted.union(*held)


async def snapshots_within(store: Store, snapshot: str) -> set[str]:
    """The other snapshots in which rows of this one lie, since it was made by retries of their runs."""
    table = await store.tables.table("batches")
    query = f"{partition_filter(snapshot)} and earlier ne '[]'"
    found: set[str] = set()
    async with store.tables.faults():
        async for entity in table.query_entities(query, select=["earlier"]):
            found |= {part.snapshot for part in parts_from_text(entity.get("earlier") or "[]")}
    return found - {snapshot}


async def _retries_after(store: Store, epoch: int) -> list[RunRecord]:
    table = await store.tables.table("runs")
    query = f"{partition_filter(RUNS)} and RowKey lt '{newest_first(epoch)}' and retry_of_epoch ge 1"
    async with store.tables.faults():
        found = [run_from_entity(entity) async for entity in table.query_entities(query)]
    return [run for run in found if run.retry_of is not None]


async def _bases_of(slice_: Slice, retry: RunRecord) -> set[int]:
    """The epochs of the run that `retry` retries, of the one that that retries, and so on."""
    found: set[int] = set()
    run: RunRecord | None = retry
    while run is not None and run.retry_of is not None and run.retry_of.epoch not in found:
        found.add(run.retry_of.epoch)
        slice_.budget.spend()
        run = await slice_.store.runs.of_execution(run.retry_of)
    return found
