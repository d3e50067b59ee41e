"""kill -9 at random moments of a run: the published rows are those of an undisturbed one."""

import random
import time

import pytest

from samples.site.catalogue import Catalogue
from scripts.processes import Supervisor
from scripts.sample_site import start_sample_site
from tests.e2e.conftest import StartApp
from tests.helpers.running_app import expected_rows, failures_by_path, published


async def check_killed_run(
    start_app: StartApp, supervisor: Supervisor, *, books: int, kills: int, within_s: float, seed: int
) -> None:
    dice = random.Random(seed)
    catalogue = Catalogue(books, 1, 5.0)
    app = start_app(start_sample_site(supervisor, books=books, fault_percent=5.0), PAGES_PER_BATCH="20")
    assert app.start_run("killed").status == 202
    killed_while_running = 0
    for _ in range(kills):
        time.sleep(dice.uniform(0, within_s))
        killed_while_running += app.status("killed")["runtimeStatus"] in {"Pending", "Running"}
        app.child.kill()
        app.restart()
    run = app.finished_run("killed", timeout_s=600)
    _, rows = await published(app.settings, "books")
    print(f"{killed_while_running} of {kills} kills hit the running run; {len(rows)} rows published")
    assert run["outcome"] == "completed_with_failures"
    assert app.status("killed")["runtimeStatus"] == "Completed"
    assert rows == expected_rows(catalogue)
    assert failures_by_path(app.failures("killed")) == catalogue.expected_failures()
    assert killed_while_running == kills


async def test_a_run_whose_host_is_killed_three_times_publishes_the_same_rows(
    start_app: StartApp, supervisor: Supervisor
) -> None:
    await check_killed_run(start_app, supervisor, books=300, kills=3, within_s=1.0, seed=1)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_a_run_whose_host_is_killed_twenty_times_publishes_the_same_rows(
    start_app: StartApp, supervisor: Supervisor
) -> None:
    await check_killed_run(start_app, supervisor, books=1000, kills=20, within_s=1.0, seed=2)
