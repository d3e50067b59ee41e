"""kill -9 of the host, or of one of its workers, at random moments under load: nothing is lost, nothing is stuck."""

import random
import time
from pathlib import Path

import pytest

from scripts.processes import Supervisor
from tests.helpers.busy_app import BusyApp, check_everything_is_there
from tests.helpers.processes import wait_until


def check_kills(supervisor: Supervisor, folder: Path, *, orders: int, kills: int, seed: int) -> None:
    dice = random.Random(seed)
    app = BusyApp(supervisor, folder, orders, dice)
    hits = {"host": 0, "worker": 0}
    for number in range(kills):
        app.send_some(orders // kills + 4)
        time.sleep(dice.uniform(0, 0.5))
        victim = "host" if number % 2 else "worker"
        hits[victim] += app.statuses().total() > app.statuses()["Completed"]
        app.kill_host() if victim == "host" else app.kill_a_worker()
    app.send_the_rest()
    wait_until(lambda: not app.statuses().keys() & {"Running", "Pending"}, timeout_s=120, every_s=0.2)
    check_everything_is_there(app)
    runs = app.effects()
    print(
        f"kills under load: host {hits['host']}, worker {hits['worker']} of {kills}; {orders} orders completed; "
        f"{runs.total()} runs for {len(runs)} effects"
    )
    assert sum(hits.values()) >= kills * 0.9


def test_six_kills_of_host_and_workers_lose_nothing(supervisor: Supervisor, tmp_path: Path) -> None:
    check_kills(supervisor, tmp_path, orders=40, kills=6, seed=1)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_fifty_kills_of_host_and_workers_lose_nothing(supervisor: Supervisor, tmp_path: Path) -> None:
    check_kills(supervisor, tmp_path, orders=300, kills=50, seed=2)
