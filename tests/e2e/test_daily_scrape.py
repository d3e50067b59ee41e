"""The main job over HTTP: what the site has is what is published, and what is broken is listed."""

from pathlib import Path

import pytest

from samples.site.catalogue import Catalogue
from scripts.azurite import start_azurite
from scripts.processes import Supervisor
from scripts.sample_site import start_sample_site
from tests.e2e.conftest import StartApp
from tests.helpers.running_app import expected_rows, failures_by_path, published, wait_for

BOOKS, FAULT_PERCENT = 300, 8.0
BOOKS_ONLY = """
[[source]]
name = "books"
sitemap = "${{SAMPLE_SITE_URL}}/sitemap.xml"
allow_private_hosts = ["127.0.0.1"]
requests_per_second = 500
concurrency = 8
fields = {{ title = "h1.book-title" }}
gate = {{ min_rows = {min_rows} }}
"""


async def check_exact_run(start_app: StartApp, supervisor: Supervisor, books: int, fault_percent: float) -> None:
    catalogue = Catalogue(books, 1, fault_percent)
    app = start_app(start_sample_site(supervisor, books=books, fault_percent=fault_percent))
    assert app.start_run("exact").status == 202
    run = app.finished_run("exact")
    dataset, rows = await published(app.settings, "books")
    largest_history = max(app.history_sizes().values())
    print(f"{books} pages, {len(catalogue.expected_failures())} to fail; rows published {len(rows)}")
    print(f"largest history {largest_history:,} bytes, largest custom status {app.largest_custom_status()} bytes")
    assert run["outcome"] == "completed_with_failures"
    assert rows == expected_rows(catalogue)
    assert failures_by_path(app.failures("exact")) == catalogue.expected_failures()
    assert dataset is not None
    assert (dataset.run_id, dataset.rows, dataset.pages) == ("exact", len(rows), books)
    assert 0 < largest_history < 1_000_000
    assert 0 < app.largest_custom_status() < 2_000


async def test_a_run_publishes_exactly_the_good_pages_and_lists_every_bad_one(
    start_app: StartApp, supervisor: Supervisor
) -> None:
    await check_exact_run(start_app, supervisor, BOOKS, FAULT_PERCENT)


@pytest.mark.long
async def test_a_run_over_a_thousand_pages_with_five_percent_faults_is_exact(
    start_app: StartApp, supervisor: Supervisor
) -> None:
    await check_exact_run(start_app, supervisor, 1000, 5.0)


@pytest.mark.any_host
async def test_a_site_that_is_down_fails_its_source_and_keeps_the_published_dataset(
    start_app: StartApp, supervisor: Supervisor
) -> None:
    site = start_sample_site(supervisor, books=40, fault_percent=0)
    app = start_app(site)
    app.start_run("good")
    app.finished_run("good")
    supervisor.children[0].kill()
    app.start_run("bad")
    run = app.finished_run("bad")
    dataset, rows = await published(app.settings, "books")
    assert run["outcome"] == "failed"
    assert {source["state"] for source in run["sources"]} <= {"failed", "refused"}
    assert dataset is not None
    assert (dataset.run_id, len(rows)) == ("good", 40)


@pytest.mark.any_host
async def test_a_snapshot_that_fails_its_gate_leaves_the_published_dataset_and_says_why(
    start_app: StartApp, supervisor: Supervisor, tmp_path: Path
) -> None:
    file = tmp_path / "sources.toml"
    file.write_text(BOOKS_ONLY.format(min_rows=40))
    app = start_app(start_sample_site(supervisor, books=40, fault_percent=0), SOURCES_FILE=str(file))
    app.start_run("good")
    app.finished_run("good")
    file.write_text(BOOKS_ONLY.format(min_rows=41))
    app.start_run("refused")
    source = app.finished_run("refused")["sources"][0]
    dataset, rows = await published(app.settings, "books")
    assert (source["state"], source["reason"]) == ("refused", "min_rows: 40 rows, at least 41 are wanted")
    assert dataset is not None
    assert (dataset.run_id, len(rows)) == ("good", 40)


@pytest.mark.any_host
async def test_a_broken_source_does_not_keep_the_others_from_being_published(
    start_app: StartApp, supervisor: Supervisor
) -> None:
    app = start_app(start_sample_site(supervisor, books=40, fault_percent=0), SAMPLE_LISTING_PAGES="60")
    app.start_run("mixed")
    run = app.finished_run("mixed")
    states = {source["source"]: source["state"] for source in run["sources"]}
    assert states == {"books": "published", "listing": "refused"}
    assert run["outcome"] == "completed_with_failures"


@pytest.mark.any_host
async def test_a_run_that_is_terminated_stops_its_children_and_publishes_nothing(
    start_app: StartApp, supervisor: Supervisor
) -> None:
    app = start_app(start_sample_site(supervisor, books=1500, fault_percent=0), PAGES_PER_BATCH="20")
    app.start_run("ended")
    wait_for(lambda: any(one["loaded"] for one in app.run("ended")["sources"]), timeout_s=60)
    app.terminate("ended")
    wait_for(lambda: not app.live_instances(), timeout_s=60)
    run = app.run("ended")
    dataset, rows = await published(app.settings, "books")
    assert (run["state"], run["outcome"]) == ("finished", "terminated")
    assert next(one for one in run["sources"] if one["source"] == "books")["loaded"] < 1500
    assert rows == {}
    assert dataset is not None
    assert dataset.epoch == 0


@pytest.mark.any_host
async def test_a_run_that_is_started_right_after_another_was_terminated_is_exact(
    start_app: StartApp, supervisor: Supervisor
) -> None:
    catalogue = Catalogue(300, 1, 0)
    app = start_app(start_sample_site(supervisor, books=300, fault_percent=0), PAGES_PER_BATCH="20")
    app.start_run("first")
    wait_for(lambda: any(one["loaded"] for one in app.run("first")["sources"]), timeout_s=60)
    app.terminate("first")
    assert app.start_run("second").status == 202
    app.finished_run("second")
    dataset, rows = await published(app.settings, "books")
    assert rows == expected_rows(catalogue)
    assert dataset is not None
    assert dataset.run_id == "second"
    assert app.run("first")["outcome"] == "terminated"


@pytest.mark.any_host
async def test_only_the_named_sources_are_scraped(start_app: StartApp, supervisor: Supervisor) -> None:
    app = start_app(start_sample_site(supervisor, books=40, fault_percent=0))
    assert app.start_run("one", {"sources": ["listing"]}).status == 202
    assert [source["source"] for source in app.finished_run("one")["sources"]] == ["listing"]


@pytest.mark.any_host
async def test_runs_are_listed_newest_first(start_app: StartApp, supervisor: Supervisor) -> None:
    app = start_app(start_sample_site(supervisor, books=20, fault_percent=0))
    for run_id in ("first", "second", "third"):
        app.start_run(run_id)
        app.finished_run(run_id)
    page = app.ask("GET", "/api/runs?limit=2").document
    rest = app.ask("GET", f"/api/runs?limit=2&continuation={page['continuation']}").document
    assert [run["runId"] for run in page["runs"] + rest["runs"]] == ["third", "second", "first"]
    assert rest["continuation"] is None


async def test_health_names_storage_that_has_gone_away_while_the_host_runs(
    start_app: StartApp, supervisor: Supervisor
) -> None:
    own_azurite = start_azurite(supervisor, location=None)
    site = start_sample_site(supervisor, books=20, fault_percent=0)
    app = start_app(site, AzureWebJobsStorage=own_azurite.connection_string)
    assert app.ask("GET", "/api/health").document["status"] == "ok"
    own_azurite.child.kill()
    answer = app.ask("GET", "/api/health")
    assert (answer.status, answer.document["checks"]["storage"]) == (503, "failed")
    assert app.start_run("any").status == 503


@pytest.mark.any_host
async def test_health_is_ok_and_names_what_fails(start_app: StartApp, supervisor: Supervisor) -> None:
    app = start_app(start_sample_site(supervisor, books=20, fault_percent=0), SOURCES_FILE="nowhere.toml")
    answer = app.ask("GET", "/api/health")
    assert answer.status == 503
    assert answer.document["checks"] == {"settings": "failed", "storage": "ok", "hub": "ok", "runs": "ok"}
    assert "nowhere.toml" in app.ask("GET", "/api/health/details").document["faults"]["settings"]
