"""docs/procedures.md, followed in the situations that it is for: the whole app, a real site, a virtual clock."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from activities.wiring import open_fetcher
from devhost.testing import Host
from scraper import clock
from scraper.settings import Settings
from scripts.checkout import ROOT
from storage.account import tables
from storage.store import Store, open_store
from tests.helpers.documented_procedures import COMMANDS, Operator, reachable
from tests.helpers.relay import running_relay
from tests.helpers.tiny_site import TinySite

START = datetime(2026, 11, 21, 5, 55, tzinfo=UTC)
RUN = "daily-2026-11-21"


class World:
    """The app, switched off, its site, its storage behind a relay, and somebody with the document."""

    def __init__(self, site: TinySite, folder: Path, settings: dict[str, str], patch: pytest.MonkeyPatch) -> None:
        self.site, self.folder, self.settings, self.patch = site, folder, settings, patch

    @asynccontextmanager
    async def on(
        self, at: datetime = START, *, hub: str = "hub", **options: Any
    ) -> AsyncIterator[tuple[Host, Operator]]:
        host = Host(ROOT, settings=self.settings, state_dir=self.folder / hub, start=at, **options)
        self.clock = host.clock
        self.patch.setattr(clock, "utc_now", host.clock.now)
        async with host, reachable(host) as url:
            yield host, Operator(url, SOURCES_FILE=self.settings["SOURCES_FILE"])

    @property
    def store(self) -> Store:
        return open_store(
            Settings(
                storage_connection=self.settings["AzureWebJobsStorage"], table_prefix=self.settings["TABLE_PREFIX"]
            )
        )

    async def titles(self, source: str = "books") -> list[Any]:
        return [row.values["n"] async for row in self.store.published_rows(source)]


@pytest.fixture
async def world(
    azurite: str, table_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    settings = {
        "AzureWebJobsStorage": azurite,
        "TABLE_PREFIX": table_prefix,
        "SOURCES_FILE": str(tmp_path / "sources.toml"),
        "PAGES_PER_BATCH": "2",
        "STUCK_AFTER_MINUTES": "20",
    }
    async with TinySite(4, tmp_path / "sources.toml").running() as site:
        site.write_sources(max_failed_percent=20)
        made = World(site, tmp_path, settings, monkeypatch)
        yield made
        await open_fetcher(Settings()).close()
        await made.store.tables.close()


def hanging(world: World) -> Callable[[dict[str, Any]], Any]:
    async def hangs(_: dict[str, Any]) -> dict[str, Any]:
        await world.clock.sleep(30 * 3600)
        return {}

    return hangs


def failing(_: dict[str, Any]) -> dict[str, Any]:
    raise OSError("try it again")


async def test_a_run_that_is_stuck_is_found_stopped_and_retried(world: World) -> None:
    world.settings["AzureWebJobs.watchdog.Disabled"] = "false"
    async with world.on() as (host, operator):
        with host.replace_activity("scrape_batch", hanging(world)):
            await host.advance(minutes=30)
            details, runs = await operator.run("stuck-look")
            assert (details["status"], runs["runs"][0]["runId"], runs["runs"][0]["stuck"]) == ("degraded", RUN, True)
            assert details["faults"]["runs"].startswith(f"'{RUN}' has made no progress since 2026-11-21T06:00:00Z")
            (run,) = await operator.run("stuck-sources", RUN=RUN)
            assert {one["lastProgressAt"] for one in run["sources"] if one["source"] == "books"} == {
                "2026-11-21T06:00:00+00:00"
            }
            (stopped,) = await operator.run("stuck-stop", RUN=RUN)
            assert (stopped["runId"], stopped["mode"]) == (RUN, "now")
        (retry,) = await operator.run("stuck-retry", RUN=RUN)
        assert (await host.wait_for(retry["runId"])).output["outcome"] == "completed"
        assert len(await world.titles()) == 8


async def test_a_run_that_somebody_has_suspended_is_resumed_and_publishes(world: World) -> None:
    world.settings["AzureWebJobs.watchdog.Disabled"] = "false"
    async with world.on() as (host, operator):
        with host.replace_activity("scrape_batch", failing):  # so the run is not over yet
            await host.advance(minutes=5, seconds=1)
            await host.suspend(RUN)
        await host.advance(minutes=30)
        (details, _) = await operator.run("stuck-look")
        assert "suspended" in details["faults"]["runs"].lower()
        assert await operator.run("stuck-resume", RUN=RUN) == []
        assert (await host.wait_for(RUN)).output["outcome"] == "completed"
        assert len(await world.titles()) == 8


async def test_a_source_with_a_new_layout_is_refused_mended_and_published(world: World) -> None:
    page = f"{world.site._url}/books/0"
    async with world.on() as (host, operator):
        await host.start("daily_scrape", instance_id="good")
        sources = (world.folder / "sources.toml").read_text()
        (world.folder / "sources.toml").write_text(sources.replace('rows = "li"', 'rows = "td"'))
        await host.start("daily_scrape", instance_id="bad")
        run, failures = await operator.run("layout-look", RUN="bad")
        assert {one["source"]: one["state"] for one in run["sources"]} == {"books": "refused", "news": "published"}
        assert {one["reason"] for one in failures["failures"]} == {"no_rows"}
        assert len(await world.titles()) == 8
        assert "no_rows" in await operator.output_of("layout-try", status=3, SOURCE="books", PAGE=page)
        (world.folder / "sources.toml").write_text(sources)
        assert "/books/0#1" in await operator.output_of("layout-try", SOURCE="books", PAGE=page)
        (again,) = await operator.run("layout-again", SOURCE="books")
        assert (await host.wait_for(again["runId"])).output["outcome"] == "completed"
        world.site.broken = {"/books/0", "/books/1"}
        await host.start("daily_scrape", instance_id="half")
        assert len(await world.titles()) == 8
        diff, published = await operator.run("layout-force", SOURCE="books", RUN="half")
        assert (diff["removed"], published["isChanged"]) == (4, True)
        assert len(await world.titles()) == 4


async def test_an_outage_of_the_storage_is_named_and_the_run_goes_on_or_is_retried(world: World) -> None:
    port = int(world.settings["AzureWebJobsStorage"].partition("TableEndpoint=http://127.0.0.1:")[2].partition("/")[0])
    world.patch.setitem(tables.PATIENCE, "retry_total", 0)
    with running_relay() as relay:
        relay.mend(port)
        text = world.settings["AzureWebJobsStorage"].replace(f"127.0.0.1:{port}/", f"127.0.0.1:{relay.port}/")
        world.settings["AzureWebJobsStorage"] = text
        async with world.on(START + timedelta(hours=1)) as (host, operator):

            def cut_off(_: dict[str, Any]) -> dict[str, Any]:
                relay.cut()
                raise OSError("the storage is gone")

            with host.replace_activity("scrape_batch", cut_off):
                await host.start("daily_scrape", instance_id="cut-off")
                public, details = await operator.run("storage-look")
                assert public["checks"]["storage"] == details["checks"]["storage"] == "failed"
                assert "does not answer" in details["faults"]["storage"]
                await host.advance(minutes=20)
            relay.mend()
            await host.advance(minutes=10)
            health, schedule, runs = await operator.run("storage-after")
            assert (health["status"], schedule["paused"], runs["runs"][0]["runId"]) == ("ok", False, "cut-off")
            assert runs["runs"][0]["outcome"] == "failed"
            (retry,) = await operator.run("storage-retry", RUN="cut-off")
            assert (await host.wait_for(retry["runId"])).output["outcome"] == "completed"
            assert len(await world.titles()) == 8


async def test_a_missed_day_is_explained_and_made_up_for(world: World) -> None:
    async with world.on():
        pass
    async with world.on(START + timedelta(hours=14)) as (host, operator):
        await host.advance(minutes=6)
        skips, schedule = await operator.run("missed-look")
        assert [(one["runId"], one["reason"]) for one in skips["skips"]] == [(RUN, "past_due")]
        assert (schedule["schedule"], schedule["paused"]) == ("0 0 6 * * *", False)
        (started,) = await operator.run("missed-start")
        assert (await host.wait_for(started["id"])).output["outcome"] == "completed"
        (resumed,) = await operator.run("missed-resume")
        assert resumed["paused"] is False


async def test_bad_data_is_rolled_back_and_stays_so_until_the_schedule_is_resumed(world: World) -> None:
    async with world.on() as (host, operator):
        await host.start("daily_scrape", instance_id="good")
        world.site.books = world.site.books[:2]  # half of the site is gone, and the gate knows no limit for that
        await host.start("daily_scrape", instance_id="bad")
        assert len(await world.titles()) == 4
        await something_of_every_kind_is_to_start(world, host)
        await no_run_can_begin(host, operator)
        with host.replace_activity("scrape_batch", hanging(world)):
            await host.start("daily_scrape", instance_id="live")
            (runs,) = await operator.run("rollback-running")
            assert [(one["runId"], one["state"]) for one in runs["runs"]] == [("live", "running")]
            await operator.run("rollback-stop", RUN="live")
        kept, diff = await operator.run("rollback-look", SOURCE="books", RUN="good")
        assert "good" in {one["runId"] for one in kept["snapshots"]}
        assert diff["added"] == 4
        (published,) = await operator.run("rollback-publish", SOURCE="books", RUN="good")
        assert published["isChanged"]
        await host.advance(hours=4)
        assert len(await world.titles()) == 8
        world.site.books = [f"/books/{number}" for number in range(4)]
        assert (await operator.run("rollback-resume"))[0]["paused"] is False
        await host.advance(days=1)
        assert len(await world.titles()) == 8


async def something_of_every_kind_is_to_start(world: World, host: Host) -> None:
    """A tick at 6:00, a run with a time, and a watch whose first run is over."""
    due = (host.clock.now() + timedelta(hours=1)).isoformat()
    assert (await host.request("POST", "/api/runs", json={"startAt": due})).status == 202
    watch = {"source": "books", "intervalMinutes": 90}
    route = "/api/orchestrators/watch_source/watch:books"
    assert (await host.request("POST", route, json=watch)).status == 202
    await host.advance(minutes=1)


async def no_run_can_begin(host: Host, operator: Operator) -> None:
    schedule, to_come = await operator.run("hold-schedule")
    assert schedule["paused"] is True
    for start in to_come["starts"]:
        (cancelled,) = await operator.run("hold-start", START=start["startId"])
        assert cancelled["runId"] == start["runId"]
    (watches,) = await operator.run("hold-watches")
    assert [one["instanceId"] for one in watches] == ["watch:books"]
    assert json.loads(watches[0]["input"])["intervalMinutes"] == 90
    assert await operator.run("hold-watch", WATCH="watch:books") == []
    await host.advance(minutes=1)
    assert ((await operator.run("hold-schedule"))[1]["starts"], await operator.run("hold-watches")) == ([], [[]])


async def test_a_run_is_drained_for_a_deployment_with_a_new_hub_and_finished_after_it(world: World) -> None:
    async def slow(batch: dict[str, Any]) -> Any:
        await world.clock.sleep(600)
        return {"code": "stopped", "reason": "it was asked to"}

    async with world.on() as (host, operator):
        with host.replace_activity("scrape_batch", slow):
            await host.advance(minutes=6)
            await something_of_every_kind_is_to_start(world, host)
            await no_run_can_begin(host, operator)
            (draining,) = await operator.run("deploy-drain", RUN=RUN)
            assert draining["mode"] == "drain"
            (live,) = await operator.run("deploy-wait", RUN=RUN)
            assert live["state"] == "stopping"
            await host.advance(minutes=15)
            (ended,) = await operator.run("deploy-wait", RUN=RUN)
            assert (ended["state"], ended["outcome"]) == ("finished", "stopped")
            await host.advance(hours=4)
            (runs,) = await operator.run("rollback-running")
            assert runs["runs"][0]["runId"] == RUN
        later = host.clock.now()
    async with world.on(later, hub="new-hub") as (host, operator):
        health, schedule, retry = await operator.run("deploy-after", RUN=RUN)
        assert (health["status"], schedule["paused"]) == ("ok", False)
        assert (await host.wait_for(retry["runId"])).output["outcome"] == "completed"
        assert len(await world.titles()) == 8


def test_every_named_command_of_the_document_is_run_above() -> None:
    text = Path(__file__).read_text()
    assert [name for name in COMMANDS if name != "prelude" and f'"{name}"' not in text] == []
    assert len(COMMANDS) == 28


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "prelude"])
def test_a_command_whose_variable_is_not_set_says_so_and_sends_nothing(name: str) -> None:
    bare = re.findall(r"\$\{?(\w+)(?!\w|:\?)", COMMANDS[name])
    assert set(bare) <= {"APP", "INSTANCES", "SOURCES_FILE"}


async def test_nothing_is_sent_for_a_run_that_is_not_named() -> None:
    said = await Operator("http://127.0.0.1:9").output_of("stuck-stop", status=1)
    assert "RUN: parameter null or not set" in said
    assert "curl" not in said
