"""Runs of long ago, with everything that storage keeps of a run, written by the classes of `storage` themselves."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import zip_longest

from azure.durable_functions import OrchestrationRuntimeStatus as Status

from scraper.finding.frontier import Frontier
from scraper.manners.robots import RobotsFile
from scraper.models import Link, PageFailure, PageLinks, PageLoaded, Purpose, Reason, Row
from scraper.page_version import PageVersion
from storage.data.publications import Publication
from storage.data.rows import PLAN_BATCH
from storage.keys import snapshot_id
from storage.ledger.alerts import Alert, Bookmark
from storage.ledger.runs import RunRecord, RunRef, finished
from storage.ledger.skips import Skip, SkipReason
from storage.ledger.stalls import Stall
from storage.memory.page_memory import Remembered, RememberedPage
from storage.snapshots.diffs import hashed_pages
from storage.snapshots.snapshots import open_snapshot
from storage.store import Store
from storage.ticket import Ticket, TicketState
from storage.work.batch_results import BatchResult
from storage.work.batches import Plan
from storage.work.page_lists import PageList, Part
from storage.work.pauses import BatchKey, Pause
from storage.work.robots import RobotsShelf
from tests.helpers.ticket_stores import HubInstance, MemoryHub

SCRAPE = "daily_scrape"
START = datetime(2026, 1, 1, 6, tzinfo=UTC)
BATCHES = 2
"""Of every snapshot: the first is complete, of the second one page failed."""


def day(number: float) -> datetime:
    """A time of the app."""
    return START + timedelta(days=number)


@dataclass
class PastRuns:
    """The runs of an app, one after the other; `lies_in` has the snapshots in which the rows of each snapshot lie.

    `published` has by source when readers began to see which snapshot, in this order.
    """

    store: Store
    hub: MemoryHub
    began: dict[int, datetime] = field(default_factory=dict)
    ended: dict[int, datetime | None] = field(default_factory=dict)
    sources: dict[int, Sequence[str]] = field(default_factory=dict)
    retry_of: dict[int, int] = field(default_factory=dict)
    lies_in: dict[str, set[str]] = field(default_factory=dict)
    published: dict[str, list[tuple[datetime, str]]] = field(default_factory=dict)

    async def run(
        self,
        at: float,
        *,
        sources: Sequence[str] = ("books",),
        publishes: Collection[str] | None = None,
        retry_of: int | None = None,
        plans: bool = True,
        lasts: float | None = 0.1,
    ) -> int:
        """A run that began on this day and took so many days; None for one that lives still. Its epoch.

        What it `publishes` is all by default; one that never `plans` was stopped before.
        """
        epoch = len(self.ended) + 1
        run_id, began = f"run-{epoch}", day(at)
        base = None if retry_of is None else RunRef(f"run-{retry_of}", retry_of)
        run = RunRecord(run_id, epoch, "c", began, "timer", tuple(sources), retry_of=base)
        self.began[epoch], self.ended[epoch] = began, None
        self.sources[epoch] = sources
        if retry_of is not None:
            self.retry_of[epoch] = retry_of
        await self._take_ticket(run)
        await self.store.runs.create(run)
        for source in sources:
            await self.store.datasets.raise_fence(source, epoch)
        await RobotsShelf(self.store.tables, epoch).keep("http://site", RobotsFile("found", "User-agent: *"))
        await self._leave_traces_beside(run)
        for source in sources if plans else ():
            await self._snapshot(source, epoch, retry_of)
            if publishes is None or source in publishes:
                await self.publish(source, epoch, at=at)
        for instance_id, name in ((run_id, SCRAPE), (f"{run_id}:books", "scrape_source")):
            self.hub.instances[instance_id] = HubInstance(
                Status.Running, None, name=name, created_time=began, last_updated_time=began
            )
        if lasts is not None:
            await self.end(epoch, at=at + lasts)
        return epoch

    async def end(self, epoch: int, *, at: float) -> None:
        """Let a run end."""
        run = await self.store.runs.of_epoch(epoch)
        results = [
            {"source": source, "pages": 3 if snapshot_id(source, epoch) in self.lies_in else 0}
            for source in run.sources
        ]
        await self.store.runs.end(finished(run, at=day(at), outcome="completed", reason="", results=results))
        for instance_id in (run.run_id, f"{run.run_id}:books"):
            instance = self.hub.instances[instance_id]
            instance.runtime_status, instance.last_updated_time = Status.Completed, day(at)
        self.ended[epoch] = day(at)

    async def publish(self, source: str, epoch: int, *, at: float) -> None:
        """Point the source at the snapshot of a run: as that run does or, later, as somebody who goes back to it."""
        dataset = await self.store.datasets.find(source)
        assert dataset is not None
        snapshot = snapshot_id(source, epoch)
        if dataset.fence == epoch:
            await self.store.datasets.publish(
                source, epoch=epoch, snapshot=snapshot, run_id=f"run-{epoch}", at=day(at), counts=(3, 1, 3)
            )
        else:
            published = Publication(f"run-{epoch}", epoch, day(at), 3, 1, 3, by="http")
            fence = len(self.ended) + 1
            await self.store.datasets.publish_by_hand(source, published, instead_of=dataset.snapshot, fence=fence)
        if dataset.epoch != epoch:
            self.published.setdefault(source, []).append((day(at), snapshot))

    def seen_since(self, source: str, moment: datetime) -> set[str]:
        """The snapshots of a source that readers have seen at this time or later."""
        published = self.published.get(source, [])
        ends = [end for end, _ in published[1:]]
        return {one for end, (_, one) in zip_longest(ends, published) if end is None or end > moment}

    async def read(self, source: str, epoch: int) -> None:
        """Read all of a snapshot. Raises if something of it is gone."""
        snapshot = snapshot_id(source, epoch)
        plans = await self.store.batches.plans(snapshot)
        assert [plan.pages for plan in plans] == [3, 3], f"the plans of {snapshot}"
        results = await self.store.batches.results(snapshot)
        assert len(results) == BATCHES, f"the results of {snapshot}"
        rows = [row async for row in self.store.rows.of_snapshot(snapshot, results)]
        assert len(rows) == sum(result.rows for result in results)
        failures = [one async for one in self.store.failures_of(snapshot)]
        assert len(failures) == 1 + sum(result.failed for result in results), f"the failures of {snapshot}"
        remembered = await hashed_pages(self.store, await open_snapshot(self.store, source, epoch))
        assert len(remembered) == len(rows), f"the memory of {snapshot}"
        assert await self.store.batches.page_lists_of(snapshot, plans), f"the page lists of {snapshot}"

    async def _snapshot(self, source: str, epoch: int, base_epoch: int | None) -> None:
        """Two batches of a page, and of two pages, one of which failed; a retry takes over what its base has."""
        snapshot = snapshot_id(source, epoch)
        self.lies_in[snapshot] = set()
        base = snapshot_id(source, base_epoch) if base_epoch is not None else ""
        found = {one.batch: one for one in await self.store.batches.results(base)} if base else {}
        taken_over = [replace(found[0], attempt="", earlier=found[0].parts(base))] if found else []
        earlier = found[1].parts(base) if found else ()
        lists = [] if found else [PageList.whole(0, ["http://site/0"])]
        second = PageList.whole(1, ["http://site/1", "http://site/2"])
        lists.append(replace(second, earlier=earlier))
        plan = Plan(f"p{epoch}", BATCHES, 3, not_found=1, left_out=0, taken_over=len(taken_over), follows=True)
        await self.store.frontiers.bequeath(snapshot, plan.attempt, Frontier())
        await self.store.frontiers.keep_addresses(snapshot, plan.attempt, {"0" * 16: "https://books.example/"})
        await self.store.rows.stage_failures(snapshot, PLAN_BATCH, plan.attempt, [(0, _failure(9))])
        await self.store.batches.record_retry(snapshot, plan, lists, taken_over)
        second_level = replace(plan, attempt=f"q{epoch}", level=1, taken_over=0, earlier_batches=BATCHES)
        await self.store.batches.record_plan(snapshot, second_level, [])
        for one in taken_over:
            self.lies_in[snapshot] |= {part.snapshot for part in one.earlier}
        for one in lists:
            for attempt in (f"zombie{epoch}", f"a{epoch}"):
                await self._attempt(snapshot, one, attempt)
            parts = one.earlier
            rows = 1 + sum(part.rows for part in parts)
            loaded = 1 + sum(part.loaded for part in parts)
            failed = 1 if one.batch == 1 and not found else 0
            result = BatchResult(one.batch, f"a{epoch}", loaded, failed, rows, earlier=parts)
            await self.store.batches.record_result(snapshot, result)
            self.lies_in[snapshot] |= {part.snapshot for part in parts}

    async def _attempt(self, snapshot: str, pages: PageList, attempt: str) -> None:
        batch = pages.batch
        place = 1 if pages.earlier else 0
        loaded = PageLoaded(place, pages.urls[place], pages.urls[place], START, [Row({"n": 1}, 0)])
        await self.store.rows.stage(snapshot, batch, attempt, [loaded])
        if batch == 1 and not pages.earlier:
            await self.store.rows.stage_failures(snapshot, batch, attempt, [(1, _failure(2))])
        memory = RememberedPage(place, loaded.url, PageVersion(bytes(16)), 1, START, bytes(16))
        await self.store.memory.remember(snapshot, batch, attempt, Remembered("f", [memory], ["n"]))
        links = PageLinks(Purpose.ROWS, (Link("http://site/0", Purpose.ROWS),))
        await self.store.links.stage(snapshot, batch, attempt, {place: links})
        rest = pages.left_after(Part(snapshot, attempt, 0, 0), ())
        await self.store.pauses.record(BatchKey(snapshot, attempt, batch), 1, Pause(rest, START))

    async def _take_ticket(self, run: RunRecord) -> None:
        stored = await self.store.tickets.read(SCRAPE)
        ticket = Ticket(SCRAPE, run.run_id, TicketState.STARTED, run.started_at, "timer", "c", epoch=run.epoch)
        if stored is None:
            await self.store.tickets.insert(ticket)
        else:
            await self.store.tickets.replace(replace(ticket, etag=stored.etag))

    async def _leave_traces_beside(self, run: RunRecord) -> None:
        """What is written down while a run lasts: a start that met it, one that was cancelled, a workflow, a stall."""
        at, epoch = run.started_at, run.epoch
        await self.store.skips.record(Skip(at, f"late-{epoch}", "timer", SkipReason.HELD, holder=run.run_id))
        await self.store.alerts.record(Alert(f"failed:{run.run_id}:{epoch}", "failed", at, "it failed"))
        await self.store.alerts.set_bookmark(Bookmark(at, at, epoch))
        await self.store.schedules.cancel_start(f"claim-{epoch}", at=at, by="http", instance_id=f"later:{epoch}")
        await self.store.stalls.report(Stall(epoch, run.run_id, at, at, "no worker"))
        await self.store.stalls.look(at)
        workflow = Ticket(f"workflow:{epoch}", f"workflow:{epoch}", TicketState.STARTED, at, "http", "c", epoch=1)
        await self.store.tickets.insert(workflow)
        self.hub.instances[workflow.instance_id] = HubInstance(
            Status.Completed, None, name="workflow", created_time=at + timedelta(minutes=1), last_updated_time=at
        )


def _failure(number: int) -> PageFailure:
    return PageFailure(url=f"http://site/{number}", reason=Reason.TIMEOUT, detail="no answer", attempts=3)
