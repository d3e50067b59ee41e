"""What the watchdog writes down, and what progress is, on the real tables."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from scraper.settings import Settings
from storage.keys import snapshot_id
from storage.ledger.runs import RunRecord
from storage.ledger.stalls import Stall
from storage.outcomes.progress import run_progress
from storage.store import Store, open_store
from storage.work.batch_results import BatchResult
from storage.work.batches import Plan

NOW = datetime(2026, 11, 21, 6, 0, 0, 123456, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RUN = RunRecord("daily", 7, "c", NOW, "timer", ("books", "news"))
STALL = Stall(7, "daily", since=NOW, reported_at=NOW + 60 * MINUTE, reason="suspended")


@pytest.fixture
async def store(azurite: str, table_prefix: str) -> AsyncIterator[Store]:
    opened = open_store(Settings(storage_connection=azurite, table_prefix=table_prefix))
    yield opened
    await opened.tables.close()


async def test_of_many_workers_that_see_a_stall_at_once_one_is_the_first(store: Store) -> None:
    first = await asyncio.gather(*(store.stalls.report(STALL) for _ in range(20)))
    assert first.count(True) == 1


async def test_a_stall_is_read_as_it_was_reported_and_belongs_to_its_run(store: Store) -> None:
    await store.stalls.report(STALL)
    assert await store.stalls.of_run(7) == [STALL]
    assert await store.stalls.of_run(70) == []


async def test_another_stall_of_the_same_run_is_reported_again(store: Store) -> None:
    assert await store.stalls.report(STALL)
    assert await store.stalls.report(replace(STALL, since=NOW + timedelta(microseconds=1)))
    assert not await store.stalls.report(STALL)


async def test_a_stall_is_no_run(store: Store) -> None:
    await store.runs.create(RUN)
    await store.stalls.report(STALL)
    await store.stalls.look(NOW)
    assert await store.runs.newest(limit=10, before_epoch=None) == ([RUN], None)


async def test_the_app_is_awake_since_the_first_look_as_long_as_looks_follow_each_other(store: Store) -> None:
    assert [await store.stalls.look(NOW + passed * MINUTE) for passed in (0, 5, 10, 25)] == [NOW] * 4


async def test_after_a_gap_the_app_is_awake_since_it_came_back(store: Store) -> None:
    await store.stalls.look(NOW)
    back = NOW + 16 * MINUTE
    assert [await store.stalls.look(back + passed * MINUTE) for passed in (0, 5)] == [back, back]


async def last_progress(store: Store) -> datetime:
    return (await run_progress(store.batches, store.datasets, RUN)).last_progress_at


async def test_progress_is_the_start_a_plan_a_batch_and_a_publication(store: Store) -> None:
    snapshot = snapshot_id("news", 7)
    seen = [await last_progress(store)]
    await store.batches.record_plan(snapshot, Plan("p", 2, 4, 0, 0, recorded_at=NOW + MINUTE), [["a", "b"], ["c", "d"]])
    seen.append(await last_progress(store))
    for batch in (0, 1):
        result = BatchResult(batch, "a", 2, 0, 3, recorded_at=NOW + (2 + batch) * MINUTE)
        await store.batches.record_result(snapshot, result)
        seen.append(await last_progress(store))
    published_at = NOW + 4 * MINUTE
    await store.datasets.publish("news", epoch=7, snapshot=snapshot, run_id="daily", at=published_at, counts=(4, 0, 6))
    seen.append(await last_progress(store))
    assert seen == [NOW + passed * MINUTE for passed in range(5)]


async def test_a_publication_of_an_earlier_run_is_no_progress_of_this_one(store: Store) -> None:
    old = snapshot_id("news", 6)
    later = NOW + 9 * MINUTE
    await store.datasets.publish("news", epoch=6, snapshot=old, run_id="daily-1", at=later, counts=(4, 0, 6))
    await store.batches.record_plan(snapshot_id("news", 7), Plan("p", 1, 2, 0, 0, recorded_at=NOW + MINUTE), [["a"]])
    assert await last_progress(store) == NOW + MINUTE


async def test_records_of_older_versions_have_no_time_and_count_all_the_same(store: Store) -> None:
    snapshot = snapshot_id("books", 7)
    await store.batches.record_plan(snapshot, Plan("p", 1, 2, 0, 0), [["a", "b"]])
    await store.batches.record_result(snapshot, BatchResult(0, "a", 2, 0, 3))
    assert await store.batches.result(snapshot, 0) == BatchResult(0, "a", 2, 0, 3, recorded_at=None)
    so_far = await run_progress(store.batches, store.datasets, RUN)
    assert (so_far.last_progress_at, so_far.total("rows"), so_far.total("pages")) == (NOW, 3, 2)


async def test_a_repeated_plan_or_batch_keeps_the_time_of_the_first(store: Store) -> None:
    snapshot = snapshot_id("books", 7)
    first = BatchResult(0, "a", 2, 0, 3, recorded_at=NOW)
    await store.batches.record_result(snapshot, first)
    assert await store.batches.record_result(snapshot, replace(first, attempt="b", recorded_at=NOW + MINUTE)) == first
