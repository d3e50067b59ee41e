"""All stores of the app on one account, opened once per event loop."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from scraper.models import PageFailure
from scraper.settings import Settings
from storage.account.tables import Tables, open_tables
from storage.crawls.frontiers import Frontiers
from storage.crawls.page_links import BatchLinks
from storage.data.dataset import Dataset
from storage.data.datasets import Datasets
from storage.data.rows import FailurePlace, Rows
from storage.data.stored_rows import StoredRow
from storage.errors import MissingRecord
from storage.ledger.alerts import Alerts
from storage.ledger.locks import TableTickets
from storage.ledger.runs import Runs
from storage.ledger.schedule import Schedules
from storage.ledger.skips import Skips
from storage.ledger.stalls import Stalls
from storage.memory.page_memory import PageMemory
from storage.work.batches import Batches, failing
from storage.work.pauses import Pauses


@dataclass(frozen=True, slots=True)
class Store:
    """What triggers and activities keep things in."""

    tables: Tables
    tickets: TableTickets
    runs: Runs
    batches: Batches
    memory: PageMemory
    links: BatchLinks
    frontiers: Frontiers
    rows: Rows
    datasets: Datasets
    skips: Skips
    schedules: Schedules
    stalls: Stalls
    pauses: Pauses
    alerts: Alerts

    async def failures_of(
        self, snapshot: str, *, after: FailurePlace | None = None
    ) -> AsyncIterator[tuple[FailurePlace, PageFailure]]:
        """The failed pages of a snapshot so far: planning's own first, then batch by batch; those behind `after`."""
        plans = await self.batches.plans(snapshot)
        results = await self.batches.results(snapshot) if plans else []
        async for found in self.rows.failures(snapshot, results, plan_attempts=failing(plans), after=after):
            yield found

    async def published(self, source: str) -> Dataset:
        """What readers of a source see. Raises MissingRecord, which names what there is, if nothing is published."""
        dataset = await self.datasets.find(source)
        if dataset is None or not dataset.snapshot:
            known = ", ".join(one.source for one in await self.datasets.all() if one.snapshot) or "none"
            raise MissingRecord(f"nothing of '{source}' is published; published sources: {known}")
        return dataset

    async def published_rows(self, source: str) -> AsyncIterator[StoredRow]:
        """The rows that readers of a source see, in page order. Raises MissingRecord if nothing is published."""
        snapshot = (await self.published(source)).snapshot
        async for row in self.rows.of_snapshot(snapshot, await self.batches.results(snapshot)):
            yield row


def open_store(settings: Settings) -> Store:
    """The stores of `settings`; cheap to call, the connection behind them is shared."""
    return store_on(open_tables(settings))


def store_on(tables: Tables) -> Store:
    """All stores on these tables."""
    batches, rows = Batches(tables), Rows(tables)
    return Store(
        tables=tables,
        tickets=TableTickets(tables),
        runs=Runs(tables),
        memory=PageMemory(tables),
        batches=batches,
        links=BatchLinks(tables),
        frontiers=Frontiers(tables, batches, rows),
        rows=rows,
        datasets=Datasets(tables),
        skips=Skips(tables),
        schedules=Schedules(tables),
        stalls=Stalls(tables),
        pauses=Pauses(tables),
        alerts=Alerts(tables),
    )
