"""The whole app on a virtual clock and real tables: a run that does nothing any more is reported once, and shown."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from devhost.testing import Host
from scraper import clock
from scraper.settings import Settings
from storage.keys import snapshot_id
from storage.store import Store, open_store
from storage.work.batch_results import BatchResult
from tests.helpers.scrape_host import REPOSITORY

SOURCES = """
[[source]]
name = "books"
urls = ["http://127.0.0.1:1/a", "http://127.0.0.1:1/b"]
respect_robots = false
allow_private_hosts = ["127.0.0.1"]
fields = { title = "h1::text" }
"""


class World:
    """One app, its storage, and what it logs as errors, over the lives of its hosts."""

    def __init__(self, settings: dict[str, str], state_dir: Path, patch: pytest.MonkeyPatch) -> None:
        self.settings, self.state_dir, self.patch = settings, state_dir, patch
        self.errors = Errors()

    @asynccontextmanager
    async def host(self, **options: Any) -> AsyncIterator[Host]:
        host = Host(REPOSITORY, settings=self.settings, state_dir=self.state_dir, **options)
        self.clock = host.clock  # an activity that is repeated begins before the host is handed out
        self.patch.setattr(clock, "utc_now", host.clock.now)
        async with host:
            await host.advance(minutes=5)  # the first look of the watchdog
            yield host

    @property
    def store(self) -> Store:
        """The one that the app has open in this event loop."""
        connection, prefix = self.settings["AzureWebJobsStorage"], self.settings["TABLE_PREFIX"]
        return open_store(Settings(storage_connection=connection, table_prefix=prefix))

    async def record(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Do as scrape_batch does for a batch of two good pages, without a site."""
        snapshot = snapshot_id(batch["source"], batch["epoch"])
        result = BatchResult(batch["batch"], "made-up", 2, 0, 2, recorded_at=clock.utc_now())
        await self.store.batches.record_result(snapshot, result)
        return {"code": "scraped", "loaded": 2, "failed": 0, "rows": 2}


class Errors(logging.Handler):
    """What the watchdog logs."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {record.getMessage()}")


@pytest.fixture
async def world(
    azurite: str, table_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    (tmp_path / "sources.toml").write_text(SOURCES)
    settings = {
        "AzureWebJobsStorage": azurite,
        "TABLE_PREFIX": table_prefix,
        "SOURCES_FILE": str(tmp_path / "sources.toml"),
        "STUCK_AFTER_MINUTES": "20",
        "AzureWebJobs.daily_timer.Disabled": "true",
        "AzureWebJobs.watchdog.Disabled": "false",
    }
    made = World(settings, tmp_path / "state", monkeypatch)
    logging.getLogger("triggers.operations.watchdog").addHandler(made.errors)
    yield made
    logging.getLogger("triggers.operations.watchdog").removeHandler(made.errors)
    await made.store.tables.close()


async def shown(host: Host, run_id: str) -> dict[str, Any]:
    """Whether the run is stuck, by every place that shows it."""
    (line,) = (await host.request("GET", "/api/runs")).json()["runs"]
    one = (await host.request("GET", f"/api/runs/{run_id}")).json()
    health = await host.request("GET", "/api/health")
    assert line["runId"] == one["runId"] == run_id
    assert line["lastProgressAt"] == one["lastProgressAt"]
    assert health.status == 200
    return {
        "list": line["stuck"],
        "run": one["stuck"],
        "health": (health.json()["status"], health.json()["checks"]["runs"]),
        "since": datetime.fromisoformat(one["lastProgressAt"]),
    }


def stuck(since: datetime) -> dict[str, Any]:
    return {"list": True, "run": True, "health": ("degraded", "stuck"), "since": since}


def well(since: datetime) -> dict[str, Any]:
    return {"list": False, "run": False, "health": ("ok", "ok"), "since": since}


async def test_a_run_that_hangs_is_one_error_and_is_shown_until_it_goes_on(world: World) -> None:
    async def hangs(batch: dict[str, Any]) -> dict[str, Any]:
        await world.clock.sleep(3600)
        return await world.record(batch)

    async with world.host(activities={"scrape_batch": hangs}) as host:
        began = host.clock.now()
        await host.start("daily_scrape", instance_id="run-1")
        await host.advance(minutes=19)
        assert (world.errors.lines, await shown(host, "run-1")) == ([], well(began))
        await host.advance(minutes=1)
        line = (
            "ERROR run is stuck: no progress since 2026-01-01 00:05:00 UTC: its orchestration is running, and no step "
            "of it has ended: look for the last lines of this run [run_id=run-1]"
        )
        assert (world.errors.lines, await shown(host, "run-1")) == ([line], stuck(began))
        await host.advance(minutes=35)
        assert (world.errors.lines, await shown(host, "run-1")) == ([line], stuck(began))
        details = (await host.request("GET", "/api/health/details")).json()
        assert details["faults"]["runs"].startswith("'run-1' has made no progress since 2026-01-01T00:05:00Z")
        assert "run-1" not in (await host.request("GET", "/api/health")).text
        await host.advance(minutes=5)
        assert (await host.status("run-1")).runtime_status == "Completed"
        assert (world.errors.lines, await shown(host, "run-1")) == ([line], well(began + timedelta(hours=1)))


async def test_a_suspended_run_is_stuck_until_it_is_resumed_and_ends(world: World) -> None:
    async def slow(batch: dict[str, Any]) -> dict[str, Any]:
        await world.clock.sleep(60)
        return await world.record(batch)

    async with world.host(activities={"scrape_batch": slow}) as host:
        published_at = host.clock.now() + timedelta(minutes=1)
        await host.start("daily_scrape", instance_id="run-1")
        await host.suspend("run-1", "by hand")
        await host.advance(minutes=40)
        reasons = [line.partition(": its ")[2] for line in world.errors.lines]
        assert reasons == ["orchestration is suspended: resume it, or stop the run [run_id=run-1]"]
        assert await shown(host, "run-1") == stuck(published_at)
        await host.resume("run-1")
        await host.wait_for("run-1")
        assert len(world.errors.lines) == 1
        assert await shown(host, "run-1") == well(host.clock.now())


async def test_a_second_stall_of_a_run_is_a_second_error(world: World) -> None:
    async def slow(batch: dict[str, Any]) -> dict[str, Any]:
        await world.clock.sleep(30 * 60)
        return await world.record(batch)

    world.settings["PAGES_PER_BATCH"] = "1"
    world.settings["MAX_PARALLEL_BATCHES"] = "1"
    async with world.host(activities={"scrape_batch": slow}) as host:
        began = host.clock.now()
        await host.start("daily_scrape", instance_id="run-1")
        await host.advance(minutes=29)
        assert len(world.errors.lines) == 1
        await host.advance(minutes=2)
        assert await shown(host, "run-1") == well(began + timedelta(minutes=30))
        await host.advance(minutes=25)
        assert len(world.errors.lines) == 2
        assert await shown(host, "run-1") == stuck(began + timedelta(minutes=30))


async def test_a_run_whose_host_was_off_for_hours_is_not_stuck_when_it_comes_back(world: World) -> None:
    async def hangs(batch: dict[str, Any]) -> dict[str, Any]:
        await world.clock.sleep(15 * 60)
        return await world.record(batch)

    async with world.host(activities={"scrape_batch": hangs}) as host:
        await host.start("daily_scrape", instance_id="run-1")
        await host.advance(minutes=10)
        later = host.clock.now() + timedelta(hours=7)
    async with world.host(activities={"scrape_batch": hangs}, start=later) as host:
        await host.advance(minutes=9)
        assert (await shown(host, "run-1"))["health"] == ("ok", "ok")
        await host.wait_for("run-1")
    assert world.errors.lines == []


async def test_a_stall_is_not_reported_again_after_a_restart(world: World) -> None:
    async def hangs(_: dict[str, Any]) -> dict[str, Any]:
        await world.clock.sleep(30 * 3600)
        return {}

    async with world.host(activities={"scrape_batch": hangs}) as host:
        began = host.clock.now()
        await host.start("daily_scrape", instance_id="run-1")
        await host.advance(minutes=30)
        later = host.clock.now() + timedelta(minutes=5)
    assert len(world.errors.lines) == 1
    async with world.host(activities={"scrape_batch": hangs}, start=later) as host:
        await host.advance(minutes=40)
        assert await shown(host, "run-1") == stuck(began)
    assert len(world.errors.lines) == 1
