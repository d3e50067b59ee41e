"""`GET runs/{runId}/failures`: pages of a list that grows while it is read."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.functions as func
import pytest

from orchestrations import names
from scraper.models import PageFailure, Reason
from storage.data.rows import PLAN_BATCH
from storage.keys import snapshot_id
from storage.ledger.runs import RunRecord, finished
from storage.store import Store
from storage.ticket import Ticket, TicketState
from storage.work.batch_results import BatchResult
from storage.work.batches import Plan
from tests.helpers.ticket_stores import MemoryHub
from triggers.runs.failures import list_failures

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
NAMES = ("books", "news")
PLAN = Plan("p", 4, 12, 2, 0)


async def claimed_run(store: Store, epoch: int) -> None:
    """A run of two sources, each of which has met two bad places at planning."""
    await store.runs.create(RunRecord("today", epoch, "c", NOW + timedelta(hours=epoch), "http", NAMES))
    for source in NAMES:
        await fail(store, epoch, source, PLAN_BATCH, "p", pages=[0, 1])
        await store.batches.record_plan(snapshot_id(source, epoch), PLAN, [["http://site/"]] * PLAN.batches)


async def fail(store: Store, epoch: int, source: str, batch: int, attempt: str, *, pages: list[int]) -> None:
    failures = [
        (page, PageFailure(url=url(epoch, source, batch, page), reason=Reason.TIMEOUT, detail="slow")) for page in pages
    ]
    await store.rows.stage_failures(snapshot_id(source, epoch), batch, attempt, failures)


def url(epoch: int, source: str, batch: int, page: int) -> str:
    return f"http://site/{epoch}/{source}/{batch}/{page}"


async def record(store: Store, epoch: int, source: str, batch: int) -> None:
    """A batch whose second and third pages failed; an attempt that does not count saw all of them fail."""
    await fail(store, epoch, source, batch, "zombie", pages=[0, 1, 2])
    await fail(store, epoch, source, batch, "a", pages=[1, 2])
    await store.batches.record_result(snapshot_id(source, epoch), BatchResult(batch, "a", 1, 2, 1))


async def ask(hub: MemoryHub, run_id: str = "today", **query: str) -> tuple[int, Any]:
    address = f"http://localhost/api/runs/{run_id}/failures"
    request = func.HttpRequest("GET", address, params=query, route_params={"runId": run_id}, body=b"")
    answer = await list_failures(request, hub)
    return answer.status_code, json.loads(answer.get_body())


async def page(hub: MemoryHub, **query: str) -> tuple[list[str], str | None]:
    status, document = await ask(hub, **query)
    assert status == 200
    return [one["url"] for one in document["failures"]], document["continuation"]


def all_urls(epoch: int, source: str, *batches: int) -> list[str]:
    of_plan = [url(epoch, source, PLAN_BATCH, 0), url(epoch, source, PLAN_BATCH, 1)]
    return [*of_plan, *(url(epoch, source, batch, number) for batch in batches for number in (1, 2))]


@pytest.fixture
async def live(hub: MemoryHub, store: Store) -> MemoryHub:
    """A run on its way, of which each source has recorded two batches out of four."""
    await claimed_run(store, 1)
    await hub.start_new(names.DAILY_SCRAPE, "today")
    for source in NAMES:
        for batch in (1, 3):
            await record(store, 1, source, batch)
    return hub


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 11, 12, 13])
async def test_pages_of_every_size_show_each_failure_once_and_the_last_has_no_continuation(
    live: MemoryHub, limit: int
) -> None:
    read, continuation = await page(live, limit=f"{limit}")
    while continuation is not None:
        urls, continuation = await page(live, limit=f"{limit}", continuation=continuation)
        read += urls
    assert read == all_urls(1, "books", 1, 3) + all_urls(1, "news", 1, 3)


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
async def test_batches_that_are_recorded_between_two_pages_neither_hide_nor_double_a_failure(
    live: MemoryHub, store: Store, limit: int
) -> None:
    there = all_urls(1, "books", 1, 3) + all_urls(1, "news", 1, 3)
    arriving = [("news", 0), ("books", 0), ("books", 2), ("news", 2)]
    read, continuation = await page(live, limit=f"{limit}")
    while continuation is not None:
        if arriving:
            await record(store, 1, *arriving.pop(0))
        urls, continuation = await page(live, limit=f"{limit}", continuation=continuation)
        read += urls
    assert len(read) == len(set(read))
    assert [one for one in read if one in there] == there


async def test_the_pages_of_one_listing_are_of_one_execution_of_the_id(live: MemoryHub, store: Store) -> None:
    read, continuation = await page(live, limit="4")
    live.finish("today")
    await claimed_run(store, 2)
    assert continuation is not None
    rest, _ = await page(live, continuation=continuation)
    assert read + rest == all_urls(1, "books", 1, 3) + all_urls(1, "news", 1, 3)
    assert (await page(live))[0] == all_urls(2, "books") + all_urls(2, "news")


async def test_a_run_that_has_not_taken_its_first_step_has_no_failures_not_those_of_its_id_before(
    live: MemoryHub, store: Store
) -> None:
    (run,) = (await store.runs.newest(limit=1, before_epoch=None))[0]
    await store.runs.end(finished(run, at=NOW, outcome="failed", reason="", results=[]))
    await store.tickets.insert(Ticket(names.DAILY_SCRAPE, "today", TicketState.STARTED, NOW, "http", "t", epoch=2))
    assert await page(live) == ([], None)


@pytest.mark.parametrize("text", ["4", "1-0-0", "1-0-0-0-0", "1-0-0-x", "-1-0-0-0", "2-0-0-0", "9999999999-1-1-1"])
async def test_a_continuation_that_the_run_has_not_given_is_refused(live: MemoryHub, text: str) -> None:
    status, problem = await ask(live, continuation=text)
    detail = f"'continuation' must be one that the page before has given, not '{text}'."
    assert (status, problem["detail"]) == (400, detail)


async def test_a_run_that_never_was_is_not_found(live: MemoryHub) -> None:
    for query in ({}, {"continuation": "1-0-0-0"}):
        assert (await ask(live, "nobody", **query))[0] == 404


async def test_sources_whose_failures_were_purged_are_named(store: Store, hub: MemoryHub) -> None:
    await claimed_run(store, 1)
    results = [
        {"source": source, "outcome": "published", "reason": "", "pages": 12, "failed": failed}
        for source, failed in (("books", 2), ("news", 2), ("clean", 0))
    ]
    run = await store.runs.of_epoch(1)
    await store.runs.end(finished(run, at=NOW, outcome="completed_with_failures", reason="", results=results))
    assert (await ask(hub))[1]["notKept"] == []
    table = await store.tables.table("batches")
    await table.delete_entity(snapshot_id("books", 1), "plan")
    status, document = await ask(hub)
    assert (status, document["notKept"]) == (200, ["books"])
    assert {one["source"] for one in document["failures"]} == {"news"}


async def test_an_older_run_of_an_id_that_was_used_again_is_asked_for_by_its_epoch(
    live: MemoryHub, store: Store
) -> None:
    _, continuation = await page(live, limit="4")
    live.finish("today")
    await claimed_run(store, 2)
    older = all_urls(1, "books", 1, 3) + all_urls(1, "news", 1, 3)
    status, document = await ask(live, "today@1")
    assert (status, [one["url"] for one in document["failures"]]) == (200, older)
    status, document = await ask(live, "today@1", continuation=str(continuation))
    assert (status, [one["url"] for one in document["failures"]]) == (200, older[4:])
    assert (await ask(live, "today@2", continuation=str(continuation)))[0] == 400
    assert [(await ask(live, text))[0] for text in ("today@3", "other@1", "to day@1", "today@", "today@x")] == [404] * 5
