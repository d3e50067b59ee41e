"""Everything that the dashboard does, on a real app: asked first where something could be lost, and told afterwards."""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import World
from tests.helpers.dashboard_page import Dashboard, OpenDashboard

pytestmark = pytest.mark.usefixtures("ends_its_runs")
LAST_BOOKS = tuple(f"/books/{number}" for number in range(21, 41))


def test_the_progress_of_a_run_appears_without_a_reload(dashboard: Dashboard, world: World) -> None:
    dashboard.show("#/")
    dashboard.page.evaluate("window.isSamePage = true")
    with world.site.holding(*LAST_BOOKS):
        dashboard.press("Start a run")
        dashboard.answer("Start a run", "Start")
        now = dashboard.card("Now")
        expect(dashboard.page.get_by_text("Started: run-")).to_be_visible()
        expect(now.get_by_role("listitem").filter(has_text="books")).to_contain_text("20 of 40 pages")
        expect(now.get_by_role("progressbar", name="books")).to_have_js_property("value", 20)
        expect(now.get_by_role("listitem").filter(has_text="news")).to_contain_text("published")
        expect(now).to_contain_text(re.compile(r"[0-9.]+ pages/s"))
        expect(now).to_contain_text(re.compile(r"about [0-9.]+ (s|min)"))
        expect(dashboard.page.locator("#announcer")).to_have_text("The run has done 50 per cent of its pages.")
    expect(now).to_contain_text("Nothing is running.")
    expect(dashboard.page.locator("#announcer")).to_have_text("The run has ended: completed.")
    expect(now).to_contain_text("completed")
    assert dashboard.page.evaluate("window.isSamePage") is True
    world.app.finished(world.app.newest_run()["runId"])


def test_only_the_sources_that_were_chosen_are_scraped(dashboard: Dashboard, world: World) -> None:
    dashboard.show("#/")
    dashboard.press("Start a run")
    dialog = dashboard.dialog("Start a run")
    start = dialog.get_by_role("button", name="Start")
    expect(dialog.get_by_role("radio", name="All sources")).to_be_checked()
    dialog.get_by_role("radio", name="Only those that are ticked").check()
    expect(start).to_be_disabled()  # nothing is not all
    dialog.get_by_role("radio", name="All sources").check()
    dialog.get_by_label("news").check()
    expect(dialog.get_by_role("radio", name="Only those that are ticked")).to_be_checked()
    expect(start).to_be_enabled()
    dashboard.answer("Start a run", "Start")
    started = dashboard.page.get_by_text("Started: ").get_by_role("link").inner_text()
    assert [one["source"] for one in world.app.finished(started)["sources"]] == ["news"]


def test_a_refused_start_shows_who_holds_the_singleton(dashboard: Dashboard, world: World) -> None:
    dashboard.show("#/")
    dashboard.watched.expected.add(409)
    with world.site.holding(*LAST_BOOKS):
        holder = world.app.start_run()
        dashboard.press("Start a run")
        dashboard.answer("Start a run", "Start")
        told = dashboard.dialog("Only one run at a time")
        expect(told).to_contain_text("Nothing was started")
        expect(told.get_by_role("link", name=holder)).to_have_attribute("href", f"#/runs/{holder}")
        expect(told).to_contain_text("started by http")
        dashboard.answer("Only one run at a time", "Close")
    world.app.finished(holder)


def test_a_stop_is_confirmed_first_and_can_be_called_off(dashboard: Dashboard, world: World) -> None:
    with world.site.holding(*LAST_BOOKS):
        run_id = world.app.start_run()
        dashboard.show(f"#/runs/{run_id}")
        dashboard.press("Stop")
        dashboard.answer("Stop this run?", "Cancel")
        dashboard.press("Stop")
        dashboard.page.keyboard.press("Escape")
        expect(dashboard.dialog("Stop this run?")).to_have_count(0)
        assert world.app.ask("GET", f"runs/{run_id}")["state"] == "running"
    assert world.app.finished(run_id)["outcome"] == "completed"


def test_a_run_is_drained(dashboard: Dashboard, world: World) -> None:
    with world.site.holding(*LAST_BOOKS):
        run_id = world.app.start_run()
        dashboard.show(f"#/runs/{run_id}")
        expect(dashboard.card("Sources")).to_contain_text("published")
        dashboard.press("Stop")
        expect(dashboard.dialog("Stop this run?").get_by_role("radio", name="Drain")).to_be_checked()
        dashboard.answer("Stop this run?", "Stop the run")
        expect(dashboard.page.get_by_text("The run drains.")).to_be_visible()
        expect(dashboard.card("State")).to_contain_text("stopping")
    expect(dashboard.card("State")).to_contain_text("stopped")
    record = world.app.finished(run_id)
    assert record["outcome"] == "stopped"
    assert {one["source"]: one["state"] for one in record["sources"]} == {"books": "stopped", "news": "published"}


def test_a_run_is_ended_at_once(dashboard: Dashboard, world: World) -> None:
    with world.site.holding(*LAST_BOOKS):
        run_id = world.app.start_run()
        dashboard.show(f"#/runs/{run_id}")
        dashboard.press("Stop")
        dashboard.dialog("Stop this run?").get_by_role("radio", name="Now").check()
        dashboard.answer("Stop this run?", "Stop the run")
        expect(dashboard.page.get_by_text("The run is stopped.")).to_be_visible()
        expect(dashboard.card("State")).to_contain_text("stopped at once (asked for by http)")
        assert world.app.finished(run_id)["outcome"] == "stopped"


def test_failed_pages_are_retried_by_a_run_of_only_these(dashboard: Dashboard, world: World) -> None:
    world.site.broken = {"/books/3", "/books/5"}
    run_id = world.app.start_run("books")
    world.app.finished(run_id)
    world.site.broken = set()
    dashboard.show(f"#/runs/{run_id}")
    expect(dashboard.card("Failed pages").get_by_role("row")).to_have_count(3)
    dashboard.press("Retry failed pages")
    expect(dashboard.dialog("Retry what this run left undone?")).to_contain_text("2 failed pages")
    dashboard.answer("Retry what this run left undone?", "Retry")
    retry = dashboard.page.get_by_text("Started: ").get_by_role("link").inner_text()
    record = world.app.finished(retry)
    assert (record["retryOf"], record["outcome"], record["totals"]["failed"]) == (run_id, "completed", 0)
    dashboard.show(f"#/runs/{retry}")
    expect(dashboard.card("State")).to_contain_text("completed")
    expect(dashboard.card("State").get_by_role("button")).to_have_count(0)


def test_the_schedule_is_paused_and_resumed(dashboard: Dashboard, world: World) -> None:
    dashboard.show("#/schedule")
    daily = dashboard.card("Daily scrape")
    expect(daily).to_contain_text("running")
    dashboard.press("Pause")
    expect(daily).to_contain_text("paused")
    expect(daily).to_contain_text("will be skipped")
    assert world.app.ask("GET", "schedule")["paused"] is True
    dashboard.show("#/")
    expect(dashboard.card("Schedule")).to_contain_text("paused")
    expect(dashboard.card("Schedule")).to_contain_text("will be skipped")
    dashboard.show("#/schedule")
    dashboard.press("Resume")
    expect(dashboard.page.get_by_role("button", name="Pause")).to_be_visible()
    assert world.app.ask("GET", "schedule")["paused"] is False


def test_a_run_is_started_at_a_local_time_and_called_off(open_dashboard: OpenDashboard, world: World) -> None:
    dashboard = open_dashboard(timezone_id="Asia/Kolkata")
    day = datetime.now(UTC) + timedelta(days=2)
    due = f"{day.day} {day:%b %Y}, 03:00 UTC"
    dashboard.show("#/schedule")
    to_come = dashboard.card("Starts to come")
    expect(to_come).to_contain_text("None but the ticks of the schedule.")
    dashboard.press("Start a run")
    dialog = dashboard.dialog("Start a run")
    dialog.get_by_role("radio", name="Later").check()
    expect(dialog.get_by_role("button", name="Start", exact=True)).to_be_disabled()  # when?
    dialog.get_by_role("radio", name="Now").check()
    dialog.get_by_label("Date and time (Asia/").fill(f"{day:%Y-%m-%d}T08:30")
    expect(dialog.get_by_role("radio", name="Later")).to_be_checked()
    dialog.get_by_label("news").check()
    dashboard.answer("Start a run", "Start")
    told = dashboard.page.get_by_text("Will start ")
    expect(told).to_contain_text(due)
    run_id = told.get_by_role("link").inner_text()
    dashboard.show("#/")
    expect(dashboard.card("Schedule").get_by_role("list", name="Starts to come")).to_have_text(f"{due}: {run_id}")
    dashboard.show("#/schedule")
    line = to_come.get_by_role("row").filter(has_text=run_id)
    expect(line.get_by_role("cell")).to_have_text([run_id, re.compile(r"in \d+ [dh]"), "news", "startAt", "Cancel"])
    line.get_by_role("button", name="Cancel").click()
    dashboard.answer("Cancel this start?", "Keep it")
    assert world.app.ask("GET", f"runs/{run_id}")["state"] == "scheduled"
    line.get_by_role("button", name="Cancel").click()
    expect(dashboard.dialog("Cancel this start?")).to_contain_text(due)
    dashboard.answer("Cancel this start?", "Cancel the start")
    expect(dashboard.page.get_by_text("will not start.")).to_be_visible()
    expect(line).to_have_count(0)
    assert world.app.ask("GET", f"runs/{run_id}")["outcome"] == "stopped"


def test_a_refused_snapshot_is_published_by_force_once_its_reason_was_shown(dashboard: Dashboard, world: World) -> None:
    world.site.broken = {"/news/1", "/news/2"}
    run_id = world.app.start_run("news")
    record = world.app.finished(run_id)
    world.site.broken = set()
    (refused,) = record["sources"]
    dashboard.show("#/")
    expect(dashboard.card("Now")).to_contain_text("2 pages")
    # The last diff is that of what readers see.
    expect(dashboard.card("Datasets").get_by_role("row").filter(has_text="news")).not_to_contain_text("\u22122")
    left = dashboard.card("Now").get_by_role("list", name="Not published by the last run")
    expect(left).to_contain_text(re.compile(r"news: refused .*max_failed_percent.*; readers see the rows of \d+ "))
    dashboard.show("#/datasets/news")
    line = dashboard.card("Snapshots").get_by_role("row").filter(has_text=run_id)
    expect(line).to_contain_text("refused")
    line.get_by_role("button", name="Force publish").click()
    expect(dashboard.dialog("Publish against the gate?")).to_contain_text(refused["reason"])
    dashboard.answer("Publish against the gate?", "Cancel")
    assert world.app.ask("GET", "datasets/news")["published"]["runId"] != run_id
    line.get_by_role("button", name="Force publish").click()
    dashboard.answer("Publish against the gate?", "Publish all the same")
    expect(line).to_contain_text("what readers see")
    published = world.app.ask("GET", "datasets/news")["published"]
    assert (published["runId"], published["publishedBy"], published["rows"]) == (run_id, "http", 2)
    expect(dashboard.card("Published")).to_contain_text(published["overridden"])
    dashboard.show(f"#/runs/{run_id}")
    expect(dashboard.card("Sources").get_by_role("row").nth(1)).to_contain_text("published against the gate")
    dashboard.show("#/")
    expect(dashboard.card("Datasets").get_by_role("row").filter(has_text="news")).to_contain_text("against the gate")
    expect(dashboard.card("Now")).to_contain_text("published against the gate")


def test_an_older_snapshot_is_published_again(dashboard: Dashboard, world: World) -> None:
    older, newer = (world.app.finished(world.app.start_run("news"))["runId"] for _ in range(2))
    dashboard.show("#/datasets/news")
    line = dashboard.card("Snapshots").get_by_role("row").filter(has_text=older)
    line.get_by_role("button", name="Publish").click()
    dashboard.answer("Publish this snapshot?", "Publish")
    expect(line).to_contain_text("what readers see")
    assert world.app.ask("GET", "datasets/news")["published"]["runId"] == older != newer


def test_a_download_has_the_rows_that_the_api_has(dashboard: Dashboard, world: World, tmp_path: Path) -> None:
    dashboard.show("#/datasets/books")
    with dashboard.page.expect_download() as begun:
        dashboard.press("Download NDJSON")
    begun.value.save_as(tmp_path / "books.ndjson")
    with dashboard.page.expect_download() as begun:
        dashboard.press("Download CSV")
    begun.value.save_as(tmp_path / "books.csv")
    rows = world.app.ask("GET", "datasets/books/rows?limit=1000")["rows"]
    assert begun.value.suggested_filename == "books.csv"
    assert [json.loads(line) for line in (tmp_path / "books.ndjson").read_text().splitlines()] == rows
    with (tmp_path / "books.csv").open(newline="") as file:
        told = [(row["title"], row["price"], row["_url"]) for row in csv.DictReader(file)]
    assert told == [(row["title"], row["price"], row["_url"]) for row in rows]
    assert len(rows) > 30
