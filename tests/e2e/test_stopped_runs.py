"""Stopping a run over HTTP: what its parts still do, what is published, and how soon another run can start."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from scripts.checkout import ROOT
from scripts.http_json import ask
from scripts.processes import Supervisor
from scripts.sample_site import SampleSite, start_sample_site
from tests.e2e.conftest import StartApp
from tests.helpers.running_app import RunningApp, published, wait_for

SLOTS = 16 + 8
"""Requests in flight that sources.toml allows: those of `books` and of `listing`."""


def source_of(run: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in run["sources"] if one["source"] == name)
    return found


def is_published(app: RunningApp, run_id: str, source: str) -> Callable[[], bool]:
    wanted = (source, "published")
    return lambda: wanted in [(one["source"], one["state"]) for one in app.run(run_id)["sources"]]


def requests_begun(site: SampleSite) -> int:
    per_second: dict[str, int] = ask("GET", f"{site.url}/stats").document["per_second"]
    return sum(per_second.values())


def sources_on_two_hosts(folder: Path) -> str:
    """As sources.toml, but the listing is on a host of its own, so that it need not wait for the books."""
    books, listing = (ROOT / "sources.toml").read_text().split('name = "listing"')
    listing = listing.replace("${SAMPLE_SITE_URL}", "${LISTING_URL}").replace("127.0.0.1", "localhost")
    path = folder / "sources.toml"
    path.write_text(f'{books}name = "listing"{listing}')
    return str(path)


async def test_a_run_that_drains_ends_in_good_order_and_publishes_what_is_complete(
    start_app: StartApp, supervisor: Supervisor, tmp_path: Path
) -> None:
    site = start_sample_site(supervisor, books=1500, fault_percent=0)
    hosts = {"SOURCES_FILE": sources_on_two_hosts(tmp_path), "LISTING_URL": site.url.replace("127.0.0.1", "localhost")}
    app = start_app(site, PAGES_PER_BATCH="20", **hosts)
    app.start_run("drained")
    wait_for(is_published(app, "drained", "listing"), timeout_s=60)
    answer = app.ask("POST", "/api/runs/drained/stop")
    state = app.run("drained")["state"]
    run = app.finished_run("drained")
    dataset, rows = await published(app.settings, "books")
    assert (answer.status, answer.document["mode"], answer.document["runId"]) == (202, "drain", "drained")
    assert state in {"stopping", "finished"}
    assert (run["state"], run["outcome"]) == ("finished", "stopped")
    assert run["reason"] == "drained: no more batches were begun (asked for by http)"
    books = source_of(run, "books")
    assert (books["state"], source_of(run, "listing")["state"]) == ("stopped", "published")
    assert 0 < books["loaded"] == books["batchesDone"] * 20 < 1500
    assert app.status("drained")["runtimeStatus"] == "Completed"
    assert not app.live_instances()
    assert dataset is not None
    assert (dataset.epoch, rows) == (0, {})


async def test_after_a_stop_no_worker_asks_the_site_for_more_than_a_page_per_slot(
    start_app: StartApp, supervisor: Supervisor
) -> None:
    site = start_sample_site(supervisor, books=1500, fault_percent=0, latency_ms=300)
    app = start_app(site, PAGES_PER_BATCH="50", FUNCTIONS_WORKER_PROCESS_COUNT="2")
    app.start_run("stopped")
    wait_for(lambda: requests_begun(site) > 100, timeout_s=60)
    answer = app.ask("POST", "/api/runs/stopped/stop?mode=now")
    at_the_stop = requests_begun(site)
    wait_for(lambda: not app.live_instances(), timeout_s=60)
    wait_for(lambda: ask("GET", f"{site.url}/stats").document["in_flight"] == 0, timeout_s=60)
    after = requests_begun(site) - at_the_stop
    print(f"requests begun before the answer {at_the_stop}, after it {after}; slots {SLOTS}")
    assert answer.status == 202
    assert after <= SLOTS
    assert at_the_stop < 1000
