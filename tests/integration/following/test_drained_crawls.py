"""Crawls of a run that drains: what is complete is published, and nothing more is asked of the site."""

from collections import Counter

import pytest

from scraper.errors import LongPauseAsked
from storage.keys import snapshot_id
from storage.ticket import StopMode
from tests.helpers.activity_runs import ActivityRuns
from tests.helpers.linked_site import LinkedSite
from triggers.runs.stop import stop_run

TWO_LEVELS = {"/": ["/1", "/2"], "/1": ["/"], "/2": ["/1"]}


async def drained_after(runs: ActivityRuns, levels: int) -> str:
    """A run that is told to drain while the last batch of so many levels is in flight."""
    run_id = await runs.start("run")
    await runs.claim(run_id)
    for level in range(levels):
        await runs.scrape_level(run_id, "books", level)
    await stop_run(runs.hub, runs.store, run_id, StopMode.DRAIN, by="test")
    return run_id


async def test_a_crawl_whose_last_batch_was_in_flight_is_published(runs: ActivityRuns, site: LinkedSite) -> None:
    site.graph = TWO_LEVELS
    run_id = await drained_after(runs, 2)
    plan = await runs.plan(run_id, "books", 2)
    assert (plan["code"], plan.get("batches"), plan.get("more")) == ("planned", 0, None)
    assert (await runs.publish(run_id, "books"))["outcome"] == "published"
    assert [row.values["n"] async for row in runs.store.published_rows("books")] == ["/", "/1", "/2"]


async def test_a_crawl_that_leads_to_further_pages_is_stopped_and_asks_for_none_of_them(
    runs: ActivityRuns, site: LinkedSite
) -> None:
    site.graph = TWO_LEVELS
    run_id = await drained_after(runs, 1)
    first = await runs.plan(run_id, "books", 1)
    assert (first["code"], first["reason"]) == ("stopped", "drained: no more batches were begun (asked for by test)")
    assert await runs.plan(run_id, "books", 1) == first
    assert site.hits == Counter(["/"])
    plan = await runs.store.batches.plan(snapshot_id("books", 1))
    assert plan is not None
    assert (plan.pages, plan.lists) == (3, 1)  # a retry has them to fetch


async def test_a_crawl_that_was_not_begun_is_not_begun(runs: ActivityRuns, site: LinkedSite) -> None:
    run_id = await drained_after(runs, 0)
    assert (await runs.plan(run_id, "books"))["code"] == "stopped"
    assert site.hits == Counter()
    assert await runs.store.batches.plan(snapshot_id("books", 1)) is None


async def test_a_site_that_wants_a_long_pause_holds_up_no_run_that_drains(
    runs: ActivityRuns, site: LinkedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: object, **_more: object) -> None:
        raise LongPauseAsked(f"{site}/robots.txt", 3600.0)

    site.graph = TWO_LEVELS
    run_id = await drained_after(runs, 2)
    monkeypatch.setattr("activities.planning.obeying_limits", busy)
    assert (await runs.plan(run_id, "books", 2))["code"] == "stopped"
