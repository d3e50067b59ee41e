"""The orchestration of a crawl: one level of links after the other, with histories that do not grow with the site."""

from typing import Any

import pytest

from devhost.testing import Host, survive_every_crash
from tests.helpers.scrape_host import REPOSITORY, SHARE, activities_of, run_output, scrape_host, summary


def crawl_of(*batches: int, window: int = 2) -> Any:
    """A plan_source that finds so many batches at each level; the last level has none, as real ones."""
    levels = (*batches, 0)

    def plan_source(work: dict[str, Any]) -> dict[str, Any]:
        level = work.get("level", 0)
        plan = {"code": "planned", "attempt": f"p{level}", "window": window, "share": SHARE, "batches": levels[level]}
        return {**plan, "more": True} if levels[level] else plan

    return plan_source


async def test_the_batches_of_a_level_are_scraped_before_the_next_one_is_planned() -> None:
    async with scrape_host(["books"], plan_source=crawl_of(1, 3, 2)) as host:
        output = await run_output(host)
        steps = [(call.name, call.input.get("level"), call.input.get("plan_attempt")) for call in host.calls]
    assert output["sources"] == [summary("books", "published")]
    assert steps[1:-1] == [
        ("plan_source", None, None),
        ("scrape_batch", None, "p0"),
        ("plan_source", 1, None),
        *[("scrape_batch", None, "p1")] * 3,
        ("plan_source", 2, None),
        *[("scrape_batch", None, "p2")] * 2,
        ("plan_source", 3, None),
        ("publish_source", None, None),
    ]


async def test_only_planning_is_told_of_levels() -> None:
    step = {"run_id": "run-1", "epoch": 7, "source": "books"}
    async with scrape_host(["books"], plan_source=crawl_of(1, 1)) as host:
        await run_output(host)
        assert host.calls.inputs("plan_source") == [step, {**step, "level": 1}, {**step, "level": 2}]
        assert host.calls.inputs("publish_source") == [step]
        assert {"level"} & set().union(*host.calls.inputs("scrape_batch")) == set()


@pytest.mark.parametrize(("levels", "window"), [(60, 1), (8, 16)])
async def test_a_crawl_of_many_levels_goes_on_in_new_executions_and_keeps_its_history_short(
    levels: int, window: int
) -> None:
    lengths: list[int] = []
    plan = crawl_of(*[window] * levels, window=window)

    async def plan_source(work: dict[str, Any]) -> dict[str, Any]:
        lengths.append(len(await host.history("run-1:7:books")))
        return plan(work)  # type: ignore[no-any-return]

    host: Host
    async with scrape_host(["books"], plan_source=plan_source) as host:
        output = await run_output(host)
        planned = [one.get("level", 0) for one in host.calls.inputs("plan_source")]
        scraped = len(host.calls.inputs("scrape_batch"))
    assert output["sources"] == [summary("books", "published")]
    assert (planned, scraped) == (list(range(levels + 1)), levels * window)
    assert 50 < max(lengths) < 500


async def test_the_history_of_a_source_does_not_grow_with_the_pages_of_a_level() -> None:
    async def size(batches: int) -> int:
        async with scrape_host(["books"], plan_source=crawl_of(1, batches, window=4)) as host:
            await run_output(host)
            return len(str(await host.history("run-1:7:books")))

    assert abs(await size(80) - await size(8)) < 50


async def test_a_level_that_cannot_be_planned_any_more_ends_the_source_with_its_reason() -> None:
    plan_source = crawl_of(1, 1)
    stopped = {"code": "stopped", "reason": "drained"}
    async with scrape_host(
        ["books"], plan_source=lambda work: stopped if work.get("level") == 2 else plan_source(work)
    ) as host:
        output = await run_output(host)
        assert host.calls.inputs("publish_source") == []
    assert output["sources"] == [{"source": "books", "outcome": "stopped", "reason": "drained"}]


async def test_a_lane_that_is_turned_away_ends_the_crawl() -> None:
    def scrape_batch(work: dict[str, Any]) -> dict[str, Any]:
        return {"code": "superseded" if work["plan_attempt"] == "p1" else "scraped"}

    async with scrape_host(["books"], plan_source=crawl_of(1, 4, 4), scrape_batch=scrape_batch) as host:
        assert (await run_output(host))["sources"][0]["outcome"] == "superseded"
        assert len(host.calls.inputs("plan_source")) == 2


async def test_a_crawl_survives_a_crash_of_the_host_at_every_write() -> None:
    activities = {**activities_of(["books"]), "plan_source": crawl_of(1, 1)}
    report = await survive_every_crash(REPOSITORY, run_output, activities=activities)
    assert report.outcome["sources"] == [summary("books", "published")]
    assert report.crashes >= 30


async def test_the_custom_status_says_which_level_is_scraped() -> None:
    shown: list[Any] = []

    async def scrape_batch(_: dict[str, Any]) -> dict[str, Any]:
        shown.append((await host.status("run-1:7:books")).custom_status)
        return {"code": "scraped"}

    host: Host
    async with scrape_host(["books"], plan_source=crawl_of(1, 1), scrape_batch=scrape_batch) as host:
        await run_output(host)
    assert shown == [
        {"source": "books", "stage": "scraping", "batches": 1},
        {"source": "books", "stage": "scraping", "batches": 1, "level": 1},
    ]
