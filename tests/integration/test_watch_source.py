"""The watch in the real SDK and engine, on a virtual clock: when it runs, what it survives, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from devhost.testing import Host, survive_every_crash
from tests.helpers.scrape_host import (
    REPOSITORY,
    WITHOUT_TIMERS,
    activities_of,
    app_settings,
    host_with_tables,
    scrape_host,
)

WATCH = "watch:books"
HOURLY = {"source": "books", "intervalMinutes": 60}
HELD = {"code": "held", "reason": "another run is live"}
OVERTAKEN = {"code": "superseded", "reason": "a newer run has begun"}  # a run of few steps
MIDNIGHT = datetime.fromisoformat("2026-01-01T00:00:00+00:00")


def runs_at(host: Host) -> list[float]:
    """When the runs began: minutes since the first line of the test."""
    return [(call.at - MIDNIGHT) / timedelta(minutes=1) for call in host.calls if call.name == "claim_run"]


def lasting(minutes: float) -> Callable[[Host], Callable[[Any], Any]]:
    """A claim_run after which the run goes on for so long."""

    def of(host: Host) -> Callable[[Any], Any]:
        async def scrape_batch(_: Any) -> dict[str, Any]:
            await host.clock.sleep(minutes * 60)
            return {"code": "scraped"}

        return scrape_batch

    return of


async def watched(host: Host, *, hours: float) -> None:
    await host.start("watch_source", HOURLY, instance_id=WATCH)
    await host.advance(hours=hours)


async def test_it_runs_at_once_and_then_every_interval_each_time_under_a_new_id() -> None:
    async with scrape_host(["books"]) as host:
        await watched(host, hours=2)
        claims = host.calls.inputs("claim_run")
        assert runs_at(host) == [0, 60, 120]
    assert [claim["run_id"] for claim in claims] == [
        "watch:books:20260101T000000.000000Z",
        "watch:books:20260101T010000.000000Z",
        "watch:books:20260101T020000.000000Z",
    ]
    assert {(tuple(claim["sources"]), claim["triggered_by"], claim["epoch"]) for claim in claims} == {
        (("books",), "watch", None)
    }


@pytest.mark.parametrize(("minutes", "expected"), [(25, [0, 60, 120, 180, 240]), (61, [0, 120, 240]), (150, [0, 180])])
async def test_the_next_run_counts_from_the_plan_and_missed_intervals_are_left_out(
    minutes: float, expected: list[float]
) -> None:
    async with scrape_host(["books"], batches=1) as host:
        host.replace_activity("scrape_batch", lasting(minutes)(host))
        await watched(host, hours=4)
        assert runs_at(host) == expected


async def test_a_month_between_two_runs_is_waited_for_in_pieces_that_a_stop_can_end_at_once() -> None:
    async with scrape_host([], claim_run=lambda _: OVERTAKEN) as host:
        await host.start("watch_source", {"source": "books", "intervalMinutes": 43_200}, instance_id=WATCH)
        await host.advance(days=45)
        assert runs_at(host) == [0, 43_200]
        await host.raise_event(WATCH, "stop")
        assert (await host.status(WATCH)).output["code"] == "stopped"


async def test_after_fifty_runs_its_history_is_no_longer_than_after_two() -> None:
    async with scrape_host([], claim_run=lambda _: OVERTAKEN) as host:
        await watched(host, hours=1)
        early = len(await host.history(WATCH))
        await host.advance(hours=48)
        assert (await host.status(WATCH)).custom_status["runs"] == 50
        assert len(await host.history(WATCH)) == early < 20


@pytest.mark.parametrize(
    ("claim", "last"),
    [
        (lambda _: OVERTAKEN, "superseded"),
        (lambda _: {"code": "refused", "reason": "no such ID"}, "refused"),
        (lambda _: {"code": "claimed"}, "failed"),  # an answer that breaks the orchestration
    ],
    ids=["superseded", "refused", "broken"],
)
async def test_a_run_that_is_refused_or_broken_does_not_end_the_watch(claim: Any, last: str) -> None:
    async with scrape_host(["books"], claim_run=claim) as host:
        await watched(host, hours=2.5)
        status = await host.status(WATCH)
    assert status.runtime_status == "Running"
    assert (status.custom_status["runs"], status.custom_status["last"]) == (3, last)


async def test_a_run_that_meets_another_one_is_tried_again_soon_and_the_plan_counts_from_then() -> None:
    answers = [HELD, HELD]
    async with scrape_host(["books"], claim_run=lambda _: answers.pop() if answers else OVERTAKEN) as host:
        await watched(host, hours=2.5)
        status = await host.status(WATCH)
        assert runs_at(host) == [0, 3, 6, 66, 126]
    assert (status.custom_status["runs"], status.custom_status["last"]) == (3, "superseded")


async def test_a_run_that_is_terminated_does_not_end_the_watch() -> None:
    async with scrape_host(["books"], batches=1) as host:
        host.replace_activity("scrape_batch", lasting(30)(host))
        await watched(host, hours=0.1)
        await host.terminate("watch:books:20260101T000000.000000Z", "not this one")
        await host.advance(hours=2)
        status = await host.status(WATCH)
        assert runs_at(host) == [0, 60, 120]
    assert (status.runtime_status, status.custom_status["runs"]) == ("Running", 2)


async def test_its_custom_status_tells_what_it_waits_for_and_what_it_runs() -> None:
    async with scrape_host(["books"], batches=1) as host:
        host.replace_activity("scrape_batch", lasting(30)(host))
        await watched(host, hours=0.25)
        scraping = (await host.status(WATCH)).custom_status
        await host.advance(hours=0.5)
        waiting = (await host.status(WATCH)).custom_status
    assert scraping == {
        "stage": "scraping",
        "due": "2026-01-01T00:00:00+00:00",
        "runs": 0,
        "last": "",
        "run": "watch:books:20260101T000000.000000Z",
    }
    assert waiting == {"stage": "waiting", "due": "2026-01-01T01:00:00+00:00", "runs": 1, "last": "told"}


async def test_a_stopped_watch_can_be_started_again_and_counts_anew() -> None:
    async with scrape_host(["books"]) as host:
        await watched(host, hours=1.5)
        await host.raise_event(WATCH, "stop")
        assert (await host.status(WATCH)).output == {"code": "stopped", "source": "books", "runs": 2, "last": "told"}
        await watched(host, hours=1)
        assert runs_at(host) == [0, 60, 90, 150]


@pytest.mark.parametrize(
    ("instance_id", "request_", "reason"),
    [
        ("past-us", HOURLY, "the watch of 'books' must have the instance ID 'watch:books'"),
        (WATCH, {"source": "books"}, "'intervalMinutes' must be a number above 0 and at most 43,200"),
        (WATCH, None, "the input must be an object with 'source' and 'intervalMinutes'"),
    ],
    ids=["other-id", "no-interval", "no-input"],
)
async def test_one_that_was_started_past_our_routes_in_a_way_it_cannot_work_refuses_to(
    instance_id: str, request_: Any, reason: str
) -> None:
    async with scrape_host(["books"]) as host:
        await host.start("watch_source", request_, instance_id=instance_id)
        assert (await host.status(instance_id)).output == {"code": "refused", "reason": reason}
        assert list(host.calls) == []


async def check_crashes(minutes: int, *, runs: int) -> None:
    """Runs last ten minutes; the stop is sent so many minutes after the start, and the host crashes at any write."""

    async def scenario(host: Host) -> Any:
        async def claim_run(_: Any) -> dict[str, Any]:
            await host.clock.sleep(10 * 60)
            return OVERTAKEN

        host.replace_activity("claim_run", claim_run)
        await host.start("watch_source", HOURLY, instance_id=WATCH)
        await host.advance(minutes=minutes)
        await host.raise_event(WATCH, "stop")
        ended = await host.wait_for(WATCH)
        return ended.output, len([one for one in await host.instances() if one.name == "daily_scrape"])

    report = await survive_every_crash(REPOSITORY, scenario, settings=WITHOUT_TIMERS)
    print(f"stop after {minutes} min: {report.crashes} crashes at {report.writes} writes, {runs} runs every time")
    assert report.outcome == ({"code": "stopped", "source": "books", "runs": runs, "last": "superseded"}, runs)
    assert report.crashes == 2 * report.writes > 15


async def test_a_stop_at_the_moment_of_the_next_run_is_not_lost_by_a_crash_at_any_write() -> None:
    await check_crashes(60, runs=2)


@pytest.mark.long
@pytest.mark.parametrize(("minutes", "runs"), [(5, 1), (10, 1), (45, 1), (65, 2), (70, 2)])
async def test_a_stop_at_other_moments_is_not_lost_by_a_crash_at_any_write(minutes: int, runs: int) -> None:
    await check_crashes(minutes, runs=runs)


@pytest.fixture
def settings(azurite: str, table_prefix: str) -> dict[str, str]:
    return app_settings(azurite, table_prefix)


async def test_over_http_it_is_a_singleton_per_source_and_can_be_stopped_by_its_url(settings: dict[str, str]) -> None:
    async with host_with_tables(settings, activities=activities_of(["books"])) as host:
        first = await host.request("POST", f"/api/orchestrators/watch_source/{WATCH}", json=HOURLY)
        second = await host.request("POST", f"/api/orchestrators/watch_source/{WATCH}", json=HOURLY)
        other = await host.request(
            "POST", "/api/orchestrators/watch_source/watch:listing", json={**HOURLY, "source": "listing"}
        )
        stop = first.json()["sendEventPostUri"].replace("{eventName}", "stop")
        assert (await host.request("POST", stop, json={})).status == 202
        again = await host.request("POST", f"/api/orchestrators/watch_source/{WATCH}", json=HOURLY)
    assert [one.status for one in (first, second, other, again)] == [202, 409, 202, 202]
    assert second.json()["detail"] == "An instance with ID 'watch:books' already exists."


async def test_two_watches_with_the_same_times_do_not_keep_each_other_from_running(settings: dict[str, str]) -> None:
    of_a_source = ("plan_source", "scrape_batch", "publish_source")
    fakes = {name: fake for name, fake in activities_of([], batches=1).items() if name in of_a_source}
    async with host_with_tables(settings, fakes) as host:
        host.replace_activity("scrape_batch", lasting(1)(host))
        for source in ("books", "listing"):
            await host.start("watch_source", {**HOURLY, "source": source}, instance_id=f"watch:{source}")
        await host.advance(hours=4.5)
        stages = [(await host.status(f"watch:{source}")).custom_status for source in ("books", "listing")]
        skips = (await host.request("GET", "/api/skips")).json()["skips"]
    assert [(stage["runs"], stage["last"]) for stage in stages] == [(5, "completed"), (5, "completed")]
    assert len(skips) == 1


@pytest.mark.parametrize(
    ("instance_id", "body", "detail"),
    [
        ("books", HOURLY, "The watch of 'books' must have the instance ID 'watch:books'."),
        ("watch:listing", HOURLY, "The watch of 'books' must have the instance ID 'watch:books'."),
        ("watch:news", {**HOURLY, "source": "news"}, "'source' must be one of books, listing."),
        (WATCH, {**HOURLY, "source": ["books"]}, "'source' must be one of books, listing."),
        (WATCH, {}, "'source' must be one of books, listing."),
        (WATCH, {**HOURLY, "intervalMinutes": 0}, "'intervalMinutes' must be a number above 0 and at most 43,200."),
        (WATCH, {**HOURLY, "plan": None}, "Unknown field 'plan' in the body; known: source, intervalMinutes."),
        (WATCH, ["books"], "The body must be a JSON object, not an array."),
    ],
)
async def test_a_watch_that_cannot_be_is_refused_by_field(
    instance_id: str, body: Any, detail: str, settings: dict[str, str]
) -> None:
    async with host_with_tables(settings) as host:
        answer = await host.request("POST", f"/api/orchestrators/watch_source/{instance_id}", json=body)
    assert (answer.status, answer.json()["detail"]) == (400, detail)
