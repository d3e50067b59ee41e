"""What sites see of runs with two worker processes: their own logs of requests, judged by the sources' limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from samples.site.catalogue import Catalogue
from samples.site.content import PRIVATE
from samples.site.faults import Fault
from scripts.http_json import ask
from scripts.processes import Supervisor
from scripts.sample_site import SampleSite, start_sample_site
from tests.e2e.conftest import StartApp
from tests.helpers.manners_judge import (
    Limits,
    Visit,
    complaints,
    most_at_once,
    most_in_a_second,
    shortest_gap_s,
    visits_by_host,
)
from tests.helpers.running_app import RunningApp
from tests.helpers.shop_source import shop_source

SHOP, SLOW = "127.0.0.1", "localhost"
"""Two hosts to the app, since it goes by names."""
KINDS = (
    Fault.REDIRECT_MOVED,
    Fault.REDIRECT_OTHER_PORT,
    Fault.DISALLOWED,
    Fault.REDIRECT_DISALLOWED,
    Fault.SLOW,
)
"""Redirects, also to another port of the same host; and pages that are not to be asked for."""
SUSPENDED_S = 0.3
"""On a machine that other tests keep busy, a process may be kept from running for so long."""


@dataclass(frozen=True)
class Sizes:
    """Books of the two sites and of the second source, and the limits."""

    books: int
    again: int
    slow_books: int
    rate: int
    concurrency: int
    crawl_delay_s: float

    @property
    def catalogue(self) -> Catalogue:
        return Catalogue(self.books, 1, 40, KINDS)

    @property
    def limits(self) -> Mapping[str, Limits]:
        disallowed = [*self.catalogue.disallowed_paths(robots_changed=False), f"{PRIVATE}/"]
        return {
            SHOP: Limits(self.rate, self.concurrency, disallowed=disallowed),
            SLOW: Limits(self.rate, 1, crawl_delay_s=self.crawl_delay_s),
        }


@contextmanager
def two_sites(folder: Path, sizes: Sizes) -> Iterator[Mapping[str, SampleSite]]:
    """A shop on two ports, where pages take a while; and one whose robots.txt has a crawl delay."""
    options = ["--fault-kinds", ",".join(KINDS), "--mirror"]
    slow = ["--crawl-delay", f"{sizes.crawl_delay_s:g}"]
    with Supervisor(folder / "shop") as one, Supervisor(folder / "slow") as other:
        yield {
            SHOP: start_sample_site(one, books=sizes.books, fault_percent=40, latency_ms=150, options=options),
            SLOW: start_sample_site(other, books=sizes.slow_books, fault_percent=0, options=slow),
        }


def write_sources(file: Path, sites: Mapping[str, SampleSite], sizes: Sizes, *, times: int = 1, **keys: bool) -> None:
    """Two sources that share a host, and one of the other; `times` as fast as they should be."""
    told = {"requests_per_second": sizes.rate * times, "concurrency": sizes.concurrency * times, **keys}
    slow = sites[SLOW].url.replace(SHOP, SLOW)
    again = f"{sites[SHOP].url}/books/{{page}}.html"
    sources = [
        shop_source("books", gate={"max_failed_percent": 100}, **told),
        shop_source("again", url_template=again, pages=f"1-{sizes.again}", gate={"max_failed_percent": 100}, **told),
        shop_source("slow", allow_private_hosts=[SLOW], **told).replace("${SAMPLE_SITE_URL}", slow),
    ]
    file.write_text("\n".join(sources))


def seen(app: RunningApp, sites: Mapping[str, SampleSite], run_id: str) -> dict[str, list[Visit]]:
    """What the sites see of a whole run."""
    before = {host: len(log_of(site)) for host, site in sites.items()}
    assert app.start_run(run_id).status == 202
    run = app.finished_run(run_id, timeout_s=600)
    assert [one["state"] for one in run["sources"]] == ["published"] * 3, run
    found = {host: visits_by_host(log_of(site)[before[host] :]) for host, site in sites.items()}
    assert {host: list(hosts) for host, hosts in found.items()} == {SHOP: [SHOP], SLOW: [SLOW]}
    return {host: hosts[host] for host, hosts in found.items()}


def log_of(site: SampleSite) -> list[dict[str, object]]:
    log: list[dict[str, object]] = ask("GET", f"{site.url}/log").document
    return log


def tell(host: str, visits: Sequence[Visit], limits: Limits) -> None:
    print(
        f"{host}: {len(visits):,} requests; in any second at most {most_in_a_second(visits)} of "
        f"{limits.requests_per_second}, at once {most_at_once(visits)} of {limits.concurrency}, "
        f"{shortest_gap_s(visits):.3f} s apart or more, crawl delay {limits.crawl_delay_s:g} s"
    )


def check_polite(visits: Mapping[str, Sequence[Visit]], sizes: Sizes, *, late_s: float) -> None:
    """The limits have been kept, by a run that had reason not to: with redirects, and asking two ports of one host."""
    print()
    for host, limits in sizes.limits.items():
        tell(host, visits[host], limits)
        assert complaints(visits[host], limits, late_s=late_s) == []
    paths = [visit.path for visit in visits[SHOP]]
    assert paths.count("/robots.txt") >= 2  # of the shop and of its other port
    assert sum(path.startswith("/moved/") for path in paths) > 1
    assert {"/sitemap.xml", "/robots.txt"} < {visit.path for visit in visits[SLOW]}


def test_sites_see_no_more_requests_of_two_workers_than_the_sources_allow(start_app: StartApp, tmp_path: Path) -> None:
    sizes = Sizes(books=12, again=4, slow_books=2, rate=16, concurrency=4, crawl_delay_s=0.4)
    with two_sites(tmp_path, sizes) as sites:
        write_sources(tmp_path / "sources.toml", sites, sizes)
        app = start_app(sites[SHOP], **two_workers(tmp_path, pages_per_batch=3))
        check_polite(seen(app, sites, "polite"), sizes, late_s=SUSPENDED_S)


def two_workers(folder: Path, *, pages_per_batch: int) -> dict[str, str]:
    return {
        "SOURCES_FILE": str(folder / "sources.toml"),
        "FUNCTIONS_WORKER_PROCESS_COUNT": "2",
        "PAGES_PER_BATCH": str(pages_per_batch),
        "MAX_PARALLEL_BATCHES": "4",
    }


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_sites_see_no_more_requests_of_two_workers_than_allowed_and_a_doubled_rate_is_found(
    start_app: StartApp, tmp_path: Path
) -> None:
    sizes = Sizes(books=500, again=150, slow_books=20, rate=20, concurrency=4, crawl_delay_s=1.0)
    with two_sites(tmp_path, sizes) as sites:
        write_sources(tmp_path / "sources.toml", sites, sizes)
        app = start_app(sites[SHOP], **two_workers(tmp_path, pages_per_batch=10))
        check_polite(seen(app, sites, "polite"), sizes, late_s=0.0)
        write_sources(tmp_path / "sources.toml", sites, sizes, times=2, respect_robots=False)
        rude = seen(app, sites, "rude")
        for host, limits in sizes.limits.items():
            tell(f"twice as fast, without robots.txt: {host}", rude[host], limits)
        found = {host: complaints(rude[host], limits) for host, limits in sizes.limits.items()}
        print("\n".join(f"{host}: {complaint}" for host, some in found.items() for complaint in some[:4]))
        assert "requests in a second" in found[SHOP][0]
        assert "requests at once" in found[SHOP][1]
        assert len(found[SHOP]) > len(sizes.limits[SHOP].disallowed)
        assert "between two requests" in found[SLOW][-1]
