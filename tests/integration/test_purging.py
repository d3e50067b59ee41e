"""The purge as the app runs it: its orchestrator, its timer, and its activity on the real tables."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from activities.purging import purge_slice
from devhost.testing import Host, survive_every_crash
from orchestrations import names
from scraper import clock
from scraper.settings import Settings
from storage.account.tables import TABLE_NAMES
from storage.keys import snapshot_id
from tests.helpers.activity_runs import ActivityRuns
from tests.helpers.scheduled_month import ScheduledMonth, moment, scheduled_month
from tests.helpers.scrape_host import REPOSITORY, WITHOUT_TIMERS
from tests.helpers.storage_families import family_of
from triggers.datasets.rows import list_rows

PURGE = names.PURGE_ID
WORK = {"stage": "runs", "before": "2026-10-01T00:00:00+00:00"}


def slices(*answers: dict[str, Any]) -> dict[str, Any]:
    """An activity that answers so, the last one for ever."""
    left = list(answers)
    return {"purge_slice": lambda _: left.pop(0) if len(left) > 1 else left[0]}


async def purged(host: Host) -> Any:
    await host.start(names.PURGE_EXPIRED, instance_id=PURGE)
    return (await host.wait_for(PURGE)).output


async def test_slices_follow_one_another_until_no_work_is_left_and_their_counts_add_up() -> None:
    answers = slices(
        {"work": WORK, "deleted": {"rows": 1000}},
        {"work": {**WORK, "stage": "skips"}, "deleted": {"rows": 7, "runs": 2}},
        {"work": None, "deleted": {}},
    )
    async with Host(REPOSITORY, activities=answers, settings=WITHOUT_TIMERS) as host:
        output = await purged(host)
        given = [one["work"] for one in host.calls.inputs("purge_slice")]
        status = (await host.wait_for(PURGE)).custom_status
    assert output == {"outcome": "completed", "reason": "", "deleted": {"rows": 1007, "runs": 2}}
    assert given == [None, WORK, {**WORK, "stage": "skips"}]
    assert status == {"stage": "ended", "deleted": {"rows": 1007, "runs": 2}}


async def test_a_purge_of_very_many_slices_keeps_its_history_short() -> None:
    answers = slices(*[{"work": WORK, "deleted": {"rows": 1}}] * 70, {"work": None, "deleted": {}})
    async with Host(REPOSITORY, activities=answers, settings=WITHOUT_TIMERS) as host:
        assert (await purged(host))["deleted"] == {"rows": 70}
        assert len(host.calls.inputs("purge_slice")) == 71
        assert len(await host.history(PURGE)) < 250


async def test_a_purge_outlives_faults_of_the_infrastructure_and_leaves_the_rest_to_the_next_one() -> None:
    def away(_: dict[str, Any]) -> dict[str, Any]:
        raise OSError("storage is away")

    async with Host(REPOSITORY, activities={"purge_slice": away}, settings=WITHOUT_TIMERS) as host:
        output = await purged(host)
    assert output["outcome"] == "failed"
    assert "storage is away" in output["reason"]


async def test_an_instance_with_another_id_purges_nothing() -> None:
    async with Host(REPOSITORY, activities=slices({"work": None, "deleted": {}}), settings=WITHOUT_TIMERS) as host:
        await host.start(names.PURGE_EXPIRED, instance_id="purge-2")
        output = (await host.wait_for("purge-2")).output
        assert host.calls.inputs("purge_slice") == []
    assert output == {
        "outcome": "refused",
        "reason": "there is one purge at a time: the instance 'purge:expired'",
        "deleted": {},
    }


async def test_a_purge_survives_a_crash_between_any_two_writes() -> None:
    def slice_of(payload: dict[str, Any]) -> dict[str, Any]:
        number = (payload["work"] or {}).get("number", 0) + 1
        return {"work": {"stage": "runs", "number": number} if number < 4 else None, "deleted": {"runs": 1}}

    report = await survive_every_crash(REPOSITORY, purged, activities={"purge_slice": slice_of})
    assert report.outcome == {"outcome": "completed", "reason": "", "deleted": {"runs": 4}}
    assert report.crashes >= 10


@pytest.fixture
async def month(
    azurite: str, table_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ScheduledMonth]:
    settings = {
        "RETENTION_DAYS": "3",
        "AzureWebJobs.purge_timer.Disabled": "false",
        "AzureWebJobs.daily_timer.Disabled": "true",
    }
    async with scheduled_month(azurite, table_prefix, tmp_path, monkeypatch, **settings) as opened:
        yield opened


async def run_by_hand(month: ScheduledMonth, run_id: str) -> None:
    await month.ask("POST", f"/api/orchestrators/daily_scrape/{run_id}", status=202)


async def test_every_night_the_hub_and_the_tables_forget_what_is_older_than_the_limit(month: ScheduledMonth) -> None:
    async with month.switched_on("01 00:00") as host:
        assert (await month.ask("GET", "/api/health/details"))["lastPurge"] is None
        assert (await month.ask("GET", "/api/health/details"))["retentionDays"] == 3
        await run_by_hand(month, "first")
        await month.ask("POST", "/api/start/parcel", status=202)
        await month.until("04 12:00")
        assert {one.instance_id for one in await host.instances()} == {PURGE, "workflow:parcel"}
        assert await month.runs() == [("first", "http", "completed")], "records of runs stay for eight days"
        await run_by_hand(month, "second")
        await month.until("09 02:00")
        await month.ask("POST", "/api/stop/parcel", status=202)
        await run_by_hand(month, "third")
        await month.until("09 12:00")
        last = (await month.ask("GET", "/api/health/details"))["lastPurge"]
        parts = ["third", "third:3:books", "third:3:books:0"]
        assert sorted(one.instance_id for one in await host.instances()) == [PURGE, *parts, "workflow:parcel"]
        assert [run_id for run_id, _, _ in await month.runs()] == ["second", "third"]
        assert (await month.ask("GET", "/api/check/parcel"))["outcome"] == "completed"
        await month.until("12 12:00")
        gone = await month.ask("GET", "/api/check/parcel", status=404)
    assert (last["outcome"], last["reason"], last["runtimeStatus"]) == ("completed", "", "Completed")
    assert last["startedAt"].startswith("2026-11-09T03:30")
    assert last["deleted"] == {"runs": 1}
    assert "was purged" in gone["detail"]


async def test_a_purge_that_is_still_at_it_is_not_joined_by_another(
    month: ScheduledMonth, caplog: pytest.LogCaptureFixture
) -> None:
    calls = 0

    async def slow(_: dict[str, Any]) -> dict[str, Any]:
        nonlocal calls
        calls += 1
        await month.on.clock.sleep(timedelta(hours=30).total_seconds())
        return {"work": None, "deleted": {}}

    month.activities = {"purge_slice": slow}
    async with month.switched_on("01 00:00"):
        await month.until("02 12:00")
    assert calls == 1
    assert "the purge before has not ended yet" in caplog.text


class Days:
    """The app's clock, which a test moves on."""

    def __init__(self) -> None:
        self.now = moment("01 06:00")

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, days: float) -> None:
        self.now += timedelta(days=days)


@pytest.fixture
def days(monkeypatch: pytest.MonkeyPatch) -> Days:
    passing = Days()
    monkeypatch.setattr(clock, "utc_now", passing)
    return passing


async def purge(runs: ActivityRuns) -> dict[str, int]:
    """All slices of one purge; what it has deleted."""
    work, deleted = None, {}
    while True:
        done = await purge_slice({"work": work}, runs.hub)
        deleted |= {what: deleted.get(what, 0) + number for what, number in done["deleted"].items()}
        work = json.loads(json.dumps(done["work"]))
        if work is None:
            return deleted


async def complete(runs: ActivityRuns, run_id: str, **payload: Any) -> None:
    await runs.complete(await runs.start(run_id, **payload))
    runs.hub.instances[run_id].last_updated_time = clock.utc_now()


async def rows_of(runs: ActivityRuns, source: str, run_id: str = "") -> tuple[int, Any]:
    """Status of `GET datasets/{source}/rows`, and how many rows, or the problem's text."""
    params = {"run": run_id} if run_id else {}
    request = func.HttpRequest("GET", "http://h/api", route_params={"source": source}, params=params, body=b"")
    answer = await list_rows(request, runs.hub)
    document = json.loads(answer.get_body())
    return answer.status_code, len(document["rows"]) if answer.status_code == 200 else document["detail"]


async def keys(runs: ActivityRuns, name: str) -> list[tuple[str, str]]:
    table = await runs.store.tables.table(name)
    return [(one["PartitionKey"], one["RowKey"]) async for one in table.query_entities("PartitionKey ne ''")]


async def test_after_a_purge_published_data_and_kept_runs_are_whole_and_the_rest_is_gone(
    runs: ActivityRuns, days: Days
) -> None:
    await complete(runs, "first")
    days.pass_by(1)
    await runs.run_with_failures("/books/1", "/books/5", run_id="broken", sources=["books", "news"])
    days.pass_by(1)
    retry = await runs.start_retry("broken")
    await runs.complete(retry)
    runs.hub.instances[retry].last_updated_time = clock.utc_now()
    days.pass_by(20)
    await complete(runs, "news-only", sources=["news"])
    days.pass_by(12)
    deleted = await purge(runs)

    assert await rows_of(runs, "books") == (200, 24)
    assert await rows_of(runs, "books", retry) == (200, 24)
    assert await rows_of(runs, "news") == (200, 2)
    status, text = await rows_of(runs, "books", "first")
    assert (status, text) == (404, f"There is no run 'first'. Kept are: {retry}, broken.")
    status, text = await rows_of(runs, "news", "broken")
    assert (status, text.startswith("What run 'broken' loaded of 'news' is not kept any more")) == (410, True)
    assert deleted["runs"] == 1
    epochs = {name: {partition.split("~")[1] for partition, _ in await keys(runs, name)} for name in ("rows",)}
    assert epochs == {"rows": {f"{number:010d}" for number in (2, 3, 4)}}

    days.pass_by(1)
    await complete(runs, "newest", sources=["books"])
    assert runs.site.hits["/books/3"] == 3  # type: ignore[attr-defined]
    days.pass_by(2)
    await purge(runs)
    assert {partition for partition, _ in await keys(runs, "batches")} == {
        snapshot_id("news", 4),
        snapshot_id("books", 5),
        f"~robots~{5:010d}",
        f"~robots~{4:010d}",
    }
    assert await rows_of(runs, "books") == (200, 24)


async def test_a_run_in_the_middle_of_which_everything_old_is_purged_carries_over_all_the_same(
    runs: ActivityRuns, days: Days
) -> None:
    await complete(runs, "first")
    days.pass_by(1)
    await complete(runs, "second")
    days.pass_by(40)
    await runs.start("third")
    await runs.claim("third")
    await runs.scrape("third", "books", lists=[0, 1])
    assert (await purge(runs))["snapshots"] == 2, "those of the first run"
    await runs.scrape("third", "books", lists=[2, 3])
    summary = await runs.publish("third", "books")
    assert [summary[name] for name in ("outcome", "rows", "unchanged")] == ["published", 24, 12]
    await runs.finish("third", summaries=[summary])
    days.pass_by(2)
    await purge(runs)
    assert await rows_of(runs, "books") == (200, 24)


async def test_whatever_runs_write_is_of_a_family_that_the_purge_knows(runs: ActivityRuns, days: Days) -> None:
    await runs.run_with_failures("/books/1", run_id="broken")
    await runs.complete(await runs.start_retry("broken"))
    for name in TABLE_NAMES:
        for partition, row in await keys(runs, name):
            assert family_of(name, partition, row), (name, partition, row)


async def test_nothing_younger_than_the_limit_is_deleted_whatever_a_slice_is_told(
    runs: ActivityRuns, days: Days
) -> None:
    await complete(runs, "young")
    days.pass_by(2)
    told = {
        "before": "2100-01-01T00:00:00+00:00",
        "records_before": "2100-01-01T00:00:00+00:00",
        "stage": "runs",
        "epoch": 99,
        "records_epoch": 99,
        "after": "",
        "run_epoch": 0,
        "number": 0,
        "is_kept": False,
    }
    while told is not None:
        told = (await purge_slice({"work": told}, runs.hub))["work"]
    assert await rows_of(runs, "books", "young") == (200, 24)
    assert Settings().retention_days == 30
