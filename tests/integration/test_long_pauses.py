"""A site that wants to be left alone for long is left alone, by a durable timer, and nothing is fetched twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from activities import batches
from activities.batches import PAUSE_PIECE_S, scrape_batch
from orchestrations import scrape_source
from scraper import clock
from storage.keys import snapshot_id
from tests.helpers.activity_runs import ActivityRuns
from tests.helpers.leaping_clock import LeapingClock
from tests.helpers.scrape_host import run_output, scrape_host
from tests.helpers.tiny_site import TinySite

BOOKS = {"sources": ["books"]}
HOUR = {"Retry-After": "3600"}
SCRAPED = {"code": "scraped", "loaded": 2, "failed": 0, "rows": 2}


async def first_batch(runs: ActivityRuns, **more: Any) -> dict[str, Any]:
    """What the first batch of run-1 answers."""
    plan = await runs.plan("run-1", "books")
    work = {"batch": 0, "plan_attempt": plan["attempt"], "share": {"concurrency": 1}}
    return await scrape_batch({**runs.step("run-1", "books"), **work, **more}, runs.hub)


async def rows_of_books(runs: ActivityRuns) -> list[tuple[str, int, str]]:
    rows = [row async for row in runs.store.published_rows("books")]
    return [("/" + row.url.split("/", 3)[3], row.position, str(row.values["n"])) for row in rows]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> LeapingClock:
    """The app's clock, which a test moves."""
    leaping = LeapingClock()
    monkeypatch.setattr(clock, "utc_now", leaping.now)
    return leaping


async def test_a_batch_keeps_what_it_has_and_says_when_to_come_again(runs: ActivityRuns, site: TinySite) -> None:
    await runs.claim(await runs.start("run-1", **BOOKS))
    site.busy = {"/books/1": HOUR}
    answer = await first_batch(runs)
    assert answer == {"code": "paused", "pause": 1, "seconds": PAUSE_PIECE_S}
    assert site.hits["/books/0"] == 1
    assert site.hits["/books/1"] == 1


async def test_before_the_pause_is_over_nothing_is_requested(
    runs: ActivityRuns, site: TinySite, now: LeapingClock
) -> None:
    await runs.claim(await runs.start("run-1", **BOOKS))
    site.busy = {"/books/1": HOUR}
    await first_batch(runs)
    site.busy, hits = {}, dict(site.hits)
    now.leap(timedelta(minutes=55))
    assert await first_batch(runs, pause=1) == {"code": "paused", "pause": 1, "seconds": 300}
    assert site.hits == hits


async def test_after_the_pause_only_what_is_left_is_requested_and_the_rows_are_in_page_order(
    runs: ActivityRuns, site: TinySite, now: LeapingClock
) -> None:
    await runs.claim(await runs.start("run-1", **BOOKS))
    site.busy = {"/books/1": HOUR}
    await first_batch(runs)
    site.busy = {}
    now.leap(timedelta(hours=1, seconds=1))
    answer = await first_batch(runs, pause=1)
    assert [answer[name] for name in ("code", "loaded", "failed", "rows")] == ["scraped", 3, 0, 6]
    assert (site.hits["/books/0"], site.hits["/books/1"]) == (1, 2)
    await runs.scrape("run-1", "books")
    await runs.publish("run-1", "books")
    assert await rows_of_books(runs) == site.rows_of(*site.books)


async def test_a_step_that_is_repeated_after_its_pause_was_recorded_gets_the_same_pause(
    runs: ActivityRuns, site: TinySite
) -> None:
    await runs.claim(await runs.start("run-1", **BOOKS))
    site.busy = {"/books/1": HOUR}
    first, second = await first_batch(runs), await first_batch(runs)
    assert (first, second["pause"]) == (second, 1)


async def test_a_site_that_asks_for_ever_more_pauses_fails_what_is_left_with_the_reason(
    runs: ActivityRuns, site: TinySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MAX_PAUSES", 0)
    await runs.claim(await runs.start("run-1", **BOOKS))
    site.busy = {"/books/1": HOUR}
    answer = await first_batch(runs)
    assert [answer[name] for name in ("code", "loaded", "failed")] == ["scraped", 1, 2]
    run = await runs.store.runs.find("run-1")
    assert run is not None
    failures = [one async for _, one in runs.store.failures_of(snapshot_id("books", run.epoch))]
    assert {failure.reason for failure in failures} == {"http_429"}
    assert "asked for a pause of 3600 s; it has asked for too many of them" in failures[0].detail


async def test_a_pause_of_more_than_six_hours_is_a_failure_of_the_page_alone(
    runs: ActivityRuns, site: TinySite
) -> None:
    await runs.claim(await runs.start("run-1", **BOOKS))
    site.busy = {"/books/2": {"Retry-After": "21601"}}
    answer = await first_batch(runs)
    assert [answer[name] for name in ("code", "loaded", "failed")] == ["scraped", 2, 1]


async def test_a_site_that_is_busy_at_planning_is_planned_later(runs: ActivityRuns, site: TinySite) -> None:
    await runs.claim(await runs.start("run-1", **BOOKS))
    site.busy = {"/sitemap.xml": HOUR}
    plan = await runs.plan("run-1", "books")
    assert (plan["code"], plan["seconds"]) == ("paused", 3600)
    site.busy = {}
    assert (await runs.plan("run-1", "books"))["code"] == "planned"


async def test_a_lane_waits_by_a_timer_and_goes_on_with_the_same_batch() -> None:
    answers = [{"code": "paused", "pause": 1, "seconds": 900}, {"code": "paused", "pause": 1, "seconds": 600}]
    asked: list[tuple[int, int, datetime]] = []

    def batch(work: dict[str, Any]) -> dict[str, Any]:
        asked.append((work["batch"], work.get("pause", 0), host.clock.now()))
        return answers.pop(0) if work["batch"] == 1 and answers else SCRAPED

    async with scrape_host(["books"], batches=3, window=1, scrape_batch=batch) as host:
        output = await run_output(host)
    assert [(number, pause) for number, pause, _ in asked] == [(0, 0), (1, 0), (1, 1), (1, 1), (2, 0)]
    waits = [(later[2] - earlier[2]).total_seconds() for earlier, later in pairwise(asked)]
    assert [round(wait) for wait in waits] == [0, 900, 600, 0]
    assert output["sources"][0]["outcome"] == "published"


async def test_a_run_that_is_stopped_during_a_pause_ends_at_its_next_look() -> None:
    stopped = {"code": "stopped", "reason": "drained"}
    answers = [{"code": "paused", "pause": 1, "seconds": 900}, stopped]
    async with scrape_host(["books"], batches=1, scrape_batch=lambda _: answers.pop(0)) as host:
        output = await run_output(host)
    assert (output["sources"][0]["outcome"], output["sources"][0]["reason"]) == ("stopped", "drained")


async def test_a_source_waits_before_it_is_planned_again_but_not_for_ever() -> None:
    paused = {"code": "paused", "seconds": 3600, "reason": "the site asked for a pause of 3600 s"}
    async with scrape_host(["books"], plan_source=lambda _: paused) as host:
        started = host.clock.now()
        output = await run_output(host)
        assert host.clock.now() - started >= timedelta(hours=scrape_source.MAX_PAUSES)
    assert output["sources"][0]["outcome"] == "failed"
    assert "for the 10th time" in output["sources"][0]["reason"]
