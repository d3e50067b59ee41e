"""`GET runs/{runId}/batches`: the timeline of a run, in pages that keep to one execution of its ID."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.functions as func
import pytest

from orchestrations import names
from storage.keys import snapshot_id
from storage.ledger.runs import RunRecord
from storage.store import Store
from storage.work.batch_results import BatchResult
from storage.work.batches import Plan
from storage.work.page_lists import Part
from tests.helpers.ticket_stores import MemoryHub
from triggers.runs.batches import list_batches
from triggers.runs.history import get_run

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
SECOND = timedelta(seconds=1)
NAMES = ("books", "news")
REASONS = {"timeout": 2, "http_404": 1}


async def record(store: Store, epoch: int, source: str, *batches: int) -> None:
    for batch in batches:
        times = {"started_at": NOW + batch * SECOND, "recorded_at": NOW + (batch + 5) * SECOND}
        result = BatchResult(batch, "a", 7, 3, 14, unchanged=2, reasons=REASONS, **times)
        await store.batches.record_result(snapshot_id(source, epoch), result)


@pytest.fixture
async def live(hub: MemoryHub, store: Store) -> MemoryHub:
    """A run on its way, whose planning has met a bad place, and of which each source has two batches out of four."""
    await store.runs.create(RunRecord("today", 1, "c", NOW, "http", NAMES))
    await hub.start_new(names.DAILY_SCRAPE, "today")
    for source in NAMES:
        plan = Plan("p", 4, 40, 1, 0, reasons={"bad_sitemap": 1})
        await store.batches.record_plan(snapshot_id(source, 1), plan, [["http://site/"]] * 4)
        await record(store, 1, source, 0, 2)
    return hub


async def ask(hub: MemoryHub, run_id: str = "today", **query: str) -> tuple[int, Any]:
    address = f"http://localhost/api/runs/{run_id}/batches"
    request = func.HttpRequest("GET", address, params=query, route_params={"runId": run_id}, body=b"")
    answer = await list_batches(request, hub)
    return answer.status_code, json.loads(answer.get_body())


async def test_each_batch_tells_when_it_was_worked_on_and_why_pages_failed(live: MemoryHub) -> None:
    status, document = await ask(live)
    told = [(one["source"], one["batch"]) for one in document["batches"]]
    assert (status, told) == (200, [("books", 0), ("books", 2), ("news", 0), ("news", 2)])
    assert document["batches"][1] == {
        "source": "books",
        "batch": 2,
        "isTakenOver": False,
        "startedAt": "2026-11-21T06:00:02+00:00",
        "finishedAt": "2026-11-21T06:00:07+00:00",
        "loaded": 7,
        "unchanged": 2,
        "failed": 3,
        "rows": 14,
        "failedByReason": REASONS,
    }


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
async def test_pages_show_each_batch_once_and_those_that_come_behind(live: MemoryHub, store: Store, limit: int) -> None:
    _, document = await ask(live, limit=f"{limit}")
    read = document["batches"]
    await record(store, 1, "news", 3)
    while document["continuation"] is not None:
        _, document = await ask(live, limit=f"{limit}", continuation=document["continuation"])
        read += document["batches"]
    told = [(one["source"], one["batch"]) for one in read]
    assert told[:4] == [("books", 0), ("books", 2), ("news", 0), ("news", 2)]
    assert told[4:] in ([], [("news", 3)])


async def test_what_was_taken_over_and_what_an_older_version_wrote_has_no_times(live: MemoryHub, store: Store) -> None:
    part = Part(snapshot_id("news", 0), "z", 7, 7)
    await store.batches.record_result(snapshot_id("news", 1), BatchResult(3, "", 7, 0, 7, earlier=(part,)))
    _, document = await ask(live)
    last = document["batches"][-1]
    told = [last[name] for name in ("batch", "isTakenOver", "startedAt", "finishedAt", "failedByReason")]
    assert told == [3, True, None, None, None]


async def test_a_continuation_of_another_run_is_refused(live: MemoryHub, store: Store) -> None:
    await store.runs.create(RunRecord("other", 2, "c", NOW, "http", NAMES))
    _, document = await ask(live, limit="1")
    status, problem = await ask(live, "other", continuation=document["continuation"])
    assert (status, document["continuation"] in problem["detail"]) == (400, True)
    assert [(await ask(live, continuation=text))[0] for text in ("", "1-0", "1-0-0-0", "x-0-0")] == [400] * 4


async def test_a_run_that_never_was_is_not_found(live: MemoryHub) -> None:
    assert (await ask(live, "nobody"))[0] == 404


async def test_the_sources_of_a_live_run_tell_how_many_pages_failed_for_which_reason(live: MemoryHub) -> None:
    request = func.HttpRequest("GET", "http://localhost/api/runs/today", route_params={"runId": "today"}, body=b"")
    document = json.loads((await get_run(request, live)).get_body())
    told = [(one["failed"], one["failedByReason"]) for one in document["sources"]]
    assert told == [(7, {"timeout": 4, "http_404": 2, "bad_sitemap": 1})] * 2
    assert list(told[0][1]) == ["timeout", "http_404", "bad_sitemap"]
