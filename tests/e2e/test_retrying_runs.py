"""Retries over HTTP: what failed, or was never come to, is fetched; what was loaded is not; the data is exact."""

import asyncio
import random
import time
from typing import Any

import pytest

from samples.site.catalogue import Catalogue
from scraper.settings import Settings
from scripts.http_json import ask
from scripts.processes import Supervisor
from scripts.sample_site import SampleSite, start_sample_site
from storage.keys import snapshot_id
from storage.store import open_store
from tests.e2e.conftest import StartApp
from tests.helpers.running_app import RunningApp, expected_rows, published, wait_for

BOOKS, FAULT_PERCENT = 160, 8.0  # thirteen faulty pages: one of each kind but the one that hangs


def hits(site: SampleSite) -> dict[str, int]:
    """Requests for book pages by path."""
    counted: dict[str, int] = ask("GET", f"{site.url}/stats?hits").document["hits"]
    return {path: count for path, count in counted.items() if path.startswith("/books/")}


def retry(app: RunningApp, run_id: str, body: Any = None) -> str:
    """The ID of the accepted retry of a run."""
    answer = app.ask("POST", f"/api/runs/{run_id}/retry", body)
    assert answer.status == 202, answer.text
    return str(answer.document["runId"])


def refusal(app: RunningApp, run_id: str) -> dict[str, Any]:
    """The problem with which a retry is refused."""
    answer = app.ask("POST", f"/api/runs/{run_id}/retry")
    assert answer.status == 409, answer.text
    document: dict[str, Any] = answer.document
    return document


async def test_a_run_with_failed_pages_is_completed_by_a_retry_of_these_alone(
    start_app: StartApp, supervisor: Supervisor
) -> None:
    truth = Catalogue(BOOKS, 1, 0)
    failed = Catalogue(BOOKS, 1, FAULT_PERCENT).expected_failures()
    site = start_sample_site(supervisor, books=BOOKS, fault_percent=FAULT_PERCENT)
    app = start_app(site, PAGES_PER_BATCH="20")
    app.start_run("base")
    assert app.finished_run("base")["outcome"] == "completed_with_failures"
    assert ask("POST", f"{site.url}/heal").status == 200
    before = hits(site)

    first = retry(app, "base")
    run = app.finished_run(first)
    assert (run["outcome"], run["retryOf"]) == ("completed", "base")
    (source,) = run["sources"]
    assert [source[name] for name in ("source", "pages", "loaded", "failed", "rows")] == [
        "books",
        BOOKS,
        BOOKS,
        0,
        BOOKS,
    ]
    after = hits(site)
    assert {path: count - before[path] for path, count in after.items() if count != before[path]} == dict.fromkeys(
        failed, 1
    )
    dataset, rows = await published(app.settings, "books")
    assert rows == expected_rows(truth)
    assert list(rows) == list(expected_rows(truth))
    assert dataset is not None
    assert (dataset.run_id, dataset.failed) == (first, 0)

    assert refusal(app, first)["detail"].startswith(f"The run '{first}' has nothing to retry")
    newer = refusal(app, "base")
    assert (newer["source"], newer["newerRun"]) == ("books", first)
    listed = {one["runId"]: one["retryOf"] for one in app.ask("GET", "/api/runs").document["runs"]}
    assert listed == {first: "base", "base": None}


async def loaded_paths(app: RunningApp, run_id: str) -> set[str]:
    """The book pages whose rows count in a run's snapshot, published or not."""
    settings = Settings(
        storage_connection=app.settings["AzureWebJobsStorage"], table_prefix=app.settings["TABLE_PREFIX"]
    )
    store, snapshot = open_store(settings), snapshot_id("books", app.run(run_id)["epoch"])
    try:
        results = await store.batches.results(snapshot)
        return {"/" + row.url.split("/", 3)[3] async for row in store.rows.of_snapshot(snapshot, results)}
    finally:
        await store.tables.close()


def check_retry_of_terminated_run(
    start_app: StartApp, supervisor: Supervisor, *, books: int, kills: int, seed: int
) -> None:
    """End a run in the middle through the durable API, retry it, and kill the host during the retry."""
    dice = random.Random(seed)
    site = start_sample_site(supervisor, books=books, fault_percent=0)
    app = start_app(site, PAGES_PER_BATCH="20")
    app.start_run("base", {"sources": ["books"]})
    wait_for(lambda: any(one["loaded"] for one in app.run("base")["sources"]), timeout_s=60)
    assert refusal(app, "base")["holder"] == "base"
    app.terminate("base")
    wait_for(lambda: not app.live_instances(), timeout_s=60)
    loaded = asyncio.run(loaded_paths(app, "base"))
    assert 0 < len(loaded) < books

    run_id = retry(app, "base")
    assert refusal(app, "base")["holder"] == run_id
    killed_while_running = 0
    for _ in range(kills):
        time.sleep(dice.uniform(0, 0.5))
        killed_while_running += app.status(run_id)["runtimeStatus"] in {"Pending", "Running"}
        app.child.kill()
        app.restart()
    run = app.finished_run(run_id, timeout_s=600)
    _, rows = asyncio.run(published(app.settings, "books"))
    print(f"{len(loaded)} of {books} pages loaded at first; {killed_while_running} of {kills} kills hit the retry")
    assert run["outcome"] == "completed"
    assert rows == expected_rows(Catalogue(books, 1, 0))
    assert {path for path, count in hits(site).items() if path in loaded and count > 1} == set()
    assert killed_while_running == kills


def test_a_terminated_run_is_completed_by_a_retry_whose_host_is_killed_twice(
    start_app: StartApp, supervisor: Supervisor
) -> None:
    check_retry_of_terminated_run(start_app, supervisor, books=600, kills=2, seed=1)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_terminated_run_is_completed_by_a_retry_whose_host_is_killed_fifteen_times(
    start_app: StartApp, supervisor: Supervisor
) -> None:
    check_retry_of_terminated_run(start_app, supervisor, books=4000, kills=15, seed=2)
