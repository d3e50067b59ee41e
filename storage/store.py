"""All stores of the app on one account, opened once per event loop."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from scraper.models import PageFailure
from scraper.settings import Settings
from storage.batches import Batches
from storage.datasets import Datasets
from storage.locks import TableTickets
from storage.rows import Rows
from storage.runs import Runs
from storage.tables import Tables, open_tables


@dataclass(frozen=True, slots=True)
class Store:
    """What triggers and activities keep things in."""

    tables: Tables
    tickets: TableTickets
    runs: Runs
    batches: Batches
    rows: Rows
    datasets: Datasets

    async def failures_of(self, snapshot: str) -> AsyncIterator[PageFailure]:
        """The failed pages of a snapshot so far: planning's own first, then batch by batch."""
        plan = await self.batches.plan(snapshot)
        if plan is None:
            return
        results = await self.batches.results(snapshot)
        async for failure in self.rows.failures(snapshot, results, plan_attempt=plan.attempt):
            yield failure


def open_store(settings: Settings) -> Store:
    """The stores of `settings`; cheap to call, the connection behind them is shared."""
    tables = open_tables(settings)
    return Store(tables, TableTickets(tables), Runs(tables), Batches(tables), Rows(tables), Datasets(tables))
