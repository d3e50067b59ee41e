"""`GET runs`: pages of a history that grows while it is read, and what a line says of a run."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.functions as func
import pytest

from orchestrations import names
from storage.keys import snapshot_id
from storage.ledger.runs import RunRecord, finished
from storage.ledger.stalls import Stall
from storage.store import Store
from storage.ticket import Ticket, TicketState
from storage.work.batch_results import BatchResult
from storage.work.batches import Batches, Plan
from tests.helpers.ticket_stores import MemoryHub, Status
from triggers.runs.history import get_run, list_runs

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
SUMMARY = {"source": "books", "outcome": "published", "reason": "", "pages": 5, "loaded": 4, "failed": 1, "rows": 9}


async def ended_run(store: Store, epoch: int) -> None:
    run = RunRecord(f"run-{epoch}", epoch, "c", NOW + timedelta(hours=epoch), "http", ("books",))
    await store.runs.create(finished(run, at=run.started_at, outcome="completed", reason="", results=[SUMMARY]))


async def start(store: Store, hub: MemoryHub, epoch: int) -> None:
    """Take the ticket of this epoch and create the instance; the run has not taken its first step."""
    current = await store.tickets.read(names.DAILY_SCRAPE)
    ticket = Ticket(names.DAILY_SCRAPE, f"run-{epoch}", TicketState.STARTED, NOW, "http", claim="t", epoch=epoch)
    if current is None:
        await store.tickets.insert(ticket)
    else:
        await store.tickets.replace(Ticket(**{**_fields(ticket), "etag": current.etag}))
    await hub.start_new(names.DAILY_SCRAPE, f"run-{epoch}")


def _fields(ticket: Ticket) -> dict[str, Any]:
    return {name: getattr(ticket, name) for name in Ticket.__dataclass_fields__}


def claimed(epoch: int, *sources: str) -> RunRecord:
    return RunRecord(f"run-{epoch}", epoch, "c", NOW, "http", sources)


async def page(hub: MemoryHub, **query: str) -> tuple[list[dict[str, Any]], str | None]:
    answer = await list_runs(func.HttpRequest("GET", "http://localhost/api/runs", params=query, body=b""), hub)
    assert answer.status_code == 200
    document = json.loads(answer.get_body())
    return document["runs"], document["continuation"]


def ids(runs: list[dict[str, Any]]) -> list[str]:
    return [run["runId"] for run in runs]


async def test_runs_that_arrive_between_two_pages_neither_hide_nor_double_another(hub: MemoryHub, store: Store) -> None:
    for epoch in range(1, 8):
        await ended_run(store, epoch)
    read, continuation = await page(hub, limit="3")
    arriving = 8
    while continuation is not None:
        for epoch in (arriving, arriving + 1):
            await ended_run(store, epoch)
        await start(store, hub, arriving + 2)
        arriving += 3
        runs, continuation = await page(hub, limit="3", continuation=continuation)
        read += runs
    assert ids(read) == [f"run-{epoch}" for epoch in range(7, 0, -1)]


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
async def test_pages_of_every_size_show_each_run_once_and_the_last_has_no_continuation(
    hub: MemoryHub, store: Store, limit: int
) -> None:
    for epoch in (1, 2, 3):
        await ended_run(store, epoch)
    await start(store, hub, 4)
    read, continuation = await page(hub, limit=str(limit))
    pages = 1
    while continuation is not None:
        runs, continuation = await page(hub, limit=str(limit), continuation=continuation)
        read += runs
        pages += 1
    assert ids(read) == ["run-4", "run-3", "run-2", "run-1"]
    assert pages == -(-4 // limit)


async def test_a_run_that_has_not_taken_its_first_step_is_listed_and_can_be_stuck(hub: MemoryHub, store: Store) -> None:
    await start(store, hub, 1)
    (run,), _ = await page(hub)
    assert (run["runId"], run["state"], run["stuck"], run["lastProgressAt"]) == (
        "run-1",
        "running",
        False,
        "2026-11-21T06:00:00+00:00",
    )
    await store.stalls.report(Stall(1, "run-1", NOW, NOW + timedelta(hours=1), "it has not begun"))
    (run,), _ = await page(hub)
    assert run["stuck"]


async def test_a_run_that_takes_its_first_step_while_the_list_is_made_is_listed_once(
    hub: MemoryHub, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await start(store, hub, 1)
    newest = store.runs.newest

    async def after_its_first_step(*arguments: Any, **options: Any) -> Any:
        await store.runs.create(claimed(1, "books"))
        return await newest(*arguments, **options)

    monkeypatch.setattr(type(store.runs), "newest", lambda _, **options: after_its_first_step(**options))
    assert ids((await page(hub))[0]) == ["run-1"]


async def test_a_start_that_came_to_nothing_is_not_listed(hub: MemoryHub, store: Store) -> None:
    await ended_run(store, 1)
    await start(store, hub, 2)
    hub.finish("run-2", Status.Terminated)
    assert ids((await page(hub))[0]) == ["run-1"]


async def test_a_live_run_shows_how_far_it_is(hub: MemoryHub, store: Store) -> None:
    await start(store, hub, 1)
    await store.runs.create(claimed(1, "books", "news"))
    minute = timedelta(minutes=1)
    for source, loaded in (("books", 8), ("news", 5)):
        snapshot = snapshot_id(source, 1)
        await store.batches.record_plan(snapshot, Plan("p", 2, 20, 1, 7, recorded_at=NOW + minute), [["a"], ["b"]])
        result = BatchResult(0, "a", loaded, 10 - loaded, 3 * loaded, recorded_at=NOW + loaded * minute, unchanged=3)
        await store.batches.record_result(snapshot, result)
    (run,), _ = await page(hub)
    assert run["totals"] == {"pages": 40, "leftOut": 14, "loaded": 13, "unchanged": 6, "failed": 9, "rows": 39}
    assert run["lastProgressAt"] == (NOW + 8 * minute).isoformat()
    assert not run["stuck"]


async def test_a_run_tells_that_it_was_suspended_and_its_sources_that_they_may_grow(
    hub: MemoryHub, store: Store
) -> None:
    await start(store, hub, 1)
    await store.runs.create(claimed(1, "books", "news"))
    for source, is_open in (("books", True), ("news", False)):
        plan = Plan("p", 1, 1, 0, 0, recorded_at=NOW, follows=is_open, is_open=is_open)
        await store.batches.record_plan(snapshot_id(source, 1), plan, [["a"]])
    request = func.HttpRequest("GET", "http://localhost/api/runs/run-1", route_params={"runId": "run-1"}, body=b"")
    told = []
    for status in (Status.Running, Status.Suspended):
        hub.instances["run-1"].runtime_status = status
        (line,), _ = await page(hub)
        run = json.loads((await get_run(request, hub)).get_body())
        told.append((line["suspended"], run["suspended"]))
    assert told == [(False, False), (True, True)]
    assert {one["source"]: one["mayGrow"] for one in run["sources"]} == {"books": True, "news": False}


async def test_only_of_the_live_run_are_batches_read(
    hub: MemoryHub, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for epoch in range(1, 6):
        await ended_run(store, epoch)
    await start(store, hub, 6)
    await store.runs.create(claimed(6, "books", "news"))
    read: list[str] = []
    plan = Batches.plan

    async def counted(batches: Batches, snapshot: str) -> Plan | None:
        read.append(snapshot)
        return await plan(batches, snapshot)

    monkeypatch.setattr(Batches, "plan", counted)
    runs, _ = await page(hub)
    assert read == [snapshot_id("books", 6), snapshot_id("news", 6)]
    assert runs[1]["totals"] == {"pages": 5, "leftOut": 0, "loaded": 4, "unchanged": 0, "failed": 1, "rows": 9}


async def test_a_run_that_was_stuck_when_it_was_ended_is_not_stuck_any_more(hub: MemoryHub, store: Store) -> None:
    await start(store, hub, 1)
    await store.runs.create(claimed(1, "books"))
    await store.stalls.report(Stall(1, "run-1", NOW, NOW + timedelta(hours=1), "suspended"))
    (run,), _ = await page(hub)
    assert run["stuck"]
    hub.instances["run-1"] = Ended()  # type: ignore[assignment]
    (run,), _ = await page(hub)
    one = await get_run(
        func.HttpRequest("GET", "http://localhost/api/runs/run-1", route_params={"runId": "run-1"}, body=b""), hub
    )
    assert (run["outcome"], run["stuck"], run["totals"]) == ("terminated", False, None)
    assert not json.loads(one.get_body())["stuck"]


class Ended:
    """The hub's status of an instance that somebody has terminated."""

    name, runtime_status, output, last_updated_time = "daily_scrape", Status.Terminated, "by hand", NOW


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"limit": "0"}, "'limit' must be a whole number from 1 to 200, not '0'."),
        ({"limit": "201"}, "'limit' must be a whole number from 1 to 200, not '201'."),
        ({"continuation": "next"}, "'continuation' must be a whole number from 0 to 10000000000, not 'next'."),
        ({"continuation": "-1"}, "'continuation' must be a whole number from 0 to 10000000000, not '-1'."),
    ],
)
async def test_a_page_that_cannot_be_is_refused_by_field(query: dict[str, str], reason: str) -> None:
    answer = await list_runs(func.HttpRequest("GET", "http://localhost/api/runs", params=query, body=b""), MemoryHub())
    assert (answer.status_code, json.loads(answer.get_body())["detail"]) == (400, reason)


async def one(hub: MemoryHub, run_id: str) -> tuple[int, Any]:
    route = {"runId": run_id}
    answer = await get_run(func.HttpRequest("GET", "http://localhost/api/runs/x", route_params=route, body=b""), hub)
    return answer.status_code, json.loads(answer.get_body())


async def test_an_older_run_of_an_id_that_was_used_again_is_shown_by_its_epoch(hub: MemoryHub, store: Store) -> None:
    for epoch, outcome in ((1, "failed"), (2, "completed")):
        run = RunRecord("again", epoch, "c", NOW + timedelta(hours=epoch), "http", ("books",))
        await store.runs.create(finished(run, at=run.started_at, outcome=outcome, reason="", results=[SUMMARY]))
    shown = [(await one(hub, text))[1] for text in ("again", "again@1", "again@2")]
    assert [(run["runId"], run["epoch"], run["outcome"]) for run in shown] == [
        ("again", 2, "completed"),
        ("again", 1, "failed"),
        ("again", 2, "completed"),
    ]
    assert [(await one(hub, text))[0] for text in ("again@3", "other@1", "a gain@1")] == [404] * 3
    assert "'again@3'" in (await one(hub, "again@3"))[1]["detail"]


async def test_a_run_without_its_first_step_is_shown_by_its_epoch_too(hub: MemoryHub, store: Store) -> None:
    await start(store, hub, 7)
    status, run = await one(hub, "run-7@7")
    assert (status, run["epoch"], run["state"]) == (200, 7, "running")
    assert (await one(hub, "run-7@6"))[0] == 404


@pytest.mark.parametrize("text", ["again@01", "again@00000001", "again@0", "again@"])
async def test_an_epoch_is_written_in_one_way_only(hub: MemoryHub, store: Store, text: str) -> None:
    await store.runs.create(RunRecord("again", 1, "c", NOW, "http", ("books",)))
    status, problem = await one(hub, text)
    assert (status, problem["detail"]) == (404, f"There is no run '{text}'. GET /api/runs lists them.")


async def test_the_links_of_a_run_lead_to_itself_also_once_its_id_is_used_again(hub: MemoryHub, store: Store) -> None:
    for epoch in (1, 2):
        run = RunRecord("again", epoch, "c", NOW + timedelta(hours=epoch), "http", ("books",))
        await store.runs.create(finished(run, at=run.started_at, outcome="failed", reason="", results=[SUMMARY]))
    request = func.HttpRequest("GET", "http://localhost/api/runs", body=b"")
    listed = json.loads((await list_runs(request, hub)).get_body())["runs"]
    for run in [*listed, (await one(hub, "again@1"))[1], (await one(hub, "again"))[1]]:
        text = f"again@{run['epoch']}"
        address = f"http://localhost/api/runs/{text}"
        assert run["links"] == {"self": address, "failures": f"{address}/failures"}
        assert (await one(hub, text))[1]["epoch"] == run["epoch"]
