"""What the page tells about runs and datasets while they change, over made-up answers."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.helpers.canned_app import HANGS, PAGE, RUN, Canned, CannedApp

LOOK_AGAIN = "document.dispatchEvent(new Event('visibilitychange'))"


@pytest.mark.parametrize("view", ["#/", "#/datasets"])
def test_how_a_run_has_ended_for_a_dataset_is_told_as_soon_as_it_has(app: CannedApp, view: str) -> None:
    app.has_datasets("books")
    app.answers["GET runs"] = {"runs": [{**RUN, "runId": "first"}], "continuation": None}
    app.answers["GET runs/first"] = {**RUN, "runId": "first", "sources": []}
    app.page.goto(f"{PAGE}{view}")
    line = app.page.get_by_role("row").filter(has_text="books")
    expect(line).to_contain_text("published")
    app.answers["GET runs"] = {"runs": [{**RUN, "runId": "second", "epoch": 2}], "continuation": None}
    app.answers["GET runs/second"] = {**RUN, "runId": "second", "epoch": 2, "sources": []}
    dataset = app.answers["GET datasets/books"]
    refused = {**dataset["snapshots"][0], "runId": "second", "epoch": 2, "outcome": "refused", "isPublished": False}
    app.answers["GET datasets/books"] = {**dataset, "newestRun": refused, "snapshots": [refused]}
    app.page.evaluate(LOOK_AGAIN)
    expect(line).to_contain_text("refused")
    expect(line.get_by_role("link", name="run", exact=True)).to_have_attribute("href", "#/runs/second@2")


@pytest.mark.parametrize("view", ["#/", "#/datasets", "#/datasets/books"])
def test_a_run_that_failed_before_it_found_a_page_is_the_last_result_and_readers_keep_their_rows(
    app: CannedApp, view: str
) -> None:
    app.watched.expected.add(404)  # of what the page of a dataset has besides
    app.has_datasets("books")
    failed = {"runId": "second", "epoch": 2, "outcome": "failed", "reason": "the sitemap could not be read"}
    app.answers["GET datasets/books"]["newestRun"] = failed
    app.page.goto(f"{PAGE}{view}")
    expect(app.page.locator(".badge.bad")).to_have_text("failed")
    line = app.page.locator("tr, dl").filter(has=app.page.locator(".badge.bad"))
    expect(line.locator(".badge")).to_have_count(1)
    expect(line.get_by_role("link", name="run", exact=True)).to_have_attribute("href", "#/runs/second@2")
    readers = app.page.get_by_role("region", name="Published", exact=True) if view == "#/datasets/books" else line
    expect(readers).to_contain_text("5")
    if view == "#/datasets/books":
        expect(line).to_contain_text("the sitemap could not be read")


@pytest.mark.parametrize("view", ["#/", "#/datasets", "#/datasets/books", "#/runs/second"])
def test_a_publication_that_was_taken_back_is_told_wherever_its_run_is(app: CannedApp, view: str) -> None:
    app.watched.expected.add(404)  # of what the page of a run has besides
    app.has_datasets("books")
    dataset = app.answers["GET datasets/books"]
    first = dataset["snapshots"][0]
    second = {**first, "runId": "second", "epoch": 2, "isPublished": False}
    app.answers["GET datasets/books"] = {**dataset, "newestRun": second, "snapshots": [second, first]}
    run = {**RUN, "runId": "second", "epoch": 2}
    app.answers["GET runs"] = {"runs": [run], "continuation": None}
    counts = {"pages": 5, "loaded": 5, "failed": 0, "unchanged": 0, "rows": 5}
    app.answers["GET runs/second"] = {**run, "sources": [{**counts, "source": "books", "state": "published"}]}
    app.answers["GET runs/second/failures"] = {"failures": [], "continuation": None}
    app.answers["GET runs/second/batches"] = {"batches": [], "continuation": None}
    app.page.goto(f"{PAGE}{view}")
    expect(app.page.get_by_text("withdrawn", exact=True).first).to_be_visible()
    expect(app.page.get_by_role("row").filter(has_text="withdrawn").first).to_be_visible()


def test_a_view_that_does_not_come_is_told_and_why_and_that_it_is_well_again(app: CannedApp) -> None:
    app.watched.expected.add(503)
    app.page.clock.install()
    app.page.goto(f"{PAGE}#/runs")
    expect(app.page.get_by_role("region", name="All runs", exact=True)).to_be_visible()
    runs = app.answers["GET runs"]
    hangs = {"checks": {"storage": "failed"}, "faults": {"storage": "no answer within 5 s"}}
    app.answers |= {"GET runs": Canned(HANGS), "GET health/details": Canned(503, json=hangs)}
    app.page.evaluate(LOOK_AGAIN)
    app.page.clock.run_for(6_000)
    expect(app.page.locator("#health")).to_have_text("The storage does not work: no answer within 5 s")
    expect(app.page.get_by_role("alert")).to_be_empty()
    app.page.clock.run_for(5_000)
    expect(app.page.get_by_role("alert")).to_contain_text("The app has not answered for 10 s")
    expect(app.page.get_by_role("alert")).to_contain_text("What is shown is what it said last.")
    app.answers |= {"GET runs": runs, "GET health/details": {}}
    app.page.clock.run_for(6_000)
    expect(app.page.locator("#health")).to_be_empty()


def test_a_run_can_be_started_also_while_the_app_cannot_say_of_which_sources(app: CannedApp) -> None:
    app.answers["GET datasets"] = Canned(HANGS)
    app.page.goto(f"{PAGE}#/runs")
    app.page.get_by_role("button", name="Start a run").first.click()
    dialog = app.page.get_by_role("dialog", name="Start a run")
    expect(dialog).to_contain_text("It scrapes every source of the sources file.")
    expect(dialog.get_by_role("button", name="Start", exact=True)).to_be_enabled()


def refused_run(app: CannedApp) -> None:
    """The run `second` was refused; readers see the rows of `first`."""
    app.watched.expected.add(404)
    app.has_datasets("books")
    counts = {"pages": 5, "loaded": 1, "failed": 4, "unchanged": 0, "rows": 1}
    source = {
        **counts,
        "source": "books",
        "state": "refused",
        "reason": "gate: max_failed_percent",
        "failedByReason": {},
    }
    run = {**RUN, "runId": "second", "epoch": 2, "outcome": "failed", "totals": counts}
    app.answers |= {
        "GET runs": {"runs": [run], "continuation": None},
        "GET runs/second": {**run, "sources": [source]},
        "GET runs/second/failures": {"failures": [], "continuation": None},
        "GET runs/second/batches": {"batches": [], "continuation": None},
    }


def test_a_refused_run_says_what_readers_see_and_what_to_do(app: CannedApp) -> None:
    refused_run(app)
    app.page.goto(f"{PAGE}#/runs/second")
    line = app.page.get_by_role("row").filter(has_text="books")
    expect(line).to_contain_text("readers see the rows of 20 Nov 2026, 06:00 UTC")
    state = app.page.get_by_role("region", name="State", exact=True)
    expect(state).to_contain_text("mend its fields in sources.toml and start a new run")
    expect(state.get_by_role("link", name="books")).to_have_attribute("href", "#/datasets/books")
    expect(state.get_by_role("button")).to_have_text(["Start a new run", "Retry failed pages"])
    state.get_by_role("button", name="Retry failed pages").click()
    expect(app.page.get_by_role("dialog")).to_contain_text("start a new run instead")


def test_a_run_whose_retry_has_published_offers_no_other_one(app: CannedApp) -> None:
    refused_run(app)
    app.answers["GET datasets"]["datasets"][0]["published"] |= {"runId": "retry", "epoch": 3}
    app.page.goto(f"{PAGE}#/runs/second")
    state = app.page.get_by_role("region", name="State", exact=True)
    expect(state).to_contain_text("failed")
    expect(state.get_by_role("button")).to_have_count(0)
    expect(app.page.get_by_text("The gate has refused")).to_have_count(0)


def test_before_the_first_run_there_is_nothing_to_choose(app: CannedApp) -> None:
    app.page.goto(f"{PAGE}#/runs")
    app.page.get_by_role("button", name="Start a run").click()
    dialog = app.page.get_by_role("dialog", name="Start a run")
    expect(dialog).to_contain_text("It scrapes every source of the sources file.")
    expect(dialog).not_to_contain_text("choose")


def test_runs_of_one_day_are_told_apart_by_their_times_and_failed_ones_by_their_reasons(app: CannedApp) -> None:
    refused_run(app)
    newest = app.answers["GET runs"]["runs"][0] | {"reason": "no source has published", "runId": "third", "epoch": 3}
    newest |= {"startedAt": "2026-11-20T09:30:00+00:00", "outcome": "stopped"}
    app.answers["GET runs"]["runs"].insert(0, newest)
    app.answers["GET runs/third"] = {**newest, "sources": [
        {"source": "books", "state": "stopped", "reason": "stopped at once (asked for by http)"},
    ]}  # fmt: skip
    app.page.goto(f"{PAGE}#/")
    axis = app.page.get_by_role("region", name="The last runs").locator(".dates")
    expect(axis).to_have_text(re.compile("^06:00"))
    expect(app.page.locator("#current .badge.idle").first).to_have_text("stopped")
    expect(app.page.locator("#history .column .bar.idle")).to_have_count(1)
    expect(app.page.get_by_role("list", name="Not published by the last run")).to_contain_text("stopped \u2013 at once")
    app.page.goto(f"{PAGE}#/runs")
    expect(app.page.get_by_role("row").filter(has_text="third")).to_contain_text("no source has published")


@pytest.mark.parametrize(("view", "links"), [("#/", 3), ("#/runs", 1), ("#/datasets", 2), ("#/datasets/books", 5)])
def test_what_leads_to_an_older_run_names_its_epoch_since_its_id_may_be_used_again(
    app: CannedApp, view: str, links: int
) -> None:
    app.watched.expected.add(404)  # of what the page of a dataset has besides
    app.has_datasets("books")
    run = {**RUN, "runId": "first", "totals": {"pages": 5, "loaded": 5, "failed": 0, "unchanged": 0, "rows": 5}}
    newer = {**run, "epoch": 2, "outcome": "failed", "startedAt": "2026-11-21T06:00:00+00:00"}
    app.answers["GET runs"] = {"runs": [newer, run], "continuation": None}
    app.answers["GET runs/first"] = {**newer, "sources": []}
    app.page.goto(f"{PAGE}{view}")
    app.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    expect(app.page.locator("main a[href='#/runs/first@1']")).to_have_count(links)
    expect(app.page.locator("main a[href='#/runs/first']")).to_have_count(0)


def test_an_older_run_of_an_id_that_was_used_again_is_retried_itself(app: CannedApp) -> None:
    refused_run(app)
    older = {**app.answers["GET runs/second"], "epoch": 2}
    app.answers["GET runs/second@2"] = older
    app.answers["GET runs/second"] = {**older, "epoch": 7, "outcome": "completed", "sources": []}
    for name in ("failures", "batches"):
        app.answers[f"GET runs/second@2/{name}"] = app.answers[f"GET runs/second/{name}"]
    app.answers["POST runs/second@2/retry"] = {"runId": "retry-1"}
    app.page.goto(f"{PAGE}#/runs/second@2")
    app.page.get_by_role("button", name="Retry failed pages").click()
    app.page.get_by_role("dialog").get_by_role("button", name="Retry", exact=True).click()
    expect(app.page.get_by_text("Started: retry-1")).to_be_visible()
