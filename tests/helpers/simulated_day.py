"""A day of the whole app on a virtual clock, with faults of sites and storage, crashes, and an operator at random."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from activities import batches, run_watch
from activities.wiring import open_fetcher
from devhost.testing import CrashPoint, Host, HostCrashed
from orchestrations import names
from scraper import clock
from scraper.settings import Settings
from storage.account.tables import TABLE_NAMES
from storage.store import Store, open_store
from tests.helpers.alert_receiver import Receiver
from tests.helpers.changing_sites import ChangingSites
from tests.helpers.flaky_storage import WORDS, FlakyStorage
from tests.helpers.operator_at_random import WELCOMES, WORKFLOWS, OperatorAtRandom
from tests.helpers.scrape_host import REPOSITORY
from tests.helpers.snapshot_account import CallBook
from tests.helpers.storage_account import StorageAccount

START = datetime(2026, 11, 21, 5, 40, tzinfo=UTC)
EXPECTED_ERRORS = (
    WORDS,
    "run is stuck: ",  # the operator suspends runs
    "was missed: ",
    "the ledger could not be looked through",
    "alerts could not be sent",
    "(Failed, Id=",  # of a function; the line behind it tells why
    "The host stops; the run was cut.",
    "fail on purpose",
)


@dataclass(frozen=True)
class Hour:
    """What the process was at the end of an hour."""

    rss_mb: float
    objects: int
    entities: int


class ErrorLog(logging.Handler):
    """Errors that none of the injected faults explains."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.unexpected: list[str] = []
        self.expected = 0

    def emit(self, record: logging.LogRecord) -> None:
        text = logging.Formatter().format(record)
        if any(one in text for one in EXPECTED_ERRORS):
            self.expected += 1
        else:
            self.unexpected.append(f"{record.name}: {text[-3000:]}")


@dataclass
class SimulatedDay:
    """The world: `host` is the life of the app that is on. `happened` counts what did."""

    folder: Path
    settings: dict[str, str]
    sites: ChangingSites
    storage: FlakyStorage
    hook: Receiver
    dice: random.Random
    fault_chance: float = 0.0005
    writes_of_a_life: tuple[int, int] = (50, 800)
    errors: ErrorLog = field(default_factory=ErrorLog)
    happened: Counter[str] = field(default_factory=Counter)
    activities: Counter[str] = field(default_factory=Counter)
    book: CallBook = field(default_factory=CallBook)
    hours: list[Hour] = field(default_factory=list)
    kinds: list[Counter[str]] = field(default_factory=list)
    """Objects by their type, after the first hour and after the newest; no others, which would grow themselves."""
    host: Host | None = None
    at: datetime = START

    def now(self) -> datetime:
        """The time of the world, also while no host is on."""
        return self.host.clock.now() if self.host is not None else self.at

    @property
    def store(self) -> Store:
        """The one that the app has open."""
        connection, prefix = self.settings["AzureWebJobsStorage"], self.settings["TABLE_PREFIX"]
        return open_store(Settings(storage_connection=connection, table_prefix=prefix))

    @asynccontextmanager
    async def life(self, *, crashes: bool) -> AsyncIterator[Host]:
        """A host on the state of the one before; it crashes at some write, unless it is to live."""
        point = CrashPoint(self.dice.randint(*self.writes_of_a_life)) if crashes else None
        seed = self.dice.randrange(10**9)
        host = Host(
            REPOSITORY, settings=self.settings, state_dir=self.folder / "hub", start=self.at, crash=point, seed=seed
        )
        self.host = host
        try:
            async with host:
                try:
                    yield host
                finally:
                    self.activities.update(call.name for call in host.calls)
                    self.book.add(host.calls)
        finally:
            self.at, self.host = host.clock.now(), None
            self.happened["writes of the hub"] += host.writes

    async def disturbed(self, hours: float) -> None:
        """So many hours with everything that can go wrong."""
        operator = OperatorAtRandom(self.dice, self.sites, self.storage, self.happened)
        end = START + timedelta(hours=hours)
        next_hour = START + timedelta(hours=1)
        while self.at < end:
            try:
                async with self.life(crashes=True) as host:
                    while host.clock.now() < end:
                        await self._step(host, operator)
                        if host.clock.now() >= next_hour:
                            next_hour += timedelta(hours=1)
                            await self._note_hour()
            except HostCrashed:
                self.happened["host crashed"] += 1
                if self.dice.random() < 0.2:
                    self.at += timedelta(minutes=self.dice.choice([1, 10, 40]))

    async def _step(self, host: Host, operator: OperatorAtRandom) -> None:
        self.storage.chance = self.fault_chance if self.dice.random() < 0.7 else 0.0
        if self.dice.random() < 0.02:
            self.happened["storage outage"] += 1
            self.storage.is_away = True
            await host.advance(seconds=self.dice.choice([5, 60, 300]))
            self.storage.is_away = False
        await host.advance(seconds=self.dice.choice([1, 20, 60, 240]))
        await operator.act(host)

    async def settled(self) -> None:
        """All is well again: everything ends that was begun, and one undisturbed run publishes every source."""
        self.storage.chance, self.storage.is_away, self.sites.is_well = 0.0, False, True
        self.hook.status = 200
        async with self.life(crashes=False) as host:
            await host.request("PUT", "/api/schedule", json={"paused": False})
            for status in await host.instances():
                if not status.is_ended and status.name in {"watch_source", "workflow", "start_later"}:
                    await host.terminate(status.instance_id, "the day is over")
            for status in await host.instances():
                if status.runtime_status == "Suspended":
                    await host.resume(status.instance_id)
            await host.advance(minutes=40)
            while any(not one.is_ended for one in await host.instances()):
                await host.advance(minutes=10)
            reply = await host.request("POST", "/api/orchestrators/daily_scrape/last")
            assert reply.status == 202, reply.text
            ended = await host.wait_for("last", within=timedelta(hours=4))
            assert ended.output["outcome"] == "completed", ended.output
            while await self.store.alerts.pending():
                await host.advance(minutes=10)
            await host.advance(minutes=10)

    async def wrong_rows(self) -> list[str]:
        """Where the published data is not what the sites have now."""
        wrong = []
        for source in self.sites.sources:
            found: dict[str, list[tuple[str, str]]] = {}
            async for row in self.store.published_rows(source):
                found.setdefault(row.url, []).append((str(row.values["name"]), str(row.values["value"])))
            urls = {f"{self.sites._url}{path}" for path in self.sites.paths(source)}
            run = await self.store.runs.find("last")
            assert run is not None
            if set(found) != urls:
                wrong.append(f"{source}: pages {set(found) ^ urls}")
            assert run.finished_at is not None
            minutes = range((run.finished_at - run.started_at) // timedelta(minutes=1) + 2)
            moments = [run.started_at + timedelta(minutes=number) for number in minutes]
            wrong += [
                f"{url}: {rows}"
                for url, rows in found.items()
                if sorted(rows) not in [self.sites.truth(url, moment) for moment in moments]
            ]
        return wrong

    async def overlaps(self) -> list[str]:
        """Runs that had not ended when the next one began."""
        runs: list[Any] = []
        before: int | None = None
        while True:
            page, before = await self.store.runs.newest(limit=200, before_epoch=before)
            runs += page
            if before is None:
                break
        self.happened["runs"] = len(runs)
        self.happened.update(f"run {run.outcome}" for run in runs)
        ordered = [run for run in reversed(runs) if run.outcome != "superseded"]
        return [
            f"'{one.run_id}' ({one.outcome}) ended {one.finished_at}, '{other.run_id}' began {other.started_at}"
            for one, other in pairwise(ordered)
            if one.finished_at is not None and one.finished_at > other.started_at
        ]

    async def account(self) -> StorageAccount:
        """What the tables hold, and whether all of it is accounted for; only once the day is settled."""
        pages = {source: len(self.sites.paths(source)) for source in self.sites.sources}
        asked = {
            names.START_LATER: self.happened["start later"],
            names.WATCH_SOURCE: min(len(pages), self.happened["watch"]),
            names.WORKFLOW: min(WORKFLOWS, self.happened["workflow"]),
            names.WELCOME: min(WELCOMES, self.happened["welcome"]),
        }
        ticks, pages_per_batch = (self.at - START) // timedelta(days=1) + 1, int(self.settings["PAGES_PER_BATCH"])
        account = StorageAccount(self.store, self.book, pages, pages_per_batch, instances=asked, ticks=ticks)
        await account.draw_up()
        return account

    async def _entities(self) -> int:
        """How many entities there are in all tables."""
        count = 0
        for name in TABLE_NAMES:
            table = await self.store.tables.table(name)
            async for _ in table.list_entities(select=["PartitionKey"]):
                count += 1
        return count

    async def _note_hour(self) -> None:
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        rss = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
        entities = await self._entities()
        kinds = Counter(type(one).__qualname__ for one in gc.get_objects())
        self.hours.append(Hour(rss, kinds.total(), entities))
        self.kinds[1:] = [kinds]
        number = len(self.hours)
        print(f"  hour {number:2}: {rss:6.1f} MB, {kinds.total():7} objects, {entities:6} entities", flush=True)


@asynccontextmanager
async def simulated_day(
    azurite: str, prefix: str, folder: Path, patch: pytest.MonkeyPatch, hook: Receiver, *, seed: int, sources: int = 10
) -> AsyncIterator[SimulatedDay]:
    """The world, with nothing switched on."""
    dice = random.Random(seed)
    storage = FlakyStorage(random.Random(seed + 1))
    settings = {
        "AzureWebJobsStorage": azurite,
        "TABLE_PREFIX": prefix,
        "PAGES_PER_BATCH": "2",
        "ALERT_WEBHOOK_URL": hook.url,
        "STUCK_AFTER_MINUTES": "30",
        "WELCOME_FAILURE_PERCENT": "5",
        "AzureWebJobs.watchdog.Disabled": "false",
        "AzureWebJobs.purge_timer.Disabled": "false",
    }
    day: SimulatedDay

    def now() -> datetime:
        return day.now()

    patch.setattr(clock, "utc_now", now)
    storage.install(patch)
    scrape = batches._scrape

    async def slow_scrape(*arguments: Any, **options: Any) -> Any:
        """As the real one, but it takes virtual time: before anything is written, or before the result is recorded."""
        pauses = [day.dice.choice([1, 5, 20, 60, 120]), 0]
        day.dice.shuffle(pauses)
        if day.host is not None and pauses[0]:
            await day.host.clock.sleep(pauses[0])
        work = await scrape(*arguments, **options)
        if day.host is not None and pauses[1]:
            await day.host.clock.sleep(pauses[1])
        return work

    patch.setattr(batches, "_scrape", slow_scrape)
    patch.setattr(run_watch, "POLL_S", 0.5)  # of real time, in which hours pass here
    sites = ChangingSites(folder, now, seed=seed, sources=sources)
    settings["SOURCES_FILE"] = str(sites.sources_file)
    day = SimulatedDay(folder, settings, sites, storage, hook, dice)
    logging.getLogger().addHandler(day.errors)
    asyncio.get_running_loop().set_exception_handler(
        lambda _loop, context: day.errors.unexpected.append(f"event loop: {context}")
    )
    try:
        async with sites.running():
            yield day
            await open_fetcher(Settings()).close()
    finally:
        logging.getLogger().removeHandler(day.errors)
        asyncio.get_running_loop().set_exception_handler(None)
        await day.store.tables.close()
