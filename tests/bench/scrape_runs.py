"""One run of the app, or of the plain script, over the sample site: its seconds, and what it took."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from scripts.azurite import Azurite
from scripts.checkout import ROOT
from scripts.processes import Supervisor
from scripts.sample_site import SampleSite
from tests.bench.usage import cpu_seconds, peak_megabytes
from tests.helpers.running_app import RunningApp, wait_for

CONCURRENCY: Final = 16
RUN_ID: Final = "bench"
LIMIT_S: Final = 1800.0
POLL_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run took: seconds, processor seconds, and the peak memory in MB of each of its processes.

    `history_bytes` is the size of the largest history; the plain script has none.
    """

    seconds: float
    cpu_s: float
    peaks_mb: tuple[float, ...]
    history_bytes: int = 0


def plain_run(site: SampleSite, azurite: Azurite) -> Figures:
    """The plain script, measured inside it: start-up does not count on either side."""
    command = [sys.executable, "-m", "tests.bench.plain_scrape", "--site", site.url]
    command += ["--connection", azurite.connection_string, "--table", f"plain{uuid.uuid4().hex[:12]}"]
    done = subprocess.run(
        [*command, "--concurrency", str(CONCURRENCY)], cwd=ROOT, check=True, capture_output=True, text=True
    )
    told = json.loads(done.stdout)
    assert told["rows"] == site.books, told
    return Figures(told["seconds"], told["cpu_seconds"], (told["peak_mb"],))


def app_run(supervisor: Supervisor, site: SampleSite, azurite: Azurite, state_dir: Path, *, workers: int) -> Figures:
    """The app with so many worker processes, from the request that starts a run to its recorded end."""
    settings = {
        **site.settings,
        "AzureWebJobsStorage": azurite.connection_string,
        "TABLE_PREFIX": f"t{uuid.uuid4().hex[:12]}",
        "SOURCES_FILE": "tests/bench/sources.toml",
        "AzureWebJobs.daily_timer.Disabled": "true",
        "FUNCTIONS_WORKER_PROCESS_COUNT": str(workers),
    }
    app = RunningApp(supervisor, state_dir, settings)
    try:
        if workers > 1:  # the host serves when the first is ready
            wait_for(lambda: app.child.log_path.read_text().count(" is ready.") == workers, timeout_s=60)
        before_s, started = cpu_seconds(app.child.pid), datetime.now(UTC)
        assert app.start_run(RUN_ID).status == 202
        wait_for(lambda: app.status(RUN_ID)["runtimeStatus"] not in _LIVE, timeout_s=LIMIT_S, every_s=POLL_S)
        run = app.run(RUN_ID)
        assert run["outcome"] == "completed", run
        # By its own record: looking often enough to see the end come would take a part of the host's time.
        seconds = (datetime.fromisoformat(run["finishedAt"]) - started).total_seconds()
        assert run["sources"][0]["rows"] == site.books, run
        cpu_s = cpu_seconds(app.child.pid) - before_s
        return Figures(seconds, cpu_s, tuple(peak_megabytes(app.child.pid)), max(app.history_sizes().values()))
    finally:
        supervisor.stop(app.child)


_LIVE: Final = frozenset({"Pending", "Running"})
