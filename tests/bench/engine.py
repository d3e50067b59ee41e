"""`make bench`, second part: the durable engine and the host by themselves, over SQLite, with the real SDK.

Where two things are compared they take turns, in rounds, so that both see the same noise; the ratio is the figure to
trust.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.bench.engine_events import waiting_workflows_report
from tests.bench.engine_fan_out import fan_out_report
from tests.bench.engine_hub_size import hub_size_report
from tests.bench.engine_start import start_report
from tests.bench.engine_workers import workers_report

REPORTS: Mapping[str, Callable[[Path], None]] = {
    "start": start_report,
    "fan-out": fan_out_report,
    "hub-size": hub_size_report,
    "events": waiting_workflows_report,
    "workers": workers_report,
}


def main(arguments: Sequence[str] = ()) -> int:
    """Print the figures; 0. What cannot be completed ends it with an AssertionError or ChildFailed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench engine", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=list(REPORTS), default=list(REPORTS), help="parts to run (all)")
    for name in parser.parse_args(arguments).only:
        with tempfile.TemporaryDirectory() as folder:
            print(f"engine: {name}", flush=True)
            REPORTS[name](Path(folder))
    return 0
