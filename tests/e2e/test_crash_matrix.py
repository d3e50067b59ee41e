"""Hosts, storage and network break at random moments of runs, while a reader looks: it sees whole snapshots only."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from scripts.checkout import ROOT
from scripts.processes import Supervisor
from tests.helpers.azurite import restarted_azurite
from tests.helpers.disturbances import Disturbance, Disturber, shuffled, wait_while
from tests.helpers.processes import PATIENCE_S
from tests.helpers.relay import Relay, running_relay
from tests.helpers.running_app import RunningApp, wait_for
from tests.helpers.snapshot_reader import Places, SnapshotReader, Way, reading
from tests.helpers.threads import in_thread
from tests.helpers.versioned_site import VersionedSite

SOURCE = """
[[source]]
name = "books"
sitemap = "{url}/sitemap.xml"
allow_private_hosts = ["127.0.0.1"]
concurrency = 4
requests_per_second = {rate}
max_attempts = 3
timeout_s = 5
rows = "li"
fields = {{ n = "b::text" }}
gate = {{ max_failed_percent = 0 }}
"""
"""A snapshot that lacks a page is refused, so that what is published is the whole truth."""
MOST_RETRIES = 3
SETTINGS = {
    "PAGES_PER_BATCH": "8",
    "AzureWebJobs.daily_timer.Disabled": "true",
    "AzureWebJobs.watchdog.Disabled": "true",
}


@dataclass
class Matrix:
    """Runs one after the other, each over another version of the site."""

    app: RunningApp
    site: VersionedSite
    network: Relay
    reader: SnapshotReader
    dice: random.Random
    outcomes: Counter[str] = field(default_factory=Counter)
    versions: int = 0

    @property
    def runs(self) -> int:
        """How many runs there have been, retries included."""
        return self.outcomes.total()

    def change_site(self) -> None:
        """Other rows on some pages, at least one; and sometimes a page more or less."""
        site, dice = self.site, self.dice
        for path in {dice.choice(site.books), *(path for path in site.books if dice.random() < 0.5)}:
            site.change(path)
        if dice.random() < 0.3:
            site.books.append(f"/books/{self.versions + 1000}")
        elif dice.random() < 0.3:
            site.books.remove(dice.choice(site.books[1:]))
        self.versions += 1

    def start(self) -> str:
        """A run over the site as it is now; its ID."""
        run_id = f"version-{self.versions}-{self.runs}"
        self.reader.judge.truths[run_id] = tuple(self.site.rows_of(*self.site.books))
        answer = self.app.start_run(run_id)
        assert answer.status == 202, answer.text
        return run_id

    def retry(self, run_id: str) -> str:
        """A run of what that one has not loaded; its ID. Nothing has changed since on the site."""
        answer = self.app.ask("POST", f"/api/runs/{run_id}/retry")
        if answer.status == 409:  # it had not come to a plan, or has nothing left to do
            return self.start()
        assert answer.status == 202, answer.text
        retry_id = str(answer.document["runId"])
        self.reader.judge.truths[retry_id] = self.reader.judge.truths[run_id]
        return retry_id

    def is_live(self, run_id: str) -> bool:
        """Whether its orchestration has not ended."""
        return self.app.status(run_id)["runtimeStatus"] in {"Pending", "Running"}

    def complete(self, run_id: str) -> bool:
        """Wait for the end of a run; True if it has published."""
        run = self.app.finished_run(run_id, timeout_s=600)
        self.outcomes[run["outcome"]] += 1
        return [one["state"] for one in run["sources"]] == ["published"]

    def disturb(self, disturber: Disturber, plan: list[Disturbance], within_s: float) -> None:
        """Runs until all of the plan has happened, each disturbance during one; undisturbed ones around them."""
        assert self.complete(self.start())
        while plan:
            self.change_site()
            run_id = self.start()
            for attempt in range(1 + MOST_RETRIES):
                while plan and wait_while(lambda: self.is_live(run_id), self.dice.uniform(0, within_s)):  # noqa: B023
                    disturber.happen(plan.pop())
                    # A network that is cut needs time to do harm.
                    wait_while(lambda: self.is_live(run_id) and disturber.is_network_cut, PATIENCE_S)  # noqa: B023
                if self.complete(run_id) or attempt == MOST_RETRIES:
                    break
                disturber.wait_for_network()
                run_id = self.retry(run_id)
        disturber.wait_for_network()
        self.change_site()
        assert self.complete(self.start())

    def wait_for_reader(self) -> None:
        """Return when the reader has looked again."""
        polls = self.reader.polls.copy()
        wait_for(
            lambda: all(self.reader.polls[way] > polls[way] + 1 for way in (Way.HTTP, Way.TABLES)), timeout_s=PATIENCE_S
        )


@contextmanager
def matrix(
    folder: Path, *, books: int, rate: int, workers: int, cut_s: float, seed: int, script_root: Path = ROOT
) -> Iterator[tuple[Matrix, Disturber]]:
    """App, storage, site and reader, and the networks between them."""
    with (
        restarted_azurite(folder / "logs" / "azurite", location=folder / "azurite") as azurite,
        in_thread("site", VersionedSite(books, folder / "unused.toml").running()) as site,
        running_relay(urlsplit(site.url).port or 0) as network,
        Supervisor(folder / "logs") as supervisor,
    ):
        site.url = f"http://127.0.0.1:{network.port}"
        (folder / "sources.toml").write_text(SOURCE.format(url=site.url, rate=rate))
        settings = {
            **SETTINGS,
            "AzureWebJobsStorage": azurite.connection_string,
            "TABLE_PREFIX": "matrix",
            "SOURCES_FILE": str(folder / "sources.toml"),
            "FUNCTIONS_WORKER_PROCESS_COUNT": str(workers),
        }
        app = RunningApp(supervisor, folder / "devhost", settings, script_root)
        places = Places("books", lambda: app.host.url, lambda: azurite.own_connection_string, "matrix")
        with reading(places) as reader:
            running = Matrix(app, site, network, reader, random.Random(seed))
            yield running, Disturber(app, azurite, network, cut_s=cut_s)


def check_matrix(
    folder: Path,
    *,
    books: int,
    rate: int,
    workers: int,
    counts: tuple[int, int, int],
    within_s: float,
    cut_s: float,
    seed: int,
) -> None:
    kills, restarts, cuts = counts
    begun = time.monotonic()
    with matrix(folder, books=books, rate=rate, workers=workers, cut_s=cut_s, seed=seed) as (running, disturber):
        plan = shuffled(kills, restarts, cuts, running.dice)
        running.disturb(disturber, plan, within_s=within_s)
        running.wait_for_reader()
        reader, last = running.reader, tuple(running.site.rows_of(*running.site.books))
    judge = reader.judge
    print(
        f"\nseed {seed}: {dict(disturber.done)}; {running.versions} versions of the site, {running.runs} runs: "
        f"{dict(running.outcomes)}; {reader.whole} times read, {reader.whole / reader.seconds:.1f} a second: "
        f"{dict(reader.polls)}; {len(judge.seen)} snapshots seen, {len(judge.complaints)} complaints; "
        f"{time.monotonic() - begun:.0f} s"
    )
    assert judge.complaints == []
    assert disturber.done.total() == kills + restarts + cuts
    assert judge.seen[max(judge.seen)].rows == last


def test_a_reader_sees_whole_snapshots_only_whatever_breaks(tmp_path: Path) -> None:
    check_matrix(tmp_path, books=12, rate=20, workers=1, counts=(1, 1, 1), within_s=1, cut_s=1, seed=7)


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
def test_a_reader_sees_whole_snapshots_only_while_hosts_are_killed_storage_restarted_and_networks_cut(
    tmp_path: Path,
) -> None:
    kills, restarts = int(os.environ.get("KILLS") or 100), int(os.environ.get("RESTARTS") or 10)
    seed = int(os.environ.get("SEED") or 1)
    counts = (kills, restarts, -(-kills // 50))
    check_matrix(tmp_path, books=24, rate=24, workers=2, counts=counts, within_s=3, cut_s=20, seed=seed)


@pytest.mark.long
def test_a_reader_finds_an_app_out_that_publishes_before_all_rows_are_there(tmp_path: Path) -> None:
    """The same reader, and an app with this defect."""
    app = tmp_path / "app"
    app.mkdir()
    shutil.copy(ROOT / "tests" / "data" / "hasty_app" / "function_app.py", app)
    shutil.copy(ROOT / "host.json", app)
    with matrix(tmp_path, books=15, rate=10, workers=1, cut_s=0, seed=1, script_root=app) as (running, _):
        assert running.complete(running.start())
    found = running.reader.judge.complaints
    print(found[0], found[-1], sep="\n")
    assert any("409 for what is published" in one and "of 2 batches" in one for one in found), found
    assert any("are missing" in one for one in found), found
