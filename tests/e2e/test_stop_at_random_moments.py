"""Stop `now` at random moments of a run, each followed by a new run: its data is exact, the old one never publishes."""

import asyncio
import itertools
import random
import time
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from samples.site.catalogue import Catalogue
from scraper.settings import Settings
from scripts.processes import Supervisor
from scripts.sample_site import start_sample_site
from storage.ledger.runs import RunRecord
from storage.store import Store, open_store
from tests.e2e.conftest import StartApp
from tests.helpers.running_app import RunningApp, expected_rows, failures_by_path, rows_by_path, wait_for

SOURCES = ("books", "listing")
SAME_ID_EVERY = 4
LOOK_S = 0.05
ENDED = {"Completed", "Failed", "Terminated"}


def stage(run: dict[str, Any] | None) -> str:
    """How far a run is, in a few words."""
    if run is None or not run["sources"]:
        return "starting"
    if run["state"] == "finished":
        return "ended"
    states = {one["state"] for one in run["sources"]}
    state = next(state for state in ("planning", "scraping", "publishing", "published") if state in states)
    if state != "scraping":
        return state
    done, batches = (sum(one[count] for one in run["sources"]) for count in ("batchesDone", "batches"))
    return f"scraping (quarter {min(4, 1 + 4 * done // batches)})"


class StoppedRuns:
    """One app whose runs are stopped one after the other, and what the stops met."""

    def __init__(self, app: RunningApp, store: Store, catalogue: Catalogue) -> None:
        self.app, self.store, self.catalogue = app, store, catalogue
        self.met: Counter[str] = Counter()
        self.answers: Counter[int] = Counter()
        self.answered_after_s: list[float] = []
        self.published_before = 0
        self.was_late = False

    async def start(self, run_id: str) -> int:
        """Start a run; its epoch."""
        answer = self.app.start_run(run_id)
        assert answer.status == 202, answer.text
        ticket = await self.store.tickets.read("daily_scrape")
        assert ticket is not None
        return ticket.epoch

    async def stop_and_start(self, old: str, new: str, *, after_s: float) -> None:
        """Start a run, stop it after a while, start another one at once, and look at all that comes of it."""
        began = time.monotonic()
        old_epoch = await self.start(old)
        time.sleep(max(0, began + after_s - time.monotonic()))
        outcome = self.stop(old)
        self.was_late = outcome != "stopped"
        if outcome != "stopped":  # it ended by itself, a moment before its orchestration does
            wait_for(lambda: self.app.status(old)["runtimeStatus"] in ENDED, timeout_s=60)
        new_epoch = await self.start(new)
        stopped = await self.store.runs.of_epoch(old_epoch)
        assert (stopped.run_id, stopped.outcome) == (old, outcome)
        await self.check_exact(new, new_epoch, instead_of=stopped)
        assert await self.store.runs.of_epoch(old_epoch) == stopped

    def duration_s(self, run_id: str) -> float:
        """How long a run took."""
        run = self.app.run(run_id)
        lasted = datetime.fromisoformat(run["finishedAt"]) - datetime.fromisoformat(run["startedAt"])
        return lasted.total_seconds()

    def stop(self, run_id: str) -> str:
        """Stop a run now; the outcome that it must have from then on."""
        before = self.app.ask("GET", f"/api/runs/{run_id}")
        self.met[stage(before.document if before.status == 200 else None)] += 1
        began = time.monotonic()
        answer = self.app.ask("POST", f"/api/runs/{run_id}/stop?mode=now")
        self.answered_after_s.append(time.monotonic() - began)
        self.answers[answer.status] += 1
        assert answer.status in {202, 409}, answer.text
        return "stopped" if answer.status == 202 else str(answer.document["outcome"])

    async def check_exact(self, run_id: str, epoch: int, *, instead_of: RunRecord | None = None) -> None:
        """The run ends well and its data is the site's; meanwhile readers see no more of the run before it."""
        seen: set[tuple[str, int]] = set()
        while self.app.status(run_id)["runtimeStatus"] not in ENDED:
            seen |= {(one.source, one.epoch) for one in await self.store.datasets.all()}
            await asyncio.sleep(LOOK_S)
        if instead_of is not None:
            shown = {source for source, seen_epoch in seen if seen_epoch == instead_of.epoch}
            had_published = {one["source"] for one in instead_of.results if one["outcome"] == "published"}
            assert shown <= had_published
            self.published_before += len(had_published) if instead_of.outcome == "stopped" else 0
        run = self.app.run(run_id)
        assert (run["outcome"], run["epoch"]) == ("completed_with_failures", epoch)
        for source in SOURCES:
            dataset = await self.store.datasets.find(source)
            assert dataset is not None
            assert (dataset.run_id, dataset.epoch) == (run_id, epoch)
        assert (await rows_by_path(self.store, "books"))[1] == expected_rows(self.catalogue)
        assert failures_by_path(self.app.failures(run_id)) == self.catalogue.expected_failures()

    def figures(self) -> str:
        times = sorted(self.answered_after_s)
        met = ", ".join(f"{stage} {count}" for stage, count in sorted(self.met.items()))
        return (
            f"{len(times)} stops met: {met}; answers {dict(self.answers)}, in {times[len(times) // 2]:.2f} s "
            f"(median), {times[-1]:.2f} s (most); {self.published_before} sources of stopped runs were published before"
        )


async def check_stops(
    start_app: StartApp, supervisor: Supervisor, *, books: int, fault_percent: float, stops: int, seed: int
) -> None:
    dice = random.Random(seed)
    site = start_sample_site(supervisor, books=books, fault_percent=fault_percent)
    app = start_app(site, PAGES_PER_BATCH="20")
    store = open_store(
        Settings(storage_connection=app.settings["AzureWebJobsStorage"], table_prefix=app.settings["TABLE_PREFIX"])
    )
    runs = StoppedRuns(app, store, Catalogue(books, 1, fault_percent))
    try:
        await runs.check_exact("undisturbed", await runs.start("undisturbed"))
        duration_s = runs.duration_s("undisturbed")
        moment = 1.0
        for number in itertools.count(1):
            old, new = f"old-{number}", f"old-{number}" if number % SAME_ID_EVERY == 0 else f"new-{number}"
            # Evenly spread, so that few stops meet every stage; after one that came too late, an earlier one.
            moment = dice.uniform(0, moment) if runs.was_late else (runs.answers[202] + dice.random()) / stops
            await runs.stop_and_start(old, new, after_s=moment * duration_s)
            duration_s = runs.duration_s(new)
            if runs.answers[202] == stops:
                break
    finally:
        await store.tables.close()
    print(f"\n{books} books, a run takes {duration_s:.1f} s; {runs.figures()}")


async def test_three_stops_at_random_moments_never_show_a_row_of_the_stopped_runs(
    start_app: StartApp, supervisor: Supervisor
) -> None:
    await check_stops(start_app, supervisor, books=60, fault_percent=3, stops=3, seed=1)


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_fifty_stops_at_random_moments_never_show_a_row_of_the_stopped_runs(
    start_app: StartApp, supervisor: Supervisor
) -> None:
    await check_stops(start_app, supervisor, books=400, fault_percent=3, stops=50, seed=2)
