"""Runs over a site that has hardly changed: what is the same costs no parsing, and readers see no difference."""

import asyncio
from typing import Any

import pytest

from storage.data.dataset import Dataset
from storage.data.stored_rows import StoredRow
from storage.keys import snapshot_id
from storage.ticket import StopMode
from tests.helpers.activity_runs import ActivityRuns
from tests.helpers.versioned_site import Told, VersionedSite
from triggers.runs.stop import stop_run

ALL = 10


async def rows(runs: ActivityRuns) -> list[StoredRow]:
    return [row async for row in runs.store.published_rows("books")]


async def seen(runs: ActivityRuns) -> list[tuple[str, int, str]]:
    """What readers see, in their order."""
    return [("/" + row.url.split("/", 3)[3], row.position, str(row.values["n"])) for row in await rows(runs)]


async def run(runs: ActivityRuns, run_id: str) -> dict[str, Any]:
    """A whole run; the summary of its source."""
    ended = await runs.complete(await runs.start(run_id))
    summary: dict[str, Any] = ended["sources"][0]
    return summary


async def dataset(runs: ActivityRuns) -> Dataset:
    found = await runs.store.datasets.find("books")
    assert found is not None
    return found


async def delete(runs: ActivityRuns, table: str, *, of_epoch: int, containing: str = "") -> None:
    """Delete what a table in memory has of a run."""
    entities = (await runs.store.tables.table(table)).entities  # type: ignore[attr-defined]
    snapshot = snapshot_id("books", of_epoch)
    for key in [key for key in entities if key[0].startswith(snapshot) and containing in "".join(key)]:
        del entities[key]


def nothing_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(*_args: Any, **_keys: Any) -> None:
        raise AssertionError("a page was parsed")

    monkeypatch.setattr("scraper.load.extract_rows", parse)


@pytest.mark.parametrize("told", [Told.ETAG, Told.WEAK_ETAG, Told.DATE])
async def test_pages_that_the_server_calls_unmodified_are_not_parsed_and_keep_their_rows(
    runs: ActivityRuns, site: VersionedSite, monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    site.told = told
    first = await run(runs, "first")
    before = await rows(runs)
    site.forget()
    nothing_is_parsed(monkeypatch)
    second = await run(runs, "second")
    assert site.answers() == {(True, 304): ALL}
    counts = [(one["loaded"], one["unchanged"], one["failed"], one["rows"]) for one in (first, second)]
    assert counts == [(ALL, 0, 0, 19), (ALL, ALL, 0, 19)]
    assert (await dataset(runs)).run_id == "second"
    assert await rows(runs) == before
    assert {row.epoch for row in before} == {1}


@pytest.mark.parametrize("told", [Told.NOTHING, Told.ANOTHER_ETAG_EACH_TIME])
async def test_pages_that_come_with_the_same_body_are_not_parsed_and_keep_their_rows(
    runs: ActivityRuns, site: VersionedSite, monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    site.told = told
    await run(runs, "first")
    before = await rows(runs)
    site.forget()
    nothing_is_parsed(monkeypatch)
    second = await run(runs, "second")
    assert site.answers() == {(told is not Told.NOTHING, 200): ALL}
    assert (second["loaded"], second["unchanged"]) == (ALL, ALL)
    assert await rows(runs) == before


async def test_only_a_page_that_has_changed_has_new_rows_which_name_the_run_that_fetched_them(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    await run(runs, "first")
    site.change("/books/4")
    summary = await run(runs, "second")
    await run(runs, "third")
    assert summary["unchanged"] == ALL - 1
    assert await seen(runs) == site.rows_of(*site.books)
    epochs = {row.url.rpartition("/")[2]: row.epoch for row in await rows(runs)}
    assert epochs == {str(number): 2 if number == 4 else 1 for number in range(ALL)}


async def test_pages_that_moved_to_other_batches_or_are_new_or_gone_stand_where_they_belong(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    await run(runs, "first")
    site.books = ["/books/20", *reversed(site.books[1:8]), "/books/21"]
    site.forget()
    summary = await run(runs, "second")
    assert (summary["pages"], summary["unchanged"]) == (9, 7)
    assert site.asked_for(conditionally=False) == ["/books/20", "/books/21"]
    assert await seen(runs) == site.rows_of(*site.books)


async def test_a_page_that_failed_is_asked_for_without_condition_the_next_time(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    await run(runs, "first")
    site.broken = {"/books/3"}
    second = await run(runs, "second")
    site.broken = set()
    site.forget()
    third = await run(runs, "third")
    assert [(one["loaded"], one["unchanged"], one["failed"]) for one in (second, third)] == [(9, 9, 1), (10, 9, 0)]
    assert site.asked_for(conditionally=False) == ["/books/3"]
    assert await seen(runs) == site.rows_of(*site.books)


async def test_not_modified_where_nobody_asked_is_a_failed_page_and_no_more(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    site.stuck = {"/books/3"}
    summary = await run(runs, "first")
    ((_, failure),) = [one async for one in runs.store.failures_of(snapshot_id("books", 1))]
    assert (summary["outcome"], summary["failed"]) == ("published", 1)
    assert (failure.reason, failure.status, failure.attempts) == ("http_3xx", 304, 1)


async def test_after_a_change_of_the_rules_every_page_is_asked_for_without_condition(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    await run(runs, "first")
    site.write_sources('key = ["n"]')
    site.forget()
    assert (await run(runs, "second"))["unchanged"] == 0
    assert site.answers() == {(False, 200): ALL}
    site.write_sources('key = ["n"]\ntimeout_s = 7')
    assert (await run(runs, "third"))["unchanged"] == ALL


async def test_a_change_of_the_rules_during_a_run_counts_from_the_next_batch_on(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    await run(runs, "first")
    second = await runs.start("second")
    await runs.claim(second)
    await runs.scrape(second, "books", lists=[0, 1])
    site.write_sources('key = ["n"]')
    site.forget()
    await runs.scrape(second, "books", lists=[2, 3])
    assert (await runs.publish(second, "books"))["unchanged"] == 6
    await runs.finish(second)
    assert site.answers() == {(False, 200): 4}
    site.forget()
    assert (await run(runs, "third"))["unchanged"] == 4  # those that the rules of today have extracted
    assert len(site.asked_for(conditionally=False)) == 6


async def test_without_conditional_requests_pages_come_whole_and_are_still_compared(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    site.write_sources("conditional_requests = false")
    await run(runs, "first")
    site.forget()
    assert (await run(runs, "second"))["unchanged"] == ALL
    assert site.answers() == {(False, 200): ALL}


async def test_pages_whose_old_rows_are_gone_are_asked_for_again_in_the_same_run(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    await run(runs, "first")
    await delete(runs, "rows", of_epoch=1, containing="-0001-")  # the second page of each batch
    site.forget()
    summary = await run(runs, "second")
    assert site.answers() == {(True, 304): ALL, (False, 200): 3}
    assert (summary["loaded"], summary["unchanged"], summary["failed"]) == (ALL, ALL - 3, 0)
    assert await seen(runs) == site.rows_of(*site.books)


@pytest.mark.parametrize("table", ["rows", "batches"])
async def test_a_run_after_all_of_the_published_one_was_purged_is_like_the_first(
    runs: ActivityRuns, site: VersionedSite, table: str
) -> None:
    await run(runs, "first")
    await delete(runs, table, of_epoch=1)
    assert (await run(runs, "second"))["unchanged"] == 0
    assert await seen(runs) == site.rows_of(*site.books)


async def test_a_snapshot_of_carried_rows_stands_by_itself(runs: ActivityRuns, site: VersionedSite) -> None:
    await run(runs, "first")
    await run(runs, "second")
    await delete(runs, "rows", of_epoch=1)
    await delete(runs, "batches", of_epoch=1)
    assert await seen(runs) == site.rows_of(*site.books)
    assert (await run(runs, "third"))["unchanged"] == ALL
    assert await seen(runs) == site.rows_of(*site.books)


async def test_pages_are_compared_with_what_is_published_not_with_what_the_gate_refused(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    await run(runs, "first")
    site.change("/books/4")
    site.broken = set(site.books) - {"/books/4"}
    assert (await run(runs, "second"))["outcome"] == "refused"
    site.broken = set()
    site.forget()
    assert (await run(runs, "third"))["unchanged"] == ALL - 1
    assert len(site.asked_for(conditionally=True)) == ALL
    assert await seen(runs) == site.rows_of(*site.books)


async def test_the_pages_of_a_retry_and_of_what_it_takes_over_are_both_remembered(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    site.broken = {"/books/1", "/books/2", "/books/9"}
    await run(runs, "base")
    site.broken = {"/books/9"}
    retry = await runs.start_retry("base")
    await runs.complete(retry)
    site.broken = set()
    await runs.complete(await runs.start_retry(retry))
    site.forget()
    summary = await run(runs, "next")
    assert site.answers() == {(True, 304): ALL}
    assert (summary["loaded"], summary["unchanged"]) == (ALL, ALL)
    assert await seen(runs) == site.rows_of(*site.books)
    origins = {row.url.rpartition("/")[2]: row.epoch for row in await rows(runs)}
    assert origins == {str(number): {1: 2, 2: 2, 9: 3}.get(number, 1) for number in range(ALL)}


async def test_the_retry_of_a_stopped_run_asks_conditionally_and_counts_what_that_run_carried_over(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    await run(runs, "first")
    second = await runs.start("second")
    await runs.claim(second)
    await runs.scrape(second, "books", lists=[0, 2])
    await stop_run(runs.hub, runs.store, second, StopMode.NOW, by="test")
    site.forget()
    ended = await runs.complete(await runs.start_retry(second))
    assert site.answers() == {(True, 304): 4}
    assert (ended["sources"][0]["loaded"], ended["sources"][0]["unchanged"]) == (ALL, ALL)
    assert await seen(runs) == site.rows_of(*site.books)


async def test_the_retry_of_a_failed_page_asks_for_the_version_from_before_it_failed(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    await run(runs, "first")
    site.broken = {"/books/4", "/books/5"}
    await run(runs, "second")
    site.broken = set()
    site.change("/books/5")
    site.forget()
    ended = await runs.complete(await runs.start_retry("second"))
    assert site.answers() == {(True, 304): 1, (True, 200): 1}
    assert (ended["sources"][0]["loaded"], ended["sources"][0]["unchanged"]) == (ALL, ALL - 1)
    assert await seen(runs) == site.rows_of(*site.books)


async def test_pages_whose_sitemap_names_no_change_are_not_asked_for_if_that_is_trusted(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    site.write_sources("trust_lastmod = true")
    await run(runs, "first")
    site.change("/books/4", days=5000)
    site.forget()
    summary = await run(runs, "second")
    assert [one.path for one in site.asked] == ["/books/4"]
    assert (summary["loaded"], summary["unchanged"]) == (ALL, ALL - 1)
    assert await seen(runs) == site.rows_of(*site.books)


async def test_a_retry_trusts_no_dates_that_it_has_not_read(runs: ActivityRuns, site: VersionedSite) -> None:
    site.write_sources("trust_lastmod = true")
    await run(runs, "first")
    second = await runs.start("second")
    await runs.claim(second)
    await runs.scrape(second, "books", lists=[0])
    await stop_run(runs.hub, runs.store, second, StopMode.NOW, by="test")
    site.forget()
    await runs.complete(await runs.start_retry(second))
    assert site.answers() == {(True, 304): 7}


async def test_two_attempts_at_one_batch_at_the_same_time_leave_the_rows_of_one(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    await run(runs, "first")
    second = await runs.start("second")
    await runs.claim(second)
    await asyncio.gather(runs.scrape(second, "books"), runs.scrape(second, "books"))
    await runs.publish(second, "books")
    await runs.finish(second)
    assert await seen(runs) == site.rows_of(*site.books)
    assert (await run(runs, "third"))["unchanged"] == ALL
