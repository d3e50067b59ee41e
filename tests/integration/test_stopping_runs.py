"""Stopping a run on the real tables, step by step: who may stop what, and what a stopped run may still do."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from activities.claim import claim_run
from activities.runs import finish_run
from scraper.settings import Settings
from starts.singleton import Start, start_singleton
from storage.batches import BatchResult, Plan
from storage.datasets import Superseded
from storage.keys import snapshot_id
from storage.store import Store, open_store
from storage.ticket import StopMode, TicketState
from tests.helpers.ticket_stores import MemoryHub, Status
from triggers.run_stop import RunHasEnded, RunNotFound, stop_run

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
SOURCES = """
[[source]]
name = "books"
urls = ["http://127.0.0.1:1/a"]
fields = { title = "h1::text" }
"""


@pytest.fixture
async def store(
    azurite: str, table_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Store]:
    file = tmp_path / "sources.toml"
    file.write_text(SOURCES)
    monkeypatch.setenv("AzureWebJobsStorage", azurite)
    monkeypatch.setenv("TABLE_PREFIX", table_prefix)
    monkeypatch.setenv("SOURCES_FILE", str(file))
    opened = open_store(Settings())
    yield opened
    await opened.tables.close()


@pytest.fixture
def hub() -> MemoryHub:
    return MemoryHub()


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
