"""Crawls on the real tables: every page that can be reached, each once, whatever happens in between."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from activities.batches import scrape_batch
from scraper import clock
from storage.crawls import frontiers
from storage.keys import snapshot_id
from storage.work.batches import Batches
from tests.helpers.activity_runs import ActivityRuns
from tests.helpers.leaping_clock import LeapingClock
from tests.helpers.linked_site import LinkedSite, random_graph, reachable


async def published(runs: ActivityRuns) -> list[str]:
    """The paths of the rows that readers see, in the order in which they see them."""
    return [str(row.values["n"]) async for row in runs.store.published_rows("books")]


async def failures(runs: ActivityRuns, epoch: int = 1) -> list[tuple[str, str, str]]:
    """URL, reason and detail of each failed page of a run."""
    found = runs.store.failures_of(snapshot_id("books", epoch))
    return [(failure.url, str(failure.reason), failure.detail) async for _, failure in found]


async def crawled(runs: ActivityRuns, run_id: str = "run") -> dict[str, Any]:
    """The summary of the source after a whole run."""
    summary: dict[str, Any] = (await runs.complete(await runs.start(run_id)))["sources"][0]
    return summary


async def test_every_page_that_can_be_reached_is_fetched_once_and_has_its_rows(
    runs: ActivityRuns, site: LinkedSite
) -> None:
    truth = reachable(site.graph)
    summary = await crawled(runs)
    assert len(truth) > 30
    assert site.hits == Counter(truth)
    assert Counter(await published(runs)) == Counter(truth)
    counts = [summary[name] for name in ("outcome", "pages", "loaded", "failed", "rows", "left_out")]
    assert counts == ["published", len(truth), len(truth), 0, len(truth), 0]


async def test_the_order_of_the_rows_is_by_links_from_the_start_page_and_then_by_page(
    runs: ActivityRuns, site: LinkedSite
) -> None:
    site.graph = {"/": ["/b", "/a"], "/b": ["/c", "/"], "/a": ["/d", "/c"], "/c": [], "/d": []}
    await crawled(runs)
    assert await published(runs) == ["/", "/b", "/a", "/c", "/d"]


async def test_a_process_that_has_seen_nothing_of_a_crawl_plans_the_same_levels(
    runs: ActivityRuns, site: LinkedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frontiers, "_remembered", _Forgetful())
    await crawled(runs)
    assert site.hits == Counter(reachable(site.graph))


class _Forgetful(dict[Any, Any]):
    def setdefault(self, _key: Any, _default: Any = None) -> Any:
        return {}


async def test_pages_that_selectors_tell_apart_give_rows_or_are_looked_through(
    runs: ActivityRuns, site: LinkedSite
) -> None:
    site.write_sources("links = \"a[href^='/c']\"\npages = \"a[href^='/b']\"")
    site.graph = {
        "/": ["/c1"],
        "/c1": ["/c2", "/b1", "/b2"],
        "/c2": ["/b2", "/b3"],
        "/b1": ["/b9"],
        "/b2": [],
        "/b3": [],
    }
    await crawled(runs)
    assert sorted(await published(runs)) == ["/b1", "/b2", "/b3"]
    assert site.hits == Counter(site.graph.keys())


async def test_a_page_that_is_first_met_for_its_rows_is_looked_through_when_a_link_says_so(
    runs: ActivityRuns, site: LinkedSite
) -> None:
    site.write_sources('links = "a[href*=both], a[href*=c]"\npages = "a[href*=b]"')
    site.graph = {
        "/": ["/b?x", "/c"],
        "/b?x": ["/b2"],
        "/c": ["/c2"],
        "/c2": ["/both"],
        "/both": ["/b3"],
        "/b2": [],
        "/b3": [],
    }
    await crawled(runs)
    assert sorted(await published(runs)) == ["/b3", "/b?x", "/both"]


async def test_spellings_of_a_url_are_one_page(runs: ActivityRuns, site: LinkedSite) -> None:
    site.graph = {"/": ["/a?x=1&y=2", "/a?y=2&x=1", "/a?y=2&x=1#part", "/./a?x=1&y=2"], "/a?x=1&y=2": ["/#top", ""]}
    await crawled(runs)
    assert await published(runs) == ["/", "/a?x=1&y=2"]


async def test_pages_with_another_address_have_their_rows_there_and_once(runs: ActivityRuns, site: LinkedSite) -> None:
    site.graph = {"/": ["/a", "/a/", "/b?from=home", "/b?from=list"], "/a/": ["/deep"], "/deep": [], "/b": []}
    site.graph |= {"/b?from=home": ["/b"], "/b?from=list": ["/deep"]}
    site.redirects = {"/a": "/a/"}
    site.heads = dict.fromkeys(["/b", "/b?from=home", "/b?from=list"], "<link rel=canonical href=/b>")
    await crawled(runs)
    assert sorted(await published(runs)) == ["/", "/a/", "/b", "/deep"]


@pytest.mark.parametrize("forgets", [False, True])
async def test_of_pages_that_name_each_other_as_their_address_one_has_its_rows(
    runs: ActivityRuns, site: LinkedSite, monkeypatch: pytest.MonkeyPatch, *, forgets: bool
) -> None:
    if forgets:
        monkeypatch.setattr(frontiers, "_remembered", _Forgetful())
    site.graph = {"/": ["/b"], "/b": ["/d"], "/a": ["/e"], "/d": [], "/e": []}
    site.heads = {"/a": "<link rel=canonical href=/b>", "/b": "<link rel=canonical href=/a>"}
    summary = await crawled(runs)
    assert sorted(await published(runs)) == ["/", "/a", "/d", "/e"]
    assert (summary["outcome"], summary["failed"], site.hits["/a"], site.hits["/b"]) == ("published", 0, 2, 1)
    await crawled(runs, "next")
    assert sorted(await published(runs)) == ["/", "/a", "/d", "/e"]


async def test_the_address_of_a_page_that_nothing_else_leads_to_is_fetched_even_at_the_greatest_depth(
    runs: ActivityRuns, site: LinkedSite
) -> None:
    site.write_sources('links = "a"\nmax_depth = 1')
    site.graph = {"/": ["/old"], "/new": ["/deeper"], "/deeper": []}
    site.redirects = {"/old": "/new"}
    await crawled(runs)
    assert await published(runs) == ["/", "/new"]


async def test_links_are_followed_up_to_the_greatest_depth(runs: ActivityRuns, site: LinkedSite) -> None:
    site.write_sources('links = "a"\nmax_depth = 2')
    site.graph = {"/": ["/1"], "/1": ["/2"], "/2": ["/3"], "/3": []}
    summary = await crawled(runs)
    assert (await published(runs), summary["left_out"]) == (["/", "/1", "/2"], 0)


async def test_pages_beyond_the_limit_are_counted_and_end_the_crawl(runs: ActivityRuns, site: LinkedSite) -> None:
    site.write_sources(more="max_pages = 4")
    site.graph = {"/": ["/1", "/2"], "/1": ["/3", "/4", "/5"], "/2": ["/5"], "/3": ["/6"], "/4": [], "/5": [], "/6": []}
    summary = await crawled(runs)
    assert (await published(runs), summary["left_out"]) == (["/", "/1", "/2", "/3"], 2)


async def test_links_that_cannot_be_asked_for_are_listed_once_with_the_first_page_that_has_them(
    runs: ActivityRuns, site: LinkedSite
) -> None:
    site.graph = {"/": ["http://[", "/1"], "/1": ["http://[", "/2"], "/2": ["http://[", "https://a@127.0.0.1/"]}
    site.graph["/2"][1] = site.url.replace("http://", "http://me:secret@") + "/"
    summary = await crawled(runs)
    assert [(url, reason) for url, reason, _ in await failures(runs)] == [
        ("http://[", "bad_url"),
        (site.graph["/2"][1], "bad_url"),
    ]
    assert (await failures(runs))[0][2].startswith(f"linked from {site.url}/: ")
    assert (summary["failed"], summary["rows"]) == (2, 3)


async def test_a_page_of_another_host_is_not_asked_for(runs: ActivityRuns, site: LinkedSite) -> None:
    site.graph = {"/": ["/out", "/1"], "/1": []}
    site.redirects = {"/out": "http://localhost:1/"}
    await crawled(runs)
    ((url, reason, _),) = await failures(runs)
    assert (url, reason) == (f"{site.url}/out", "other_host")
    assert await published(runs) == ["/", "/1"]


async def test_pages_that_robots_txt_refuses_are_listed_once_and_never_asked_for(
    runs: ActivityRuns, site: LinkedSite
) -> None:
    site.robots = "User-agent: *\nDisallow: /basket"
    site.graph = {"/": ["/basket", "/1"], "/1": ["/basket", "/2"], "/2": ["/basket", "/old"], "/basket": ["/3"]}
    site.redirects = {"/old": "/basket?old"}
    summary = await crawled(runs)
    refused = [(f"{site.url}/basket", "robots_disallowed"), (f"{site.url}/old", "robots_disallowed")]
    assert [(url, reason) for url, reason, _ in await failures(runs)] == refused
    assert site.hits == Counter(["/", "/1", "/2"])
    assert await published(runs) == ["/", "/1", "/2"]
    assert summary["disallowed"] == 2


async def test_links_that_were_found_before_a_long_pause_are_followed_after_it(
    runs: ActivityRuns, site: LinkedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.graph = {"/": ["/1", "/2", "/3"], "/1": ["/4"], "/2": ["/5"], "/3": ["/6"], "/4": [], "/5": [], "/6": []}
    run, now = await runs.start("run"), LeapingClock()
    monkeypatch.setattr(clock, "utc_now", now.now)
    await runs.claim(run)
    await runs.scrape_level(run, "books")
    site.busy = {"/3"}
    plan = await runs.plan(run, "books", 1)
    work = {"batch": 0, "plan_attempt": plan["attempt"], "share": {"concurrency": 1}, **runs.step(run, "books")}
    assert (await scrape_batch(work, runs.hub))["code"] == "paused"
    site.busy = set()
    now.leap(timedelta(hours=2))
    assert (await scrape_batch({**work, "pause": 1}, runs.hub))["loaded"] == 3
    for level in (2, 3):
        await runs.scrape_level(run, "books", level)
    await runs.publish(run, "books")
    assert sorted(await published(runs)) == sorted(site.graph)
    assert site.hits == Counter(site.graph.keys())


async def test_a_start_page_that_fails_fails_the_source(runs: ActivityRuns, site: LinkedSite) -> None:
    site.broken = {"/"}
    summary = await crawled(runs)
    assert (summary["outcome"], summary["failed"]) == ("refused", 1)


async def test_a_site_that_has_not_changed_is_crawled_by_304_alone_and_new_pages_are_found(
    runs: ActivityRuns, site: LinkedSite
) -> None:
    await crawled(runs)
    truth = reachable(site.graph)
    site.hits.clear()
    summary = await crawled(runs, "again")
    assert site.hits == Counter()
    assert site.unmodified == Counter(truth)
    assert (summary["unchanged"], summary["rows"]) == (len(truth), len(truth))
    last = max(truth)
    site.graph = {**site.graph, last: [*site.graph[last], "/new"], "/new": []}
    await crawled(runs, "third")
    assert site.hits == Counter([last, "/new"])
    assert Counter(await published(runs)) == Counter([*truth, "/new"])


async def test_two_plannings_of_a_level_at_a_time_go_on_with_the_same_plan(
    runs: ActivityRuns, site: LinkedSite
) -> None:
    run = await runs.start("run")
    await runs.claim(run)
    level, plan = 0, await runs.scrape_level(run, "books")
    while plan.get("more"):
        level += 1
        one, other = await asyncio.gather(runs.plan(run, "books", level), runs.plan(run, "books", level))
        assert one == other
        plan = await runs.scrape_level(run, "books", level)
    assert (await runs.publish(run, "books"))["rows"] == len(reachable(site.graph))
    assert site.hits == Counter(reachable(site.graph))


async def test_a_late_repeat_of_the_planning_of_an_early_level_changes_nothing(
    runs: ActivityRuns, site: LinkedSite
) -> None:
    run = await runs.start("run")
    await runs.claim(run)
    plans = [await runs.scrape_level(run, "books", level) for level in range(3)]
    assert [await runs.plan(run, "books", level) for level in range(3)] == plans


async def test_planning_that_crashes_at_any_write_and_is_repeated_changes_nothing(
    runs: ActivityRuns, site: LinkedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = reachable(site.graph)
    site.graph = {**site.graph, "/": [*site.graph["/"], "http://["]}
    run = await runs.start("run")
    await runs.claim(run)
    whole, crashes = Batches._insert_once, 0

    async def breaks(*arguments: Any) -> Any:
        nonlocal crashes
        crashes += 1
        if crashes % 2:
            raise OSError("the machine is gone")
        return await whole(*arguments)

    await runs.scrape_level(run, "books")
    monkeypatch.setattr(Batches, "_insert_once", breaks)
    level = 0
    while True:
        level += 1
        with pytest.raises(OSError, match="gone"):
            await runs.plan(run, "books", level)
        plan = await runs.plan(run, "books", level)
        with monkeypatch.context() as healed:
            healed.setattr(Batches, "_insert_once", whole)
            await runs.scrape_level(run, "books", level)
        if not plan.get("more"):
            break
    assert (await runs.publish(run, "books"))["rows"] == len(truth)
    assert len(await failures(runs)) == 1


@pytest.mark.parametrize("seed", range(2, 5))
async def test_crawls_of_other_sites_are_exact(runs: ActivityRuns, site: LinkedSite, seed: int) -> None:
    site.graph = random_graph(25, seed=seed)
    broken = set(sorted(reachable(site.graph) - {"/"})[::7])
    site.broken = broken
    await crawled(runs)
    truth = reachable(site.graph, without=broken)
    assert site.hits == Counter(truth)
    assert Counter(await published(runs)) == Counter(truth - broken)
    assert {url.removeprefix(site.url) for url, _, _ in await failures(runs)} == broken & truth
