"""A second run over a site that has not changed: what it asks, what it costs, and that readers see the same."""

import random
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from samples.site.catalogue import Catalogue
from scripts.http_json import ask
from scripts.processes import Supervisor
from scripts.sample_site import SampleSite, start_sample_site
from tests.bench.usage import cpu_seconds
from tests.e2e.conftest import StartApp
from tests.helpers.running_app import RunningApp, expected_rows, published, wait_for

BOOKS_ONLY = {"SOURCES_FILE": "tests/bench/sources.toml"}


@dataclass(frozen=True)
class Cost:
    """What one run has cost, and what the site had to send for it."""

    seconds: float
    host_cpu_s: float
    pages: dict[str, int]  # status → answers
    body_bytes: int

    def __str__(self) -> str:
        answers = ", ".join(f"{count:,} times {status}" for status, count in self.pages.items())
        return f"{self.seconds:.2f} s, host's processor {self.host_cpu_s:.2f} s, {answers}, {self.body_bytes:,} bytes"


def page_counts(site: SampleSite) -> dict[str, Any]:
    """The site's counts of book pages: answers by status, and the bytes of their bodies."""
    stats = ask("GET", f"{site.url}/stats").document
    return {**stats["by_kind"].get("detail", {}), "body_bytes": stats["body_bytes"].get("detail", 0)}


def complete_run(app: RunningApp, site: SampleSite, run_id: str) -> tuple[dict[str, Any], Cost]:
    """A whole run: its only source, and its cost."""
    before, cpu_before_s = page_counts(site), cpu_seconds(app.child.pid)
    assert app.start_run(run_id).status == 202
    run = app.finished_run(run_id, timeout_s=900)
    assert run["outcome"] == "completed", run
    counts = {name: count - before.get(name, 0) for name, count in page_counts(site).items()}
    body_bytes = counts.pop("body_bytes")
    seconds = datetime.fromisoformat(run["finishedAt"]) - datetime.fromisoformat(run["startedAt"])
    pages = {status: count for status, count in counts.items() if count}
    cost = Cost(seconds.total_seconds(), cpu_seconds(app.child.pid) - cpu_before_s, pages, body_bytes)
    return run["sources"][0], cost


async def check_second_run(start_app: StartApp, supervisor: Supervisor, books: int) -> None:
    site = start_sample_site(supervisor, books=books, fault_percent=0)
    app = start_app(site, **BOOKS_ONLY)
    source, first = complete_run(app, site, "first")
    again, second = complete_run(app, site, "second")
    dataset, rows = await published(app.settings, "books")
    print(f"\nfirst run over {books:,} pages: {first}")
    print(f"second run: {second}")
    print(
        f"ratios second : first: time {second.seconds / first.seconds:.2f}, "
        f"host's processor {second.host_cpu_s / first.host_cpu_s:.2f}, "
        f"bytes of pages {second.body_bytes / first.body_bytes:.3f}"
    )
    assert (first.pages, second.pages) == ({"200": books}, {"304": books})
    assert (first.body_bytes > books * 1000, second.body_bytes) == (True, 0)
    assert [(one["loaded"], one["unchanged"]) for one in (source, again)] == [(books, 0), (books, books)]
    assert [(one["added"], one["removed"], one["changed"]) for one in (source, again)] == [(None,) * 3, (0,) * 3]
    assert dataset is not None
    assert dataset.run_id == "second"
    assert rows == expected_rows(Catalogue(books))


async def test_a_second_run_over_an_unchanged_site_gets_304_for_every_page_and_publishes_the_same_rows(
    start_app: StartApp, supervisor: Supervisor
) -> None:
    await check_second_run(start_app, supervisor, 200)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_a_second_run_over_five_thousand_unchanged_pages_costs_a_part_of_the_first(
    start_app: StartApp, supervisor: Supervisor
) -> None:
    await check_second_run(start_app, supervisor, 5000)


async def check_killed_second_run(
    start_app: StartApp, supervisor: Supervisor, *, books: int, kills: int, seed: int
) -> None:
    dice = random.Random(seed)
    site = start_sample_site(supervisor, books=books, fault_percent=0, latency_ms=50)
    app = start_app(site, **BOOKS_ONLY, PAGES_PER_BATCH="20")
    complete_run(app, site, "first")
    app.start_run("second")
    for number in range(kills):
        loaded = wait_for_pages(app, "second", int(books * (number + dice.random()) / (kills + 1)))
        assert loaded < books
        app.child.kill()
        app.restart()
    run = app.finished_run("second", timeout_s=600)
    answers = page_counts(site)
    _, rows = await published(app.settings, "books")
    print(f"\n{kills} kills; the site's answers in both runs: {answers}")
    assert rows == expected_rows(Catalogue(books))
    assert (run["outcome"], run["sources"][0]["unchanged"]) == ("completed", books)
    assert answers["200"] == books  # of the first run: no kill makes the second ask unconditionally


def wait_for_pages(app: RunningApp, run_id: str, pages: int) -> int:
    """How many pages the run has loaded, once it has loaded that many."""
    loaded = -1

    def are_loaded() -> bool:
        nonlocal loaded
        loaded = sum(one["loaded"] for one in app.run(run_id)["sources"])
        return loaded >= pages

    wait_for(are_loaded, timeout_s=60)
    return loaded


async def test_a_second_run_over_an_unchanged_site_whose_host_is_killed_carries_every_row_over(
    start_app: StartApp, supervisor: Supervisor
) -> None:
    await check_killed_second_run(start_app, supervisor, books=120, kills=1, seed=3)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_a_second_run_over_an_unchanged_site_whose_host_is_killed_ten_times_carries_every_row_over(
    start_app: StartApp, supervisor: Supervisor
) -> None:
    await check_killed_second_run(start_app, supervisor, books=1500, kills=10, seed=4)
