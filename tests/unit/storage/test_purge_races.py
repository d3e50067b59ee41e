"""A purge beside others: whoever goes in between, at any of its steps, leaves nothing half."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from scraper.models import PageLoaded, Row
from storage.data.datasets import SnapshotPurged
from storage.data.stored_rows import StoredRow
from storage.keys import snapshot_id
from storage.ledger.runs import RunRecord, RunRef
from storage.planning.retrying import rest_of, why_not_retry
from tests.helpers.archive import Archive
from tests.helpers.past_runs import day

Step = Callable[[Archive], Awaitable[Any]]
NOT_YET = object()


async def outcome_of(step: Step, archive: Archive) -> Any:
    try:
        return await step(archive)
    except SnapshotPurged as refused:
        return refused


async def interrupted(archive: Archive, first: Step, second: Step, *, after: int) -> tuple[Any, Any]:
    """The outcomes of two steps, the second taken whole after so many calls of the first; NOT_YET if it had fewer."""
    calls, answer = 0, NOT_YET

    async def turn() -> None:
        nonlocal calls, answer
        calls += 1
        if calls == after + 1:
            answer = await outcome_of(second, archive)

    for table in archive.tables.tables.values():
        table._turn = turn  # type: ignore[method-assign]
    return await outcome_of(first, archive), answer


@pytest.fixture(params=[4, pytest.param(1, marks=pytest.mark.long)], ids=["some orders", "every order"])
def every(request: pytest.FixtureRequest) -> int:
    return int(request.param)


async def in_orders(make: Callable[[], Awaitable[Archive]], one: Step, other: Step, check: Any, *, every: int) -> int:
    """Take either step in between the calls of the other, at each or `every` so many; how many calls there were."""
    orders = 0
    for is_turned in (False, True):
        for after in range(0, 10_000, every):
            archive = await make()
            first, second = (other, one) if is_turned else (one, other)
            told, answer = await interrupted(archive, first, second, after=after)
            if answer is NOT_YET:
                break
            orders += every
            await check(archive, *((answer, told) if is_turned else (told, answer)))
    return orders


async def two_old_snapshots() -> Archive:
    """The newer one is published, a younger run has published nothing."""
    archive = Archive()
    await archive.past.run(0)
    await archive.past.run(1)
    await archive.past.run(40, publishes=())
    return archive


async def purge(archive: Archive) -> dict[str, int]:
    return await archive.purge(42)


async def go_back(archive: Archive) -> None:
    await archive.past.publish("books", 1, at=42)


async def test_a_rollback_to_a_snapshot_that_is_being_purged_is_refused_or_keeps_it_whole(every: int) -> None:
    outcomes = set()

    async def check(archive: Archive, _: Any, answer: Any) -> None:
        outcomes.add(type(answer))
        dataset = await archive.store.published("books")
        assert dataset.epoch == (2 if isinstance(answer, SnapshotPurged) else 1)
        await archive.past.read("books", dataset.epoch)
        await archive.purge(42)
        await archive.past.read("books", dataset.epoch)

    assert await in_orders(two_old_snapshots, purge, go_back, check, every=every) > 30
    assert outcomes == {SnapshotPurged, type(None)}


async def publish_younger(archive: Archive) -> None:
    await archive.past.publish("books", 3, at=42)


async def test_a_publication_beside_a_purge_leaves_the_new_snapshot_and_for_a_day_the_one_before(every: int) -> None:
    async def check(archive: Archive, _: Any, answer: Any) -> None:
        assert answer is None
        await archive.past.read("books", 3)
        await archive.past.read("books", 2)
        await archive.purge(42.5)
        await archive.past.read("books", 2)

    assert await in_orders(two_old_snapshots, purge, publish_younger, check, every=every) > 30


async def claim_retry(archive: Archive) -> str:
    """What the first step of a run that retries the run before does; why it is refused, if it is."""
    store, base = archive.store, RunRef("run-3", 3)
    run = RunRecord("run-4", 4, "c", day(42), "http", ("books",), retry_of=base)
    await store.runs.create(run)
    archive.past.ended[4], archive.past.retry_of[4] = None, 3
    await store.datasets.raise_fence("books", 4)
    retried = await store.runs.of_execution(base)
    return await why_not_retry(store, await rest_of(store, retried, "books")) if retried is not None else "it is gone"


async def purge_later(archive: Archive) -> dict[str, int]:
    return await archive.purge(71)


async def test_a_retry_of_a_run_that_is_being_purged_is_refused_or_keeps_it_whole(every: int) -> None:
    answers = set()

    async def check(archive: Archive, _: Any, answer: str) -> None:
        answers.add(answer)
        if not answer:
            await archive.past.read("books", 3)
            await archive.purge(71)
            await archive.past.read("books", 3)

    assert await in_orders(two_old_snapshots, purge_later, claim_retry, check, every=every) > 30
    refused = "what run 'run-3' loaded of 'books' is not kept any more: start a new run"
    assert answers == {"", refused, "it is gone"}


async def read_previous(archive: Archive) -> list[StoredRow]:
    """What a reader does who has seen what was published before."""
    snapshot = snapshot_id("books", 1)
    results = await archive.store.batches.results(snapshot)
    return [row async for row in archive.store.rows.of_snapshot(snapshot, results)]


async def test_a_reader_of_what_was_published_until_now_reads_all_of_it(every: int) -> None:
    async def just_replaced() -> Archive:
        archive = Archive()
        await archive.past.run(0)
        await archive.past.run(41.5)
        return archive

    async def check(_: Archive, _deleted: Any, rows: list[StoredRow]) -> None:
        assert len(rows) == 2

    assert await in_orders(just_replaced, purge, read_previous, check, every=every) > 5


@pytest.mark.parametrize("purges", [2, 3])
async def test_purges_at_the_same_time_do_what_one_does(purges: int) -> None:
    archive = await two_old_snapshots()
    pages = [PageLoaded(place, "u", "u", day(0), [Row({"n": n}, n) for n in range(200)]) for place in range(5)]
    await archive.store.rows.stage("books~0000000001", 0, "many", pages)

    async def turn() -> None:
        await asyncio.sleep(0)

    for table in archive.tables.tables.values():
        table._turn = turn  # type: ignore[method-assign]
    await asyncio.gather(*(purge(archive) for _ in range(purges)))
    assert archive.snapshots_in("rows") == {"books~0000000002", "books~0000000003"}
    await archive.past.read("books", 2)
