"""Runs keep to robots.txt: what it refuses is never requested, and is listed with its reason."""

import pytest

from activities.planning import plan_source
from scraper.models import Reason
from storage.keys import snapshot_id
from tests.helpers.activity_runs import ActivityRuns
from tests.helpers.tiny_site import TinySite

BOOKS = {"sources": ["books"]}
SECRET = "User-agent: *\nDisallow: /books/3\nDisallow: /books/7$\n"


async def reasons(runs: ActivityRuns, run_id: str) -> dict[str, str]:
    """Reason by path of the failed pages of a run's books."""
    run = await runs.store.runs.find(run_id)
    assert run is not None
    failures = [one async for _, one in runs.store.failures_of(snapshot_id("books", run.epoch))]
    return {"/" + failure.url.split("/", 3)[3]: failure.reason for failure in failures}


async def test_disallowed_pages_are_never_requested_and_listed_with_their_reason(
    runs: ActivityRuns, site: TinySite
) -> None:
    site.robots = SECRET
    ended = await runs.complete(await runs.start("run", **BOOKS))
    assert not {"/books/3", "/books/7"} & site.hits.keys()
    assert await reasons(runs, "run") == dict.fromkeys(["/books/3", "/books/7"], Reason.ROBOTS_DISALLOWED)
    summary = ended["sources"][0]
    assert [summary[name] for name in ("pages", "loaded", "failed", "disallowed")] == [10, 10, 2, 2]
    assert (ended["outcome"], site.robots_hits) == ("completed", 1)


@pytest.mark.parametrize("packed", [False, True])
async def test_of_a_robots_txt_that_is_far_too_long_the_first_part_counts(
    runs: ActivityRuns, site: TinySite, *, packed: bool
) -> None:
    rules = "".join(f"Disallow: /never/{number}\n" for number in range(400_000))
    site.robots, site.robots_packed = f"{SECRET}{rules}Disallow: /books/1\n", packed
    await runs.complete(await runs.start("run", **BOOKS))
    assert await reasons(runs, "run") == dict.fromkeys(["/books/3", "/books/7"], Reason.ROBOTS_DISALLOWED)


async def test_the_gate_does_not_count_what_robots_txt_refuses(runs: ActivityRuns, site: TinySite) -> None:
    site.write_sources(max_failed_percent=0)
    site.robots = SECRET
    assert (await runs.complete(await runs.start("run", **BOOKS)))["outcome"] == "completed"
    site.broken = {"/books/4"}
    ended = await runs.complete(await runs.start("next", **BOOKS))
    assert ended["sources"][0]["reason"] == (
        "max_failed_percent: 1 of 10 pages failed (10.0 %), at most 0 % may fail; 2 disallowed are not counted"
    )


async def test_nor_does_it_count_what_robots_txt_refuses_where_a_redirect_leads(
    runs: ActivityRuns, site: TinySite
) -> None:
    site.write_sources(max_failed_percent=0)
    site.robots = "User-agent: *\nDisallow: /private/\n"
    site.moved = {"/books/3": "/private/3", "/books/7": "/private/7"}
    ended = await runs.complete(await runs.start("run", **BOOKS))
    summary = ended["sources"][0]
    assert [summary[name] for name in ("outcome", "loaded", "failed", "disallowed")] == ["published", 10, 2, 2]
    assert ended["outcome"] == "completed"
    site.broken = {"/books/4"}
    ended = await runs.complete(await runs.start("next", **BOOKS))
    assert "1 of 10 pages failed" in ended["sources"][0]["reason"]


async def test_all_sources_and_steps_of_a_run_ask_a_site_once_and_the_next_run_asks_again(
    runs: ActivityRuns, site: TinySite
) -> None:
    await runs.complete(await runs.start("run"))
    assert site.robots_hits == 1
    await runs.complete(await runs.start("next"))
    assert site.robots_hits == 2


async def test_what_the_site_says_while_the_run_is_on_its_way_counts_for_the_next_one(
    runs: ActivityRuns, site: TinySite
) -> None:
    await runs.claim(await runs.start("run", **BOOKS))
    await runs.scrape("run", "books", lists=[0])
    site.robots = "User-agent: *\nDisallow: /\n"
    await runs.scrape("run", "books")
    assert (await runs.publish("run", "books"))["loaded"] == 12


async def test_a_redirect_to_a_disallowed_page_is_not_followed(runs: ActivityRuns, site: TinySite) -> None:
    site.robots = SECRET
    site.moved = {"/books/5": "/books/3"}
    await runs.complete(await runs.start("run", **BOOKS))
    assert site.hits["/books/5"] == 1
    assert site.hits["/books/3"] == 0
    assert (await reasons(runs, "run"))["/books/5"] == Reason.ROBOTS_DISALLOWED


@pytest.mark.parametrize("status", [500, 503])
async def test_while_robots_txt_cannot_be_had_nothing_is_requested_and_the_run_says_so(
    runs: ActivityRuns, site: TinySite, status: int
) -> None:
    site.robots = status
    ended = await runs.complete(await runs.start("run", **BOOKS))
    assert site.hits == {}
    assert ended["outcome"] == "failed"
    assert "robots_unreachable" in ended["sources"][0]["reason"]


async def test_a_disallowed_sitemap_is_not_requested(runs: ActivityRuns, site: TinySite) -> None:
    site.robots = "User-agent: *\nDisallow: /sitemap.xml\n"
    ended = await runs.complete(await runs.start("run", **BOOKS))
    assert site.hits == {}
    assert "robots_disallowed" in ended["sources"][0]["reason"]


async def test_a_crawl_delay_makes_one_lane_at_its_pace(runs: ActivityRuns, site: TinySite) -> None:
    site.robots = "User-agent: *\nCrawl-delay: 0.5\n"
    await runs.claim(await runs.start("run", **BOOKS))
    plan = await runs.plan("run", "books")
    assert (plan["window"], plan["share"]) == (1, {"concurrency": 1, "requests_per_second": 2.0})
    again = await plan_source(runs.step("run", "books"), runs.hub)
    assert (again, site.robots_hits) == (plan, 1)


async def test_a_source_may_say_that_robots_txt_is_not_for_it(runs: ActivityRuns, site: TinySite) -> None:
    site.robots = "User-agent: *\nDisallow: /\n"
    site.write_sources(keys="respect_robots = false")
    ended = await runs.complete(await runs.start("run", **BOOKS))
    assert (ended["outcome"], site.robots_hits) == ("completed", 0)
