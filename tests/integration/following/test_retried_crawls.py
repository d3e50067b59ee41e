"""Retries of crawls: what failed is fetched, what it leads to is found, and nothing is fetched twice."""

import random
from collections import Counter
from typing import Any

import pytest

from storage.keys import snapshot_id
from storage.ticket import StopMode
from tests.helpers.activity_runs import ActivityRuns
from tests.helpers.linked_site import LinkedSite, random_graph, reachable
from triggers.runs.stop import stop_run


async def published(runs: ActivityRuns) -> Counter[str]:
    """How often readers see the row of each path."""
    return Counter([str(row.values["n"]) async for row in runs.store.published_rows("books")])


async def scraped_levels(runs: ActivityRuns, run_id: str, levels: int) -> dict[str, Any]:
    """Claim a run and scrape so many levels of it; the last plan."""
    await runs.claim(run_id)
    for level in range(levels):
        plan = await runs.scrape_level(run_id, "books", level)
    return plan


async def test_a_retry_loads_the_failed_pages_and_all_that_they_lead_to(runs: ActivityRuns, site: LinkedSite) -> None:
    truth = reachable(site.graph)
    broken = {"/3", "/5", "/8", "/9"} & truth
    base = await runs.run_with_failures(*broken, "/3", "/5", "/8", "/9")
    first = reachable(site.graph, without=broken)
    assert len(first) < len(truth)
    assert await published(runs) == Counter(first - broken)
    site.hits.clear()
    ended = await runs.complete(await runs.start_retry(base))
    assert site.hits == Counter((truth - first) | (broken & first))
    assert site.unmodified == Counter()
    assert (ended["outcome"], ended["sources"][0]["pages"]) == ("completed", len(truth))
    assert await published(runs) == Counter(truth)


async def test_a_retry_whose_pages_lead_nowhere_new_is_complete(runs: ActivityRuns, site: LinkedSite) -> None:
    site.graph = {"/": ["/1", "/2"], "/1": ["/"], "/2": ["/1"]}
    retry = await runs.start_retry(await runs.run_with_failures("/1"))
    site.hits.clear()
    assert (await runs.complete(retry))["outcome"] == "completed"
    assert site.hits == {"/1": 1}
    status, document = await runs.ask_for_retry(retry)
    assert (status, document["detail"]) == (
        409,
        f"The run '{retry}' has nothing to retry: all pages that it found are loaded and published.",
    )


@pytest.mark.parametrize("mode", [StopMode.DRAIN, StopMode.NOW, None])
@pytest.mark.parametrize("levels", [1, 3])
async def test_a_crawl_that_is_ended_between_two_levels_is_completed_by_its_retry(
    runs: ActivityRuns, site: LinkedSite, mode: StopMode | None, levels: int
) -> None:
    base = await runs.start("base")
    await scraped_levels(runs, base, levels)
    if mode is None:
        runs.terminate(base)
    else:
        await stop_run(runs.hub, runs.store, base, mode, by="test")
        assert (await runs.plan(base, "books", levels))["code"] == "stopped"
        await runs.finish(base, summaries=[{"source": "books", "outcome": "stopped", "reason": "stopped by test"}])
    assert (await runs.complete(await runs.start_retry(base)))["outcome"] == "completed"
    assert site.hits == Counter(reachable(site.graph))
    assert await published(runs) == Counter(reachable(site.graph))


async def test_a_crawl_that_is_ended_inside_a_level_is_completed_by_its_retry(
    runs: ActivityRuns, site: LinkedSite
) -> None:
    base = await runs.start("base")
    await scraped_levels(runs, base, 2)
    plan = await runs.scrape_level(base, "books", 2, lists=[1])
    assert plan["batches"] > 1
    runs.terminate(base)
    assert (await runs.complete(await runs.start_retry(base)))["outcome"] == "completed"
    assert site.hits == Counter(reachable(site.graph))
    assert await published(runs) == Counter(reachable(site.graph))


async def test_a_retry_of_a_retry_knows_what_both_have_fetched(runs: ActivityRuns, site: LinkedSite) -> None:
    site.graph = {"/": ["/1", "/2"], "/1": ["/2", "/3"], "/3": ["/1", "/4"], "/2": [], "/4": ["/", "/2", "/3"]}
    base = await runs.run_with_failures("/1")
    site.broken = {"/3"}
    first = await runs.start_retry(base)
    assert (await runs.complete(first))["outcome"] == "completed_with_failures"
    site.broken = set()
    site.hits.clear()
    assert (await runs.complete(await runs.start_retry(first)))["outcome"] == "completed"
    assert site.hits == {"/3": 1, "/4": 1}
    assert await published(runs) == Counter(site.graph.keys())


async def test_the_limit_of_pages_holds_for_a_run_and_its_retry_together(runs: ActivityRuns, site: LinkedSite) -> None:
    site.write_sources(more="max_pages = 4")
    site.graph = {"/": ["/1", "/2"], "/1": ["/3", "/4"], "/2": [], "/3": [], "/4": []}
    retry = await runs.start_retry(await runs.run_with_failures("/1"))
    summary = (await runs.complete(retry))["sources"][0]
    assert (summary["pages"], summary["left_out"]) == (4, 1)
    assert await published(runs) == Counter(["/", "/1", "/2", "/3"])


async def test_links_that_cannot_be_asked_for_stay_failures_of_the_retry(runs: ActivityRuns, site: LinkedSite) -> None:
    site.graph = {"/": ["/1", "http://["], "/1": ["/2", "http://[", "http://]"], "/2": ["http://["]}
    await runs.complete(await runs.start_retry(await runs.run_with_failures("/1")))
    found = runs.store.failures_of(snapshot_id("books", 2))
    assert [failure.url async for _, failure in found] == ["http://[", "http://]"]


async def check_chain_of_retries(runs: ActivityRuns, site: LinkedSite, *, seed: int) -> int:
    """Crawl and retry until nothing is left, with pages that break and mend and runs that are ended anywhere.

    Returns how many runs it took.
    """
    dice = random.Random(seed)
    site.graph = random_graph(30, seed=seed)
    truth = reachable(site.graph)
    loaded: Counter[str] = Counter()
    run_id = await runs.start(f"base-{seed}")
    for step in range(30):
        site.broken = set(dice.sample(sorted(site.graph), 6)) if step < 6 else set()
        site.hits.clear()
        site.unmodified.clear()
        await runs.claim(run_id)
        is_ended = dice.random() < 0.5
        level, last = 0, dice.randrange(6) if is_ended else 99
        plan = await runs.plan(run_id, "books")
        while plan["code"] == "planned":
            lists = list(range(plan["batches"]))
            dice.shuffle(lists)
            ends_here = level == last
            await runs.scrape_level(run_id, "books", level, lists=lists[: len(lists) // 2] if ends_here else lists)
            if ends_here or not plan.get("more"):
                break
            level += 1
            plan = await runs.plan(run_id, "books", level)
        answers = site.hits + site.unmodified  # an earlier chain may have published the very same page
        loaded += Counter({path: hits for path, hits in answers.items() if path not in site.broken})
        if plan.get("more") or level == last:
            runs.terminate(run_id)
        else:
            await runs.finish(run_id, summaries=[await runs.publish(run_id, "books")])
        status, document = await runs.ask_for_retry(run_id)
        if status == 409:
            break
        run_id = document["runId"]
    assert document["detail"].startswith(f"The run '{run_id}' has nothing to retry")
    assert loaded == Counter(truth)
    assert await published(runs) == Counter(truth)
    return step + 1


@pytest.mark.parametrize("seed", range(3))
async def test_chains_of_retries_of_crawls_load_every_page_once(
    runs: ActivityRuns, site: LinkedSite, seed: int
) -> None:
    await check_chain_of_retries(runs, site, seed=seed)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_fifty_random_chains_of_retries_of_crawls_load_every_page_once(
    runs: ActivityRuns, site: LinkedSite
) -> None:
    lengths = [await check_chain_of_retries(runs, site, seed=seed) for seed in range(1000, 1050)]
    print(f"{len(lengths)} chains of {min(lengths)} to {max(lengths)} runs: each page loaded once, all rows published")
