"""Stopping a run on the real tables, step by step: who may stop what, and what a stopped run may still do."""

import json
from datetime import UTC, datetime
from typing import Any

import azure.functions as func
import pytest

from activities.claim import claim_run
from activities.runs import finish_run
from scraper.settings import Settings
from starts.singleton import Start, start_singleton
from storage.data.datasets import Superseded
from storage.keys import snapshot_id
from storage.store import Store
from storage.ticket import StopMode, TicketState
from storage.work.batch_results import BatchResult
from storage.work.batches import Plan
from tests.helpers.ticket_stores import MemoryHub, Status
from triggers.runs.commands import request_stop
from triggers.runs.stop import RunHasEnded, RunNotFound, stop_run

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
SOURCES = """
[[source]]
name = "books"
urls = ["http://127.0.0.1:1/a"]
allow_private_hosts = ["127.0.0.1"]
fields = { title = "h1::text" }
"""


async def start(hub: MemoryHub, store: Store, run_id: str) -> dict[str, Any]:
    """Start a run as a trigger does; returns what its `claim_run` will be given."""
    await start_singleton(hub, store.tickets, Start("daily_scrape", run_id, {}, "test"), grace=Settings().start_grace)
    return claim_of(run_id, hub.instances[run_id].payload["epoch"])


def claim_of(run_id: str, epoch: int | None, *, claim: str = "t1") -> dict[str, Any]:
    return {"run_id": run_id, "epoch": epoch, "claim": claim, "sources": None, "triggered_by": "test"}


async def running(hub: MemoryHub, store: Store, run_id: str) -> dict[str, Any]:
    """A run that has taken its first step; returns the payload of that step."""
    payload = await start(hub, store, run_id)
    assert (await claim_run(payload, hub))["code"] == "claimed"
    return payload


async def test_a_run_that_is_stopped_now_frees_the_singleton_and_is_written_down(hub: MemoryHub, store: Store) -> None:
    await running(hub, store, "a")
    await stop_run(hub, store, "a", StopMode.NOW, by="the operator")
    run, ticket = await store.runs.find("a"), await store.tickets.read("daily_scrape")
    assert run is not None
    assert (run.outcome, run.reason) == ("stopped", "stopped at once (asked for by the operator)")
    assert [(one["source"], one["outcome"]) for one in run.results] == [("books", "stopped")]
    assert ticket is not None
    assert (ticket.state, ticket.epoch) == (TicketState.FREE, 1)
    assert hub.running() == []


async def test_a_run_that_was_stopped_now_cannot_publish(hub: MemoryHub, store: Store) -> None:
    await running(hub, store, "a")
    await stop_run(hub, store, "a", StopMode.NOW, by="test")
    with pytest.raises(Superseded):
        await store.datasets.publish("books", epoch=1, snapshot="s", run_id="a", at=NOW, counts=(1, 0, 1))


async def test_a_run_that_nobody_started_cannot_be_stopped(hub: MemoryHub, store: Store) -> None:
    with pytest.raises(RunNotFound):
        await stop_run(hub, store, "nobody", StopMode.NOW, by="test")


async def test_a_run_that_has_ended_cannot_be_stopped_and_says_how_it_ended(hub: MemoryHub, store: Store) -> None:
    await running(hub, store, "a")
    snapshot = snapshot_id("books", 1)
    await store.batches.record_plan(snapshot, Plan("p", 1, 1, 0, 0), [["http://site/a"]])
    await store.batches.record_result(snapshot, BatchResult(0, "x", 1, 0, 1))
    await finish_run({"run_id": "a", "epoch": 1, "reason": "", "sources": []})
    hub.finish("a", Status.Completed)
    with pytest.raises(RunHasEnded) as refusal:
        await stop_run(hub, store, "a", StopMode.DRAIN, by="test")
    assert refusal.value.outcome == "failed"


async def ask(hub: MemoryHub, run_id: str, *, body: bytes = b"", **query: str) -> tuple[int, dict[str, Any]]:
    """Status and document of a POST to the route."""
    url = f"http://host/api/runs/{run_id}/stop"
    request = func.HttpRequest("POST", url, params=query, route_params={"runId": run_id}, body=body)
    answer = await request_stop(request, hub)
    return answer.status_code, json.loads(answer.get_body())


async def test_a_stop_over_http_drains_if_it_is_not_told_otherwise(hub: MemoryHub, store: Store) -> None:
    await running(hub, store, "a")
    status, document = await ask(hub, "a")
    assert (status, document["runId"], document["mode"]) == (202, "a", "drain")
    assert document["links"]["self"] == "http://host/api/runs/a"


async def test_a_stop_over_http_answers_with_the_mode_in_force(hub: MemoryHub, store: Store) -> None:
    await running(hub, store, "a")
    assert (await ask(hub, "a", mode="drain"))[1]["mode"] == "drain"
    assert (await ask(hub, "a", mode="now"))[1]["mode"] == "now"


async def test_a_stop_over_http_that_comes_too_late_is_told_the_outcome(hub: MemoryHub, store: Store) -> None:
    await running(hub, store, "a")
    await ask(hub, "a", mode="now")
    status, document = await ask(hub, "a", mode="now")
    assert (status, document["outcome"]) == (409, "stopped")


async def test_a_stop_over_http_of_a_run_that_never_was_is_404(hub: MemoryHub, store: Store) -> None:
    assert (await ask(hub, "nobody"))[0] == 404


async def test_a_mode_in_the_body_is_refused_and_does_not_drain(hub: MemoryHub, store: Store) -> None:
    await running(hub, store, "a")
    status, document = await ask(hub, "a", body=b'{"mode": "now"}')
    ticket = await store.tickets.read("daily_scrape")
    assert (status, document["detail"]) == (400, "'mode' belongs into the URL, not into the body: ?mode=now")
    assert ticket is not None
    assert ticket.stop is StopMode.NONE


@pytest.mark.parametrize("mode", ["later", "", "NOW"])
async def test_a_stop_over_http_in_another_mode_names_field_and_modes(hub: MemoryHub, store: Store, mode: str) -> None:
    status, document = await ask(hub, "a", mode=mode)
    assert (status, document["detail"]) == (400, f"'mode' must be 'drain' or 'now', not '{mode}'.")
