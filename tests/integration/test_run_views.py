"""A run as it is shown, while its record and the hub's status change under the reader."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from azure.durable_functions import OrchestrationRuntimeStatus as Status

from scraper.settings import Settings
from storage.keys import key_text, newest_first
from storage.ledger.runs import RUN_IDS, RUNS, RunRecord, finished
from storage.store import Store, open_store
from triggers.runs.views import as_it_is

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
RUN = RunRecord("daily", 1, "c", NOW, "timer", ("books",))


class Hub:
    """Says one status, after doing what happens just before it is asked."""

    def __init__(self, status: Status | None, before: Any = None, *, name: str = "daily_scrape") -> None:
        self.status, self.before, self.name = status, before, name

    async def get_status(self, instance_id: str) -> Any:
        if self.before is not None:
            await self.before()
        return self.status and SimpleNamespace(
            name=self.name, runtime_status=self.status, output="by hand", last_updated_time=NOW
        )


@pytest.fixture
async def store(azurite: str, table_prefix: str) -> AsyncIterator[Store]:
    opened = open_store(Settings(storage_connection=azurite, table_prefix=table_prefix))
    await opened.runs.create(RUN)
    yield opened
    await opened.tables.close()


async def test_a_run_that_ends_while_it_is_read_is_shown_as_it_ended(store: Store) -> None:
    ended = finished(RUN, at=NOW, outcome="completed", reason="", results=[])

    async def ends() -> None:
        await store.runs.end(ended)

    assert await as_it_is(Hub(Status.Completed, ends), store, RUN) == ended


async def test_a_live_run_is_shown_as_it_is(store: Store) -> None:
    assert await as_it_is(Hub(Status.Running), store, RUN) == RUN


async def test_a_terminated_run_is_shown_with_the_reason_it_was_given(store: Store) -> None:
    shown = await as_it_is(Hub(Status.Terminated), store, RUN)
    assert (shown.outcome, shown.reason) == ("terminated", "the orchestration was terminated: by hand")
    assert shown.finished_at == NOW


async def test_a_run_whose_orchestration_is_gone_without_a_record_has_failed(store: Store) -> None:
    shown = await as_it_is(Hub(None), store, RUN)
    assert (shown.outcome, shown.reason) == ("failed", "the orchestration is gone and left no record")


async def test_that_a_run_was_terminated_outlasts_the_hubs_record_of_it(store: Store) -> None:
    terminated = await as_it_is(Hub(Status.Terminated), store, RUN)
    assert await as_it_is(Hub(None), store, await store.runs.of_epoch(1)) == terminated


async def test_a_broken_run_may_yet_be_rewound_so_nothing_is_written_down(store: Store) -> None:
    assert (await as_it_is(Hub(Status.Failed), store, RUN)).outcome == "failed"
    assert await as_it_is(Hub(Status.Running), store, await store.runs.of_epoch(1)) == RUN


@pytest.mark.parametrize(
    "hub", [Hub(Status.Running, name="welcome"), Hub(Status.Completed, name="welcome"), Hub(Status.Completed)]
)
async def test_a_later_instance_with_the_same_id_says_nothing_about_the_run(store: Store, hub: Hub) -> None:
    """A run that completed has written its record: without one, the hub speaks of an execution that was held."""
    shown = await as_it_is(hub, store, RUN)
    assert (shown.outcome, shown.reason) == ("failed", "the orchestration is gone and left no record")


@pytest.mark.parametrize("earlier", [None, 1])
async def test_a_run_between_the_two_writes_of_its_first_step_is_not_gone(store: Store, earlier: int | None) -> None:
    """Its record stands there, and its ID still leads to nothing, or to the run that had the ID before."""
    await store.runs.end(finished(RUN, at=NOW, outcome="completed", reason="", results=[]))
    starting = await store.runs.create(replace(RUN, epoch=2, claim="d"))
    table = await store.tables.table("runs")
    if earlier is None:
        await table.delete_entity(RUN_IDS, key_text(RUN.run_id))
    else:
        await table.upsert_entity({"PartitionKey": RUN_IDS, "RowKey": key_text(RUN.run_id), "epoch": earlier})
    assert await as_it_is(Hub(Status.Pending), store, starting) == starting


async def test_a_run_that_is_purged_while_it_is_read_has_failed(store: Store) -> None:
    async def purged() -> None:
        table = await store.tables.table("runs")
        await table.delete_entity(RUNS, newest_first(RUN.epoch))

    assert (await as_it_is(Hub(None, purged), store, RUN)).outcome == "failed"
