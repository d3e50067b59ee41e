"""Runs, starts and stops on tables and a hub in memory, as actors that give their turn away before every call.

The run is the worst one possible: its activities go on although its orchestration was ended, as an activity in flight
on a worker does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.functions as func
import pytest

from activities import claim, datasets, run_input, runs
from scraper import clock
from scraper.models import PageLoaded, Row
from scraper.settings import Settings
from scraper.sources import Source
from starts.singleton import RunAlreadyLive, Start, start_singleton
from storage.data.dataset import Dataset
from storage.keys import snapshot_id
from storage.ledger.runs import RunRecord
from storage.ledger.skips import Skip
from storage.store import store_on
from storage.ticket import StopMode, Ticket
from storage.work.batch_results import BatchResult
from storage.work.batches import Plan
from tests.helpers.interleaving import Pause, run_schedule
from tests.helpers.memory_tables import MemoryTables
from tests.helpers.ticket_stores import HubInstance, HubRefusal, MemoryHub
from triggers.datasets import publish as dataset_publish
from triggers.runs.stop import RunHasEnded, RunNotFound, StopResult, stop_run

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
GRACE = timedelta(seconds=60)
KEY = "daily_scrape"
EXECUTION = "2026-11-21T06:00:00+00:00"  # tells executions of one instance ID apart
BOOKS = Source(name="books", urls=("http://site/a",), fields={"title": "h1::text"})  # type: ignore[dict-item]
Actor = Coroutine[Any, Any, Any]


class World:
    """One hub and one storage account; `answered` are the epochs whose stop `now` has been answered."""

    newest: World

    def __init__(self, scraped: MemoryTables) -> None:
        """`scraped` has the plans, results and rows of all epochs: what is left to do is to publish them."""
        self.tables = MemoryTables(in_turns=("locks", "runs", "datasets"))
        for name in ("batches", "rows"):
            self.tables.tables[name] = scraped.tables[name]
        self.store = store_on(self.tables)  # type: ignore[arg-type]
        self.hub = MemoryHub()
        self.answered: set[int] = set()
        self.published: list[int] = []
        self.published_after_the_answer: list[int] = []
        self.tables.tables["datasets"].on_write = self._see_publication
        World.newest = self

    def _see_publication(self, entity: Mapping[str, Any]) -> None:
        epoch = entity["epoch"]
        if epoch and epoch not in self.published:
            self.published.append(epoch)
            if epoch in self.answered:
                self.published_after_the_answer.append(epoch)

    async def start(self, run_id: str) -> Ticket | RunAlreadyLive | HubRefusal:
        """A trigger."""
        try:
            return await start_singleton(
                self.hub, self.store.tickets, Start(KEY, run_id, {}, "test"), grace=GRACE, now=NOW
            )
        except (RunAlreadyLive, HubRefusal) as refusal:
            return refusal

    def run(self, run_id: str, *, execution: str = EXECUTION) -> Actor:
        """The orchestration that the hub has under this ID now: claim, publish, finish; what the claim said."""
        return self._run(self.hub.instances[run_id], run_id, execution)

    async def _run(self, instance: HubInstance, run_id: str, execution: str) -> str:
        epoch = (instance.payload or {}).get("epoch")
        claimed = await self.claim(run_id, epoch, execution=execution)
        if claimed["code"] == "claimed":
            await self._publish_and_finish(instance, run_id, claimed["epoch"])
        instance.end()
        return str(claimed["code"])

    async def claim(self, run_id: str, epoch: int | None, *, execution: str = EXECUTION) -> dict[str, Any]:
        """The first step of a run."""
        request = {"run_id": run_id, "epoch": epoch, "claim": execution, "sources": None, "triggered_by": "test"}
        claimed: dict[str, Any] = await claim.claim_run(request, self.hub)
        return claimed

    def publish_and_finish(self, run_id: str, epoch: int) -> Actor:
        """The last two steps of a run whose pages are all there."""
        return self._publish_and_finish(self.hub.instances[run_id], run_id, epoch)

    async def _publish_and_finish(self, instance: HubInstance, run_id: str, epoch: int) -> None:
        summary = await self.publish_source(run_id, epoch)
        await runs.finish_run({"run_id": run_id, "epoch": epoch, "reason": "", "sources": [summary]})
        instance.end()

    async def publish_source(self, run_id: str, epoch: int) -> dict[str, Any]:
        """One attempt at the publication of a run."""
        return await datasets.publish_source({"run_id": run_id, "epoch": epoch, "source": "books"}, self.hub)

    async def stop(self, run_id: str, mode: StopMode = StopMode.NOW) -> StopResult | RunHasEnded | RunNotFound:
        """An operator."""
        try:
            result = await stop_run(self.hub, self.store, run_id, mode, by="test")
        except (RunHasEnded, RunNotFound) as refusal:
            return refusal
        if result.mode is StopMode.NOW:
            self.answered.add(result.epoch)
        return result

    async def publish(self, run_id: str) -> tuple[int, dict[str, Any]]:
        """Somebody publishes the snapshot of a run by hand; status and document of the answer."""
        url = "http://localhost/api/datasets/books/publish"
        route = {"source": "books"}
        request = func.HttpRequest("POST", url, params={"run": run_id}, route_params=route, body=b"")
        answer = await dataset_publish.publish_dataset(request, self.hub)
        return answer.status_code, json.loads(answer.get_body())

    async def start_and_run(self, run_id: str) -> Ticket | RunAlreadyLive | HubRefusal:
        """A trigger, and the run that it starts."""
        started = await self.start(run_id)
        if isinstance(started, Ticket):
            await self.run(run_id, execution=f"{started.epoch + 2000}-01-01T00:00:00+00:00")
        return started

    async def stop_and_start(self, run_id: str, new_id: str) -> tuple[Any, Any]:
        """An operator who stops one run, and then at once starts another."""
        return await self.stop(run_id), await self.start_and_run(new_id)

    def now(self, actor: Actor) -> Any:
        """What an actor returns that nobody disturbs."""
        (outcome,), _ = run_schedule([actor], [])
        if isinstance(outcome, Exception) and not isinstance(outcome, (RunHasEnded, RunNotFound, RunAlreadyLive)):
            raise outcome
        return outcome

    def ticket(self) -> Ticket:
        """The ticket as it stands."""
        ticket: Ticket = self.now(self.store.tickets.read(KEY))
        return ticket

    def record(self, epoch: int) -> RunRecord:
        """The record of a run as it stands."""
        record: RunRecord = self.now(self.store.runs.of_epoch(epoch))
        return record

    def skips(self) -> list[Skip]:
        """The starts that were written down as not having happened."""
        skips, _ = self.now(self.store.skips.newest(limit=10))
        return list(skips)

    def dataset(self) -> Dataset:
        """What readers see."""
        dataset: Dataset = self.now(self.store.datasets.find("books"))
        return dataset


async def _scraped_epochs(tables: MemoryTables) -> None:
    store = store_on(tables)  # type: ignore[arg-type]
    for epoch in range(1, 6):
        snapshot = snapshot_id("books", epoch)
        await store.batches.record_plan(snapshot, Plan("p", 1, 1, 0, 0), [["http://site/a"]])
        await store.batches.record_result(snapshot, BatchResult(0, "x", 1, 0, 1))
        page = PageLoaded(0, "http://site/a", "http://site/a", NOW, [Row({"title": "A"}, 0)])
        await store.rows.stage(snapshot, 0, "x", [page])


def scraped_tables() -> MemoryTables:
    """Tables in which the pages of the epochs 1 to 5 have been scraped."""
    tables = MemoryTables(in_turns=())
    asyncio.run(_scraped_epochs(tables))
    return tables


def patch_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the activities work on the newest world; without an event loop, so one call after the other."""

    async def one_after_another(*calls: Any) -> list[Any]:
        return [await call for call in calls]

    async def turn(_seconds: float) -> None:
        await Pause()

    settings = Settings(storage_connection="UseDevelopmentStorage=true")
    for room in (claim, datasets, runs, dataset_publish):
        monkeypatch.setattr(room, "open_store", lambda _settings: World.newest.store)
        monkeypatch.setattr(room, "app_settings", lambda: settings)
    for reading in (run_input, dataset_publish):
        monkeypatch.setattr(reading, "app_sources", lambda _settings: [BOOKS])
    monkeypatch.setattr(datasets, "app_source", lambda _settings, _name: BOOKS)
    monkeypatch.setattr(clock, "utc_now", lambda: NOW)
    monkeypatch.setattr(asyncio, "gather", one_after_another)
    monkeypatch.setattr(asyncio, "sleep", turn)
