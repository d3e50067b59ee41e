"""Plans, results, rows and pointers on the real tables, seen by activities that run twice or too late."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from scraper.models import PageFailure, PageLoaded, Reason, Row, Value
from scraper.settings import Settings
from storage.data.datasets import Superseded
from storage.errors import MissingRecord, RowTooLarge, StorageUnreachable
from storage.ledger.runs import RunRecord, finished
from storage.outcomes.progress import progress_of
from storage.store import Store, open_store, store_on
from storage.work.batch_results import BatchResult
from storage.work.batches import Plan
from storage.work.page_lists import PageList, Part
from tests.helpers.memory_tables import MemoryTables

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
SNAPSHOT = "books~0000000001"
PLAN = Plan("p1", batches=2, pages=3, not_found=0, left_out=0)
PAGES = [["http://site/1", "http://site/2"], ["http://site/3"]]


@pytest.fixture(params=["azurite", "memory"])
async def store(request: pytest.FixtureRequest, table_prefix: str) -> AsyncIterator[Store]:
    """On the real tables, and on those that tests of interleavings use: they must not tell stories."""
    if request.param == "memory":
        yield store_on(MemoryTables())  # type: ignore[arg-type]
        return
    connection = request.getfixturevalue("azurite")
    opened = open_store(Settings(storage_connection=connection, table_prefix=table_prefix))
    yield opened
    await opened.tables.close()


def page(index: int, *rows: dict[str, Value | None]) -> PageLoaded:
    url = f"http://site/{index}"
    return PageLoaded(index, url, url, NOW, [Row(values, position) for position, values in enumerate(rows)])


async def values_of(store: Store) -> list[dict[str, object]]:
    results = await store.batches.results(SNAPSHOT)
    return [dict(row.values) async for row in store.rows.of_snapshot(SNAPSHOT, results)]


async def test_the_first_recorded_plan_counts_and_its_pages_are_the_ones_scraped(store: Store) -> None:
    first = await store.batches.record_plan(SNAPSHOT, PLAN, PAGES)
    second = await store.batches.record_plan(SNAPSHOT, Plan("p2", 1, 1, 0, 0), [["http://site/other"]])
    assert (first, second) == (PLAN, PLAN)
    pages = await store.batches.page_list(SNAPSHOT, plan_attempt="p1", number=1)
    assert pages == PageList.whole(1, ["http://site/3"])


@pytest.mark.parametrize("number", range(5))
async def test_rows_behind_a_place_are_read_alone_and_a_batch_that_lacks_some_is_noticed(
    store: Store, number: int
) -> None:
    await store.rows.stage(SNAPSHOT, 0, "b", [page(1, {"n": 1}, {"n": 2})])
    earlier = Part("books~0000000000", "a", 2, 2)
    await store.rows.stage(earlier.snapshot, 0, "a", [page(0, {"n": 0}), page(3, {"n": 3})])
    await store.rows.stage(SNAPSHOT, 1, "c", [page(0, {"n": 4})])
    results = [BatchResult(0, "b", 3, 0, 4, earlier=(earlier,)), BatchResult(1, "c", 1, 0, 1)]
    placed = [(place, row.values["n"]) async for place, row in store.rows.placed(SNAPSHOT, results)]
    assert [n for _, n in placed] == [0, 1, 2, 3, 4]
    rest = store.rows.placed(SNAPSHOT, results, after=placed[number][0], at_once=1)
    assert [(place, row.values["n"]) async for place, row in rest] == placed[number + 1 :]
    more = [replace(results[0], rows=5), results[1]]
    with pytest.raises(MissingRecord, match="has 4 of its 5 rows"):
        _ = [row async for row in store.rows.of_snapshot(SNAPSHOT, more)]


async def test_rows_of_an_attempt_that_was_not_recorded_are_never_read(store: Store) -> None:
    await store.rows.stage(SNAPSHOT, 0, "zombie", [page(0, {"title": "half"})])
    await store.rows.stage(SNAPSHOT, 0, "winner", [page(0, {"title": "whole"})])
    recorded = await store.batches.record_result(SNAPSHOT, BatchResult(0, "winner", 1, 0, 1))
    late = await store.batches.record_result(SNAPSHOT, BatchResult(0, "zombie", 1, 0, 1))
    assert (recorded.attempt, late.attempt) == ("winner", "winner")
    assert await values_of(store) == [{"title": "whole"}]


async def test_rows_that_several_snapshots_hold_are_read_in_page_order(store: Store) -> None:
    await store.rows.stage("books~0000000000", 0, "a", [page(0, {"n": 0}), page(3, {"n": 3})])
    await store.rows.stage(SNAPSHOT, 0, "b", [page(1, {"n": 1}, {"n": 1.5}), page(2, {"n": 2}), page(4, {"n": 4})])
    earlier = (Part("books~0000000000", "a", 2, 2),)
    result = await store.batches.record_result(SNAPSHOT, BatchResult(0, "b", 5, 0, 6, earlier=earlier))
    assert [values["n"] for values in await values_of(store)] == [0, 1, 1.5, 2, 3, 4]
    assert await store.batches.results(SNAPSHOT) == [result]


async def test_a_result_that_a_retry_takes_over_has_only_the_rows_of_others(store: Store) -> None:
    await store.rows.stage("books~0000000000", 0, "a", [page(0, {"n": 0})])
    await store.batches.record_result(
        SNAPSHOT, BatchResult(0, "", 1, 0, 1, earlier=(Part("books~0000000000", "a", 1, 1),))
    )
    assert await values_of(store) == [{"n": 0}]


async def test_a_batch_of_many_rows_is_read_back_in_page_order_with_every_type(store: Store) -> None:
    values: dict[str, Value | None] = {
        "text": "£ ü 漢",
        "small": 3,
        "large": 2**40,
        "share": 0.5,
        "price": Decimal("51.770"),
        "in_stock": True,
        "day": date(1969, 7, 20),
        "at": NOW,
        "nothing": None,
        "tags": ["b", 'a, "ä"', "b"],
        "sizes": [2, 2**40],
        "prices": [Decimal("51.770"), Decimal(3)],
        "grams": Decimal("0.00000012"),
        "none": [],
        "looks_like_a_list": "[1]",
    }
    await store.rows.stage(SNAPSHOT, 0, "a", [page(0, values), *(page(n, {"small": n}) for n in range(1, 250))])
    await store.batches.record_result(SNAPSHOT, BatchResult(0, "a", 250, 0, 250))
    found = await values_of(store)
    assert found[0] == {
        "text": "£ ü 漢",
        "small": 3,
        "large": 2**40,
        "share": 0.5,
        "price": "51.770",
        "in_stock": True,
        "day": "1969-07-20",
        "at": "2026-11-21T06:00:00+00:00",
        "tags": ["b", 'a, "ä"', "b"],
        "sizes": [2, 2**40],
        "prices": ["51.770", "3"],
        "grams": "0.00000012",
        "none": [],
        "looks_like_a_list": "[1]",
    }
    assert [row["small"] for row in found] == [3, *range(1, 250)]


async def test_rows_too_large_for_one_transaction_are_written_in_several(store: Store) -> None:
    text = "x" * 30_000
    await store.rows.stage(SNAPSHOT, 0, "a", [page(n, {"text": text, "again": text}) for n in range(100)])
    await store.batches.record_result(SNAPSHOT, BatchResult(0, "a", 100, 0, 100))
    assert len(await values_of(store)) == 100


async def test_a_row_that_the_service_would_refuse_is_refused_before_and_harms_no_other(store: Store) -> None:
    large = page(0, {f"field_{number}": "x" * 32_000 for number in range(32)})
    async with store.rows.staging(SNAPSHOT, 0, "a") as staging:
        staging.add(page(1, {"text": "small"}), place=1)
        with pytest.raises(RowTooLarge, match="row 0 has"):
            staging.add(large, place=0)
    await store.batches.record_result(SNAPSHOT, BatchResult(0, "a", 1, 1, 1))
    assert await values_of(store) == [{"text": "small"}]


# aiohttp warns of bodies over 1 MiB; ours is one row, and the loop has nothing better to do.
@pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")
async def test_the_largest_row_that_is_not_refused_is_stored(store: Store) -> None:
    large = {f"field_{number}": text * 15_000 for number, text in enumerate(['"', "x", "漢", "€", "ü"] * 3)}
    assert await store.rows.stage(SNAPSHOT, 0, "a", [page(0, dict(large))]) == 1
    await store.batches.record_result(SNAPSHOT, BatchResult(0, "a", 1, 0, 1))
    assert await values_of(store) == [large]


async def test_failures_are_listed_with_url_and_reason_of_the_recorded_attempt(store: Store) -> None:
    await store.batches.record_plan(SNAPSHOT, PLAN, PAGES)
    failure = PageFailure(url="http://site/2", reason=Reason.HTTP_404, detail="gone", status=404)
    await store.rows.stage_failures(SNAPSHOT, 0, "zombie", [(0, failure), (1, failure)])
    await store.rows.stage_failures(SNAPSHOT, 0, "a", [(1, failure)])
    await store.batches.record_result(SNAPSHOT, BatchResult(0, "a", 1, 1, 1))
    assert [one async for _, one in store.failures_of(SNAPSHOT)] == [failure]


async def test_a_run_that_was_overtaken_can_never_publish(store: Store) -> None:
    await store.datasets.raise_fence("books", 5)
    await store.datasets.raise_fence("books", 6)
    with pytest.raises(Superseded):
        await store.datasets.publish("books", epoch=5, snapshot="s5", run_id="old", at=NOW, counts=(1, 0, 1))
    found = await store.datasets.find("books")
    assert found is not None
    assert (found.epoch, found.fence) == (0, 6)


async def test_publishing_twice_changes_nothing_the_second_time(store: Store) -> None:
    first = await store.datasets.publish("books", epoch=5, snapshot="s5", run_id="r", at=NOW, counts=(3, 1, 2))
    again = await store.datasets.publish("books", epoch=5, snapshot="x", run_id="r", at=NOW, counts=(9, 9, 9))
    assert again == first
    assert await store.datasets.find("books") == first


async def test_a_dataset_remembers_the_snapshot_before(store: Store) -> None:
    await store.datasets.publish("books", epoch=5, snapshot="s5", run_id="r5", at=NOW, counts=(3, 1, 2))
    newer = await store.datasets.publish("books", epoch=6, snapshot="s6", run_id="r6", at=NOW, counts=(3, 0, 3))
    assert (newer.snapshot, newer.previous_snapshot, newer.rows) == ("s6", "s5", 3)


async def test_progress_counts_what_the_batches_recorded(store: Store) -> None:
    await store.batches.record_plan(SNAPSHOT, PLAN, PAGES)
    await store.batches.record_result(SNAPSHOT, BatchResult(0, "a", 1, 1, 1))
    progress = await progress_of(store.batches, store.datasets, "books", SNAPSHOT, epoch=1)
    assert (progress.state, progress.pages, progress.loaded, progress.failed) == ("scraping", 3, 1, 1)
    assert (progress.batches_done, progress.batches) == (1, 2)


async def test_runs_are_listed_newest_first_page_by_page(store: Store) -> None:
    for epoch in (1, 2, 3):
        await store.runs.create(RunRecord(f"run-{epoch}", epoch, "c", NOW, "http"))
    page_one, continuation = await store.runs.newest(limit=2, before_epoch=None)
    page_two, end = await store.runs.newest(limit=2, before_epoch=continuation)
    assert [run.epoch for run in page_one + page_two] == [3, 2, 1]
    assert end is None


async def test_a_run_id_that_ran_twice_finds_its_newest_run(store: Store) -> None:
    await store.runs.create(RunRecord("daily", 1, "c1", NOW, "http"))
    await store.runs.create(RunRecord("daily", 2, "c2", NOW, "timer"))
    found = await store.runs.find("daily")
    assert found is not None
    assert found.epoch == 2


async def test_a_text_that_no_key_can_hold_is_the_id_of_no_run(store: Store) -> None:
    assert await store.runs.find("\N{GRINNING FACE}" * 20_000) is None


async def test_the_first_claim_of_an_epoch_is_the_one_that_is_stored(store: Store) -> None:
    await store.runs.create(RunRecord("daily", 1, "first", NOW, "http"))
    assert (await store.runs.create(RunRecord("daily", 1, "second", NOW, "http"))).claim == "first"


async def test_a_finished_run_keeps_outcome_and_summaries(store: Store) -> None:
    run = await store.runs.create(RunRecord("daily", 1, "c", NOW, "http", ("books",)))
    ended = finished(run, at=NOW, outcome="completed", reason="", results=[{"source": "books", "rows": 3}])
    await store.runs.end(ended)
    assert await store.runs.find("daily") == ended


async def test_the_first_outcome_of_a_run_is_the_one_that_stays(store: Store) -> None:
    run = await store.runs.create(RunRecord("daily", 1, "c", NOW, "http", ("books",)))
    stopped = finished(run, at=NOW, outcome="stopped", reason="by hand", results=[])
    ends = [store.runs.end(finished(run, at=NOW, outcome="completed", reason="", results=[])) for _ in range(3)]
    assert await store.runs.end(stopped) == stopped
    assert await asyncio.gather(*ends) == [stopped] * 3
    assert await store.runs.find("daily") == stopped


async def test_a_run_that_is_ended_twice_at_once_has_one_outcome(store: Store) -> None:
    run = await store.runs.create(RunRecord("daily", 1, "c", NOW, "http", ("books",)))
    outcomes = ("completed", "stopped", "superseded")
    ends = [store.runs.end(finished(run, at=NOW, outcome=outcome, reason="", results=[])) for outcome in outcomes]
    assert len({one.outcome for one in await asyncio.gather(*ends)}) == 1


async def test_an_account_that_does_not_answer_is_named_as_the_trouble() -> None:
    nobody = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;TableEndpoint=http://127.0.0.1:1/a;"
    opened = open_store(Settings(storage_connection=nobody))
    with pytest.raises(StorageUnreachable, match="does not answer"):
        await opened.runs.find("any")
    await opened.tables.close()
