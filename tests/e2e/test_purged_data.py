"""A purge over HTTP: what readers are told of data that is gone, and a host that is killed while it purges."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from samples.site.catalogue import Catalogue
from scripts.processes import Supervisor
from scripts.sample_site import start_sample_site
from storage.data.publications import as_text
from storage.keys import newest_first, snapshot_id
from storage.store import Store
from tests.e2e.conftest import StartApp
from tests.helpers.running_app import RunningApp, expected_rows, rows_by_path, storage_of, wait_for

BOOKS = 12


def start_purge(app: RunningApp) -> None:
    """Let the timer fire, as the host's admin route does."""
    assert app.ask("POST", "/admin/functions/purge_timer", {}).status == 202


def ended_purge(app: RunningApp) -> dict[str, Any]:
    """What `GET health/details` tells of it once it has ended."""
    wait_for(lambda: (last_purge(app) or {}).get("outcome") is not None, timeout_s=120)
    told = last_purge(app)
    assert told is not None
    return told


def last_purge(app: RunningApp) -> dict[str, Any] | None:
    told: dict[str, Any] | None = app.ask("GET", "/api/health/details").document["lastPurge"]
    return told


def refusal(app: RunningApp, run_id: str) -> tuple[int, str]:
    answer = app.ask("GET", f"/api/datasets/books/rows?run={run_id}")
    return answer.status, str(answer.document["detail"])


async def let_age(store: Store, run_id: str, *, days: float) -> None:
    """Let a run, and its publication, have been so many days before."""
    run = await store.runs.find(run_id)
    assert run is not None
    assert run.finished_at is not None
    span = timedelta(days=days)
    table = await store.tables.table("runs")
    key = {"PartitionKey": "run", "RowKey": newest_first(run.epoch)}
    times = {"started_at": run.started_at - span, "finished_at": run.finished_at - span}
    await table.upsert_entity({**key, **times}, mode="merge")
    dataset = await store.datasets.find("books")
    assert dataset is not None
    aged = [replace(one, at=one.at - span) if one.epoch == run.epoch else one for one in dataset.publications]
    pointers = await store.tables.table("datasets")
    pointer = {"PartitionKey": "dataset", "RowKey": "books", "publications": as_text(aged)}
    await pointers.upsert_entity(pointer, mode="merge")


async def partitions(store: Store, name: str) -> set[str]:
    table = await store.tables.table(name)
    return {one["PartitionKey"] async for one in table.query_entities("PartitionKey ne ''", select=["PartitionKey"])}


async def test_purged_runs_are_gone_in_words_and_a_kill_in_the_middle_changes_nothing(
    start_app: StartApp, supervisor: Supervisor
) -> None:
    site = start_sample_site(supervisor, books=BOOKS, fault_percent=0)
    app = start_app(site, RETENTION_DAYS="1", PAGES_PER_BATCH="4")
    assert last_purge(app) is None
    for run_id in ("ancient", "old", "replaced", "new"):
        app.start_run(run_id, {"sources": ["books"]})
        assert app.finished_run(run_id)["outcome"] == "completed"
    async with storage_of(app.settings) as store:
        epochs = {run_id: (await store.runs.find(run_id)).epoch for run_id in ("ancient", "old", "replaced", "new")}  # type: ignore[union-attr]
        await let_age(store, "ancient", days=40)
        await let_age(store, "old", days=3)
        await let_age(store, "replaced", days=1.5)

        start_purge(app)
        time.sleep(random.Random(3).uniform(0, 0.5))  # anywhere in it
        app.child.kill()
        app.restart()
        start_purge(app)
        told = ended_purge(app)
        assert (told["runtimeStatus"], told["outcome"], told["reason"]) == ("Completed", "completed", "")
        assert datetime.fromisoformat(told["startedAt"]) > datetime.now(UTC) - timedelta(minutes=10)

        status, text = refusal(app, "ancient")
        assert (status, text) == (404, "There is no run 'ancient'. Kept are: new, replaced.")
        status, text = refusal(app, "old")
        expected = "What run 'old' loaded of 'books' is not kept any more. GET /api/datasets/books lists what is."
        assert (status, text) == (410, expected)
        assert app.ask("GET", "/api/datasets/books/diff?from=old").status == 410
        assert app.ask("GET", "/api/runs/ancient").status == 404
        assert app.run("old")["outcome"] == "completed", "records of runs stay for eight days"
        retry = app.ask("POST", "/api/runs/old/retry")
        assert retry.status == 409
        listed = app.ask("GET", "/api/datasets/books").document["snapshots"]
        assert [one["runId"] for one in listed] == ["new", "replaced"]

        dataset, rows = await rows_by_path(store, "books")
        assert dataset is not None
        assert (dataset.run_id, rows) == ("new", expected_rows(Catalogue(BOOKS, 1, 0)))
        kept = {snapshot_id("books", epochs[run_id]) for run_id in ("replaced", "new")}
        assert {name for name in await partitions(store, "batches") if not name.startswith("~")} == kept
        assert {name.rpartition("~")[0] for name in await partitions(store, "rows")} == kept
