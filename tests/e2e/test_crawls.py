"""Crawls over HTTP: what links lead to is published, also when the host is killed, and retries find the rest."""

import asyncio
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from samples.site.catalogue import Catalogue
from scripts.processes import Supervisor
from scripts.sample_site import start_sample_site
from tests.e2e.conftest import StartApp
from tests.helpers.linked_site import LinkedSite, random_graph, reachable
from tests.helpers.running_app import RunningApp, expected_rows, failures_by_path, published

FOLLOW = str(Path(__file__).resolve().parents[2] / "samples" / "follow.toml")


def crawled(app: RunningApp, run_id: str, *, kills: int = 0, within_s: float = 1.0) -> dict[str, object]:
    """The books of a finished run, during which the host was killed so many times."""
    dice = random.Random(kills)
    assert app.start_run(run_id).status == 202
    killed_while_running = 0
    for _ in range(kills):
        time.sleep(dice.uniform(0, within_s))
        killed_while_running += app.status(run_id)["runtimeStatus"] in {"Pending", "Running"}
        app.child.kill()
        app.restart()
    run = app.finished_run(run_id, timeout_s=600)
    assert killed_while_running == kills
    print(f"killed {kills} times; {run['outcome']}: {run['sources']}")
    return dict(run["sources"][0])


async def check_crawl_of_shop(
    start_app: StartApp, supervisor: Supervisor, *, books: int, fault_percent: float, kills: int
) -> None:
    catalogue = Catalogue(books, 1, fault_percent)
    site = start_sample_site(supervisor, books=books, fault_percent=fault_percent)
    app = start_app(site, SOURCES_FILE=FOLLOW, PAGES_PER_BATCH="20")
    source = crawled(app, "crawl", kills=kills)
    _, rows = await published(app.settings, "books")
    sizes = app.history_sizes()
    print(f"{source['pages']} pages; largest of {len(sizes)} histories {max(sizes.values()):,} bytes")
    assert rows == expected_rows(catalogue)
    assert failures_by_path(app.failures("crawl")) == catalogue.expected_failures()
    assert source["pages"] == books + catalogue.listing_pages
    assert max(sizes.values()) < 100_000


async def test_a_crawl_whose_host_is_killed_twice_publishes_what_the_shop_has(
    start_app: StartApp, supervisor: Supervisor
) -> None:
    await check_crawl_of_shop(start_app, supervisor, books=200, fault_percent=6.5, kills=2)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_a_crawl_of_five_thousand_books_is_exact_and_no_history_grows_with_it(
    start_app: StartApp, supervisor: Supervisor
) -> None:
    await check_crawl_of_shop(start_app, supervisor, books=5000, fault_percent=1.0, kills=0)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_a_crawl_whose_host_is_killed_twenty_times_publishes_what_the_shop_has(
    start_app: StartApp, supervisor: Supervisor
) -> None:
    await check_crawl_of_shop(start_app, supervisor, books=1000, fault_percent=5.0, kills=20)


def check_retried_crawl(start_app: StartApp, tmp_path: Path, *, pages: int, broken: int, kills: int) -> None:
    """Crawl with broken pages, mend them, retry; the host is killed during the retry."""
    graph = random_graph(pages, seed=pages, reach=30 + pages // 40)
    truth = reachable(graph)
    faulty = set(random.Random(1).sample(sorted(truth - {"/"}), broken))
    first = reachable(graph, without=faulty)
    with LinkedSite(graph, tmp_path / "linked.toml").running_in_thread() as site:
        site.broken = faulty
        app = start_app(site, PAGES_PER_BATCH="20")
        crawled(app, "base")
        assert site.hits == Counter(first)
        assert {url.removeprefix(site.url) for url in (one["url"] for one in app.failures("base"))} == faulty & first
        site.broken = set()
        site.hits.clear()
        answer = app.ask("POST", "/api/runs/base/retry")
        assert answer.status == 202, answer.text
        retry = str(answer.document["runId"])
        for _ in range(kills):
            time.sleep(0.5)
            app.child.kill()
            app.restart()
        assert app.finished_run(retry, timeout_s=600)["outcome"] == "completed"
        _, rows = asyncio.run(published(app.settings, "books"))
        print(f"{len(first)} of {len(truth)} pages at first, {len(faulty & first)} of them failed; then all")
        assert {path: len(of_page) for path, of_page in rows.items()} == dict.fromkeys(truth, 1)
        assert set(site.hits) == (truth - first) | (faulty & first)
        assert len(truth - first) > 10


def test_a_retry_of_a_crawl_finds_what_the_failed_pages_lead_to(start_app: StartApp, tmp_path: Path) -> None:
    check_retried_crawl(start_app, tmp_path, pages=150, broken=30, kills=0)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_retry_of_a_crawl_whose_host_is_killed_ten_times_finds_what_the_failed_pages_lead_to(
    start_app: StartApp, tmp_path: Path
) -> None:
    check_retried_crawl(start_app, tmp_path, pages=1000, broken=200, kills=10)
