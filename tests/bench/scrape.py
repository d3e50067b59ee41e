"""`make bench`, first part: a run against a plain asyncio script that does the same work, in turns on the same machine.

The ratio is the figure to trust: both see the same site, the same Azurite and the same noise.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from scripts.azurite import Azurite, start_azurite
from scripts.checkout import ROOT
from scripts.processes import Supervisor, stop_signals_raise
from scripts.sample_site import SampleSite, start_sample_site
from tests.helpers.running_app import RunningApp

CONCURRENCY = 16
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def main(arguments: Sequence[str] = ()) -> int:
    """Print the figures; 0 unless a run was not complete."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench scrape", description=__doc__)
    parser.add_argument("--pages", type=int, default=5000, help="pages of the run (5000)")
    parser.add_argument("--rounds", type=int, default=3, help="pairs of runs, plain and durable in turn (3)")
    options = parser.parse_args(arguments)
    with stop_signals_raise(), tempfile.TemporaryDirectory() as folder, Supervisor(Path(folder)) as supervisor:
        azurite = start_azurite(supervisor, location=None)
        site = start_sample_site(supervisor, books=options.pages, fault_percent=0)
        print(f"{options.pages} pages, {options.rounds} rounds, concurrency {CONCURRENCY}", flush=True)
        ratios = []
        for number in range(options.rounds):
            plain_s = plain(site, azurite, options.pages)
            durable_s = durable(supervisor, site, azurite, options.pages, Path(folder) / f"hub-{number}")
            ratios.append(durable_s / plain_s)
            print(f"round {number + 1}: durable / plain = {ratios[-1]:.2f}", flush=True)
        print(f"ratio durable / plain: median {statistics.median(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}")
    return 0


def plain(site: SampleSite, azurite: Azurite, pages: int) -> float:
    """Seconds of the plain script, measured inside it: start-up does not count on either side."""
    command = [sys.executable, "-m", "tests.bench.plain_scrape", "--site", site.url]
    command += ["--connection", azurite.connection_string, "--table", f"plain{uuid.uuid4().hex[:12]}"]
    done = subprocess.run(
        [*command, "--concurrency", str(CONCURRENCY)], cwd=ROOT, check=True, capture_output=True, text=True
    )
    figures = json.loads(done.stdout)
    assert figures["rows"] == pages, figures
    print(f"  plain:   {figures['seconds']:6.2f} s  {pages / figures['seconds']:6.0f} pages/s", flush=True)
    return float(figures["seconds"])


def durable(supervisor: Supervisor, site: SampleSite, azurite: Azurite, pages: int, state_dir: Path) -> float:
    """Seconds from the accepted start to the end of the orchestration, and where the processor time went."""
    settings = {
        **site.settings,
        "AzureWebJobsStorage": azurite.connection_string,
        "TABLE_PREFIX": f"t{uuid.uuid4().hex[:12]}",
        "SOURCES_FILE": "tests/bench/sources.toml",
        "AzureWebJobs.daily_timer.Disabled": "true",
    }
    app = RunningApp(supervisor, state_dir, settings)
    site_child, azurite_child = supervisor.children[1], azurite.child
    before = [cpu_seconds(child.pid) for child in (app.child, site_child, azurite_child)]
    started = time.perf_counter()
    assert app.start_run("bench").status == 202
    run = app.finished_run("bench", timeout_s=900)
    seconds = time.perf_counter() - started
    after = [cpu_seconds(child.pid) for child in (app.child, site_child, azurite_child)]
    assert run["outcome"] == "completed", run
    assert run["sources"][0]["rows"] == pages, run
    host_s, site_s, azurite_s = (end - begin for end, begin in zip(after, before, strict=True))
    print(f"  durable: {seconds:6.2f} s  {pages / seconds:6.0f} pages/s", flush=True)
    print(f"           processor seconds: host {host_s:.1f}, site {site_s:.1f}, Azurite {azurite_s:.1f}")
    print(f"           largest history {max(app.history_sizes().values()):,} bytes")
    supervisor.stop(app.child)
    return seconds


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S
