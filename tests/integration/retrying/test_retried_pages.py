"""Retries of runs on the real tables and a site that can be broken and mended: only what is missing is fetched."""

import asyncio
import random
from collections import Counter

import pytest

from storage.data.rows import Rows
from storage.keys import snapshot_id
from storage.store import Store
from storage.ticket import StopMode
from storage.work.batches import Batches
from tests.helpers.activity_runs import ActivityRuns
from tests.helpers.tiny_site import TinySite
from triggers.runs.stop import stop_run

BOOKS_ONLY = {"sources": ["books"]}


async def published(store: Store, source: str) -> list[tuple[str, int, str]]:
    """The rows that readers see, in the order in which they see them."""
    rows = [row async for row in store.published_rows(source)]
    return [("/" + row.url.split("/", 3)[3], row.position, str(row.values["n"])) for row in rows]


async def failed_paths(runs: ActivityRuns, run_id: str, source: str = "books") -> list[str]:
    run = await runs.store.runs.find(run_id)
    assert run is not None
    failures = [one async for _, one in runs.store.failures_of(snapshot_id(source, run.epoch))]
    return ["/" + failure.url.split("/", 3)[3] for failure in failures]


async def test_a_retry_fetches_only_the_failed_pages_and_publishes_all_in_page_order(
    runs: ActivityRuns, site: TinySite
) -> None:
    base = await runs.run_with_failures("/books/1", "/books/2", "/books/11")
    site.hits.clear()
    ended = await runs.complete(await runs.start_retry(base))
    assert site.hits == {"/books/1": 1, "/books/2": 1, "/books/11": 1}
    assert ended["outcome"] == "completed"
    assert await published(runs.store, "books") == site.rows_of(*site.books)
    summary = ended["sources"][0]
    assert [summary[name] for name in ("pages", "loaded", "failed", "rows", "batches")] == [12, 12, 0, 24, 4]


async def test_a_retry_takes_over_whole_batches_and_has_page_lists_of_the_others_only(
    runs: ActivityRuns, site: TinySite
) -> None:
    base = await runs.run_with_failures("/books/1", "/books/11")
    retry = await runs.start_retry(base)
    await runs.claim(retry)
    assert (await runs.plan(retry, "books"))["batches"] == 2
    results = await runs.store.batches.results(snapshot_id("books", 2))
    assert [(one.batch, one.loaded, one.rows) for one in results] == [(1, 3, 6), (2, 3, 6)]


async def test_the_pages_of_batches_that_nobody_finished_are_fetched_by_the_retry(
    runs: ActivityRuns, site: TinySite
) -> None:
    site.broken = {"/books/4"}
    base = await runs.start("base", **BOOKS_ONLY)
    await runs.claim(base)
    await runs.scrape(base, "books", lists=[1, 3])
    runs.terminate(base)
    site.broken = set()
    site.hits.clear()
    ended = await runs.complete(await runs.start_retry(base))
    assert site.hits == dict.fromkeys([f"/books/{number}" for number in (0, 1, 2, 4, 6, 7, 8)], 1)
    assert ended["outcome"] == "completed"
    assert await published(runs.store, "books") == site.rows_of(*site.books)


@pytest.mark.parametrize("mode", [StopMode.DRAIN, StopMode.NOW])
async def test_a_run_that_was_stopped_is_completed_by_its_retry(
    runs: ActivityRuns, site: TinySite, mode: StopMode
) -> None:
    base = await runs.start("base", **BOOKS_ONLY)
    await runs.claim(base)
    await runs.scrape(base, "books", lists=[0, 2])
    await stop_run(runs.hub, runs.store, base, mode, by="test")
    await runs.scrape(base, "books", lists=[1, 3])
    await runs.finish(base, summaries=[{"source": "books", "outcome": "stopped", "reason": "stopped by test"}])
    run = await runs.store.runs.find(base)
    assert run is not None
    assert run.outcome == "stopped"
    site.hits.clear()
    assert (await runs.complete(await runs.start_retry(base)))["outcome"] == "completed"
    assert site.hits == dict.fromkeys([f"/books/{number}" for number in (3, 4, 5, 9, 10, 11)], 1)
    assert await published(runs.store, "books") == site.rows_of(*site.books)


async def test_a_page_that_fails_again_is_listed_again_and_left_for_the_next_retry(
    runs: ActivityRuns, site: TinySite
) -> None:
    base = await runs.run_with_failures("/books/1", "/books/2", "/books/7")
    site.broken = {"/books/2"}
    first = await runs.start_retry(base)
    ended = await runs.complete(first)
    assert (ended["outcome"], ended["sources"][0]["failed"]) == ("completed_with_failures", 1)
    assert await failed_paths(runs, first) == ["/books/2"]
    assert await published(runs.store, "books") == site.rows_of(*(path for path in site.books if path != "/books/2"))
    site.broken = set()
    site.hits.clear()
    second = await runs.complete(await runs.start_retry(first))
    assert site.hits == {"/books/2": 1}
    assert second["outcome"] == "completed"
    assert await published(runs.store, "books") == site.rows_of(*site.books)


async def test_results_of_a_retry_of_a_retry_say_where_the_rows_were_written_and_name_no_run_between(
    runs: ActivityRuns, site: TinySite
) -> None:
    base = await runs.run_with_failures("/books/1", "/books/2")
    site.broken = {"/books/2"}
    first = await runs.start_retry(base)
    await runs.complete(first)
    site.broken = set()
    await runs.complete(await runs.start_retry(first))
    third = snapshot_id("books", 3)
    results = await runs.store.batches.results(third)
    written = [[(part.snapshot[-1], part.loaded, part.rows) for part in one.parts(third)] for one in results]
    assert written == [[("1", 1, 2), ("2", 1, 2), ("3", 1, 2)], [("1", 3, 6)], [("1", 3, 6)], [("1", 3, 6)]]


async def test_a_retry_that_is_ended_in_the_middle_can_be_retried(runs: ActivityRuns, site: TinySite) -> None:
    base = await runs.run_with_failures("/books/1", "/books/2", "/books/4", "/books/7")
    site.broken = {"/books/2"}
    first = await runs.start_retry(base)
    await runs.claim(first)
    await runs.scrape(first, "books", lists=[0])
    runs.terminate(first)
    site.broken = set()
    site.hits.clear()
    ended = await runs.complete(await runs.start_retry(first))
    assert site.hits == {"/books/2": 1, "/books/4": 1, "/books/7": 1}
    assert ended["outcome"] == "completed"
    assert await published(runs.store, "books") == site.rows_of(*site.books)


async def test_a_retry_that_was_ended_before_it_planned_anything_is_retried_from_the_run_that_did(
    runs: ActivityRuns, site: TinySite
) -> None:
    first = await runs.start_retry(await runs.run_with_failures("/books/1", "/books/7"))
    await runs.claim(first)
    runs.terminate(first)
    second = await runs.start_retry(first)
    await runs.claim(second)
    runs.terminate(second)
    site.hits.clear()
    assert (await runs.complete(await runs.start_retry(second)))["outcome"] == "completed"
    assert site.hits == {"/books/1": 1, "/books/7": 1}
    assert await published(runs.store, "books") == site.rows_of(*site.books)


async def test_a_source_that_had_no_pages_is_planned_anew(runs: ActivityRuns, site: TinySite) -> None:
    site.broken = {"/sitemap.xml"}
    base = await runs.start("base", **BOOKS_ONLY)
    assert (await runs.complete(base))["outcome"] == "failed"
    site.broken = set()
    assert (await runs.complete(await runs.start_retry(base)))["outcome"] == "completed"
    assert await published(runs.store, "books") == site.rows_of(*site.books)


async def test_a_sitemap_that_was_broken_stays_a_failure_of_the_retry_and_is_not_read_again(
    runs: ActivityRuns, site: TinySite
) -> None:
    site.write_sources(gate=", listings_may_fail = true")
    base = await runs.run_with_failures("/half-1.xml", "/books/3")
    site.hits.clear()
    retry = await runs.start_retry(base)
    ended = await runs.complete(retry)
    assert site.hits == {"/books/3": 1}
    assert ended["outcome"] == "completed_with_failures"
    assert await failed_paths(runs, retry) == ["/half-1.xml"]
    status, document = await runs.ask_for_retry(retry)
    assert status == 409
    assert "1 places that should have named pages could not be read" in document["detail"]


async def test_a_snapshot_that_lacks_what_a_sitemap_names_is_refused_until_a_run_reads_it(
    runs: ActivityRuns, site: TinySite
) -> None:
    base = await runs.start("base", **BOOKS_ONLY)
    site.broken = {"/half-1.xml"}
    (summary,) = (await runs.complete(base))["sources"]
    assert summary["outcome"] == "refused"
    assert summary["reason"].startswith(
        "listings_may_fail: incomplete discovery, 1 sitemaps or feeds could not be read"
    )
    site.broken = set()
    (summary,) = (await runs.complete(await runs.start_retry(base)))["sources"]
    assert summary["outcome"] == "refused"
    assert (await runs.complete(await runs.start("next", **BOOKS_ONLY)))["outcome"] == "completed"
    assert await published(runs.store, "books") == site.rows_of(*site.books)


async def test_what_was_loaded_but_never_put_to_the_gate_is_published_without_a_request(
    runs: ActivityRuns, site: TinySite
) -> None:
    base = await runs.start("base", **BOOKS_ONLY)
    await runs.claim(base)
    await runs.scrape(base, "books")
    runs.terminate(base)
    site.hits.clear()
    assert (await runs.complete(await runs.start_retry(base)))["outcome"] == "completed"
    assert site.hits == {}
    assert await published(runs.store, "books") == site.rows_of(*site.books)


async def test_a_snapshot_that_was_refused_passes_once_its_pages_load(runs: ActivityRuns, site: TinySite) -> None:
    site.write_sources(max_failed_percent=0)
    base = await runs.run_with_failures("/books/3")
    ended = await runs.complete(await runs.start_retry(base))
    assert ended["outcome"] == "completed"
    assert await published(runs.store, "books") == site.rows_of(*site.books)


async def test_sources_without_anything_to_retry_are_no_part_of_the_retry(runs: ActivityRuns, site: TinySite) -> None:
    site.broken = {"/news/1"}
    await runs.complete(await runs.start("base"))
    site.broken = set()
    site.hits.clear()
    retry = await runs.start_retry("base")
    ended = await runs.complete(retry)
    assert [one["source"] for one in ended["sources"]] == ["news"]
    assert site.hits == {"/news/1": 1}
    books = await runs.store.datasets.find("books")
    assert books is not None
    assert books.run_id == "base"


async def test_the_record_of_a_retry_names_the_run_that_it_retries(runs: ActivityRuns, site: TinySite) -> None:
    retry = await runs.start_retry(await runs.run_with_failures("/books/1"))
    await runs.complete(retry)
    run = await runs.store.runs.find(retry)
    assert run is not None
    assert run.retry_of is not None
    assert (run.retry_of.run_id, run.retry_of.epoch) == ("base", 1)


async def test_two_plannings_at_a_time_go_on_with_the_same_plan(runs: ActivityRuns, site: TinySite) -> None:
    retry = await runs.start_retry(await runs.run_with_failures("/books/1", "/books/7"))
    await runs.claim(retry)
    one, other = await asyncio.gather(runs.plan(retry, "books"), runs.plan(retry, "books"))
    assert one == other
    assert (await runs.complete(retry))["outcome"] == "completed"
    assert await published(runs.store, "books") == site.rows_of(*site.books)


async def test_planning_that_crashes_at_any_write_and_is_repeated_changes_nothing(
    runs: ActivityRuns, site: TinySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.write_sources(gate=", listings_may_fail = true")
    base = await runs.run_with_failures("/books/1", "/half-1.xml")
    retry = await runs.start_retry(base)
    await runs.claim(retry)
    whole_insert, whole_failures = Batches._insert_once, Rows.stage_failures
    writes: list[str] = []

    def crash_at(number: int) -> None:
        async def insert(batches: Batches, snapshot: str, row_key: str, *rest: object) -> object:
            await crash_or_go_on(row_key)
            done = await whole_insert(batches, snapshot, row_key, *rest)
            await crash_or_go_on(row_key)
            return done

        async def stage(rows: Rows, *rest: object) -> None:
            await crash_or_go_on("failures")
            await whole_failures(rows, *rest)

        async def crash_or_go_on(name: str) -> None:
            writes.append(name)
            if len(writes) == number:
                raise OSError("the machine is gone")

        writes.clear()
        monkeypatch.setattr(Batches, "_insert_once", insert)
        monkeypatch.setattr(Rows, "stage_failures", stage)

    crashes = 0
    for number in range(1, 20):
        crash_at(number)
        try:
            await runs.plan(retry, "books")
            break
        except OSError:
            crashes += 1
    assert crashes >= 4
    assert (await runs.complete(retry))["sources"][0]["pages"] == 6
    assert await published(runs.store, "books") == site.rows_of(*site.books[:6])
    assert await failed_paths(runs, retry) == ["/half-1.xml"]


async def check_chain_of_retries(runs: ActivityRuns, site: TinySite, *, seed: int) -> int:
    """Run and retry until nothing is left, with pages that break and mend and runs that are ended somewhere.

    Returns how many runs it took.
    """
    dice = random.Random(seed)
    site.hits.clear()
    loaded: Counter[str] = Counter()
    run_id = await runs.start(f"base-{seed}", **BOOKS_ONLY)
    for step in range(20):
        site.broken = set(dice.sample(site.books, dice.randrange(0, 6))) if step < 6 else set()
        hits_before = site.hits.copy()
        await runs.claim(run_id)
        plan = await runs.plan(run_id, "books")
        is_ended = dice.random() < 0.4
        lists = list(range(plan["batches"]))
        dice.shuffle(lists)
        await runs.scrape(run_id, "books", lists=lists[: dice.randint(0, len(lists))] if is_ended else lists)
        loaded += Counter({path: n for path, n in (site.hits - hits_before).items() if path not in site.broken})
        if is_ended:
            runs.terminate(run_id)
        else:
            await runs.finish(run_id, summaries=[await runs.publish(run_id, "books")])
        status, document = await runs.ask_for_retry(run_id)
        if status == 409:
            break
        run_id = document["runId"]
    assert document["detail"].startswith(f"The run '{run_id}' has nothing to retry")
    assert {path: n for path, n in loaded.items() if path in site.books} == dict.fromkeys(site.books, 1)
    assert await published(runs.store, "books") == site.rows_of(*site.books)
    return step + 1


@pytest.mark.parametrize("seed", range(3))
async def test_chains_of_retries_load_every_page_once_and_end_with_exact_rows(
    runs: ActivityRuns, site: TinySite, seed: int
) -> None:
    await check_chain_of_retries(runs, site, seed=seed)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_a_hundred_random_chains_of_retries_load_every_page_once(runs: ActivityRuns, site: TinySite) -> None:
    lengths = [await check_chain_of_retries(runs, site, seed=seed) for seed in range(1000, 1100)]
    print(f"{len(lengths)} chains of {min(lengths)} to {max(lengths)} runs: each page loaded once, all rows published")
