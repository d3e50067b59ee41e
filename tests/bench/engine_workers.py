"""Activities that need a whole core each, with one and with two worker processes."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from scripts.checkout import ROOT
from tests.helpers.host_process import running_host
from tests.helpers.processes import wait_until

APP = Path(__file__).with_name("cpu_app")
FLAG = "--workers"
LOAD = {"times": 64, "rounds": 100_000}
ROUNDS = 5


def workers_report(folder: Path) -> None:
    """Print both times and the median of their ratios; says so if this host has no worker processes."""
    if not has_worker_processes():
        print(f"  skipped: this host has no {FLAG}")
        return
    pairs = [(load_s(folder / f"{number}-1", 1), load_s(folder / f"{number}-2", 2)) for number in range(ROUNDS)]
    one_s, two_s = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(two / one for one, two in pairs)
    print(f"  {LOAD['times']} activities of pure thinking: {one_s:.2f} s with one worker process,", end=" ")
    print(f"{two_s:.2f} s with two, ratio {ratio:.2f}")


def has_worker_processes() -> bool:
    """Whether the host knows the flag."""
    command = [sys.executable, "-m", "devhost", "start", "--help"]
    return FLAG in subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def load_s(folder: Path, workers: int) -> float:
    """Seconds from the request to the end of the orchestration, in a host that has warmed up."""
    arguments = [FLAG, str(workers)]
    with running_host(APP, log_dir=folder, state_dir=folder / "state", arguments=arguments) as host:
        if workers > 1:
            # The host serves when the first is ready; the others are on their way then.
            wait_until(lambda: host.log().count(" is ready.") == workers)
        for load in ({"times": 8, "rounds": 1}, LOAD):
            began = time.perf_counter()
            status_url = host.post("/api/think", load).json()["statusQueryGetUri"]
            answer = wait_until(lambda url=status_url: _ended(host.get(url)), timeout_s=120, every_s=0.01)  # type: ignore[misc]
            assert answer["output"] == load["times"], answer
        return time.perf_counter() - began


def _ended(answer: object) -> object:
    return answer.json() if answer.status == 200 else None  # type: ignore[attr-defined]
