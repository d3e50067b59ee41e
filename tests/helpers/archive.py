"""An app with a past, and its purges: on tables and a hub in memory."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

from azure.core.exceptions import HttpResponseError

from storage.purge.deleting import Budget
from storage.purge.stages import purge_slice
from storage.purge.work import Slice, Work
from storage.store import Store, store_on
from tests.helpers.memory_tables import MemoryTables
from tests.helpers.past_runs import SCRAPE, PastRuns, day
from tests.helpers.ticket_stores import MemoryHub

LIMIT = timedelta(days=30)


class Away(HttpResponseError):
    """The storage does not answer."""


@dataclass
class Archive:
    """The app. `there` are the snapshots that have to be readable, as far as a test keeps account of them."""

    tables: MemoryTables = field(default_factory=lambda: MemoryTables(in_turns=()))
    hub: MemoryHub = field(default_factory=MemoryHub)
    there: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.store: Store = store_on(self.tables)  # type: ignore[arg-type]
        self.past = PastRuns(self.store, self.hub)

    async def purge(self, at: float, *, limit: timedelta = LIMIT) -> dict[str, int]:
        """One purge of one slice; what it has deleted."""
        part = Slice(self.store, self.hub, SCRAPE, day(at), Budget(calls=100_000))
        assert await purge_slice(part, Work(day(at) - limit, day(at) - limit)) is None
        return {what: number for what, number in part.deleted.items() if number}

    def mend(self) -> None:
        """Let the storage answer again."""
        for table in self.tables.tables.values():
            table.on_delete = lambda _key: None

    async def purge_with_faults(self, at: float, chance: random.Random) -> None:
        """The same in slices of any size, any of which may break off, be repeated, or come back as its own zombie."""
        work: Work | None = Work(day(at) - LIMIT, day(at) - LIMIT)
        before = work
        for _ in range(10_000):
            assert work is not None
            for one in (before, work) if chance.random() < 0.2 else (work,):
                rest = await self._slice(one, at, chance)
            before, work = work, rest
            if work is None:
                return self.mend()
            work = Work.of_json(work.as_json())
        raise AssertionError("the purge does not come to an end")

    async def _slice(self, work: Work, at: float, chance: random.Random) -> Work | None:
        while True:
            deletions = count(1)
            faults = {chance.randint(1, 40)}

            def break_off(_key: object, deletions: Iterator[int] = deletions, faults: set[int] = faults) -> None:
                if next(deletions) in faults:
                    raise Away("it is away")

            for table in self.tables.tables.values():
                table.on_delete = break_off
            part = Slice(self.store, self.hub, SCRAPE, day(at), Budget(chance.randint(1, 30)))
            with suppress(Away):
                return await purge_slice(part, work)

    def snapshots_in(self, table: str) -> set[str]:
        """The snapshots of which a table has anything."""
        found = set()
        for partition, _ in self.tables.tables[table].entities:
            name = partition if table == "batches" else partition.rpartition("~")[0]
            if not name.startswith("~robots~"):
                found.add(name)
        return found

    def keys(self, table: str, partition: str) -> list[str]:
        """The row keys of a partition."""
        return sorted(row for found, row in self.tables.tables[table].entities if found == partition)
