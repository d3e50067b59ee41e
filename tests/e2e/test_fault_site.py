"""A site with every fault that we know: what is published and what is listed as failed is its truth, page by page."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from samples.site.catalogue import Catalogue
from samples.site.faults import Fault
from scripts.http_json import ask
from scripts.processes import Supervisor
from scripts.sample_site import SampleSite, start_sample_site
from storage.store import Store
from tests.e2e.conftest import StartApp
from tests.helpers.running_app import RunningApp, expected_rows, failures_by_path, rows_by_path, storage_of
from tests.helpers.shop_source import shop_source

LIMITS = {"max_body_bytes": 2_000_000, "max_attempts": 3}


async def check_truth(app: RunningApp, store: Store, run_id: str, catalogue: Catalogue) -> None:
    """What the run has published, and its failures, are what the shop is in truth."""
    failures = failures_by_path(app.failures(run_id))
    dataset, rows = await rows_by_path(store, "books")
    print(f"\n{run_id}: {len(rows):,} pages published, {len(failures):,} failed: {dict(Counter(failures.values()))}")
    assert failures == catalogue.expected_failures()
    assert rows == expected_rows(catalogue)
    assert dataset is not None
    assert (dataset.run_id, dataset.rows) == (run_id, len(rows))


def check_obeyed(site: SampleSite, disallowed: list[str]) -> None:
    """What robots.txt disallows has not been asked for; of each site it was read once, whatever it says by now."""
    log = ask("GET", f"{site.url}/log").document
    assert [one["path"] for one in log if one["path"] in disallowed or one["path"].startswith("/private/")] == []
    read = Counter(one["host"] for one in log if (one["path"], one["outcome"]) == ("/robots.txt", "200"))
    assert sorted(read.values()) == [1, 1]  # of the shop, and of its mirror


async def test_a_site_with_every_fault_gives_the_rows_and_failures_of_its_own_truth(
    start_app: StartApp, supervisor: Supervisor, tmp_path: Path
) -> None:
    catalogue = Catalogue(100, 1, 36, tuple(Fault)).with_new_layout_from(90)
    (tmp_path / "sources.toml").write_text(
        shop_source(timeout_s=1, concurrency=40, gate={"max_failed_percent": 60}, **LIMITS)
    )
    moments = ["--burst-at", "60", "--burst-length", "15", "--robots-change-at", "30", "--layout-change-at", "90"]
    options = ["--fault-kinds", "all", "--mirror", "--hang-s", "20", *moments]
    site = start_sample_site(supervisor, books=100, fault_percent=36, options=options)
    settings = {"SOURCES_FILE": str(tmp_path / "sources.toml"), "PAGES_PER_BATCH": "5", "MAX_PARALLEL_BATCHES": "20"}
    app = start_app(site, **settings)
    assert app.start_run("harsh").status == 202
    app.finished_run("harsh")
    async with storage_of(app.settings) as store:
        await check_truth(app, store, "harsh", catalogue)
    check_obeyed(site, catalogue.disallowed_paths(robots_changed=False))


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_two_thousand_pages_with_every_fault_and_then_a_new_layout_from_page_700_on(
    start_app: StartApp, supervisor: Supervisor, tmp_path: Path
) -> None:
    catalogue = Catalogue(2000, 1, 18, tuple(Fault))
    (tmp_path / "sources.toml").write_text(shop_source(timeout_s=2, gate={"max_failed_percent": 15}, **LIMITS))
    moments = ["--burst-at", "900", "--burst-length", "60", "--robots-change-at", "500"]
    options = ["--fault-kinds", "all", "--mirror", "--hang-s", "20", *moments]
    site = start_sample_site(supervisor, books=2000, fault_percent=18, options=options)
    app = start_app(site, SOURCES_FILE=str(tmp_path / "sources.toml"))
    assert app.start_run("harsh").status == 202
    assert app.finished_run("harsh", timeout_s=900)["outcome"] == "completed_with_failures"
    check_obeyed(site, catalogue.disallowed_paths(robots_changed=False))
    async with storage_of(app.settings) as store:
        await check_truth(app, store, "harsh", catalogue)
        ask("POST", f"{site.url}/new-layout?from=700")
        await check_refused(app, store, "relaunched", catalogue)


async def check_refused(app: RunningApp, store: Store, run_id: str, catalogue: Catalogue) -> None:
    """A run over the shop after its change is refused for what has changed, and readers keep what they had."""
    assert app.start_run(run_id).status == 202
    (source,) = app.finished_run(run_id, timeout_s=900)["sources"]
    failures = failures_by_path(app.failures(run_id))
    dataset, rows = await rows_by_path(store, "books")
    print(f"{run_id}: {source['state']}, {source['reason']}; failed: {dict(Counter(failures.values()))}")
    assert (source["state"], source["reason"].partition(":")[0]) == ("refused", "max_failed_percent")
    assert failures == catalogue.with_robots_changed().with_new_layout_from(700).expected_failures()
    assert rows == expected_rows(catalogue)
    assert dataset is not None
    assert dataset.run_id == "harsh"
