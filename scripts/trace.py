"""`make trace`: one daily scrape of the sample site by two workers, its trace as OTLP/JSON and as a picture."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.azurite import start_azurite
from scripts.checkout import IN_USE_LOCK, ROOT, file_lock
from scripts.functions_host import start_devhost
from scripts.http_json import Unreachable, ask
from scripts.processes import ChildFailed, Supervisor, stop_signals_raise
from scripts.run_folder import new_run_folder
from scripts.sample_site import start_sample_site
from scripts.sample_sources import require_sample_sources
from scripts.trace_file import as_document, attributes_of, read_spans
from scripts.trace_picture import waterfall

POLL_S = 0.25
RUN_ID = "traced"
SENDING = {
    "PYTHON_ENABLE_OPENTELEMETRY": "true",
    "OTEL_TRACES_EXPORTER": "scripts.trace_file:SpanFile",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_LOGS_EXPORTER": "none",
    "OTEL_BSP_SCHEDULE_DELAY": "200",
}


class TraceFailed(Exception):
    """There is no whole trace; the message says what there is."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, export, draw; 0 if there is one whole trace."""
    parser = argparse.ArgumentParser(prog="make trace", description=__doc__)
    parser.add_argument("--books", type=int, default=1000, help="books of the sample site (1000)")
    parser.add_argument("--faults", type=float, default=2.0, help="per cent of its book pages with a fault (2)")
    parser.add_argument("--workers", type=int, default=2, help="worker processes (2)")
    parser.add_argument("--time-limit", type=float, default=600.0, help="seconds for the scrape (600)")
    parser.add_argument("--to", type=Path, help="folder for trace.json and trace.svg; default: that of the logs")
    options = parser.parse_args(arguments)
    require_sample_sources("trace")
    folder = new_run_folder("trace")
    try:
        with stop_signals_raise(), file_lock(IN_USE_LOCK, shared=True), Supervisor(folder) as supervisor:
            spans = traced_run(supervisor, folder, options)
    except (ChildFailed, TraceFailed, Unreachable) as failure:
        print(f"no trace: {failure}\nAll logs: {folder.relative_to(ROOT)}", file=sys.stderr)
        return 1
    target = options.to or folder
    target.mkdir(parents=True, exist_ok=True)
    (target / "trace.json").write_text(json.dumps(as_document(spans), indent=1) + "\n", "utf-8")
    (target / "trace.svg").write_text(waterfall(spans), "utf-8")
    for name, count in Counter(span["name"] for span in spans).most_common():
        print(f"{count:>5} {name}")
    processes = len({span["process"] for span in spans})
    print(f"{len(spans):>5} spans in one trace, {spans[0]['traceId']}, sent by {processes} processes")
    print(f"{target / 'trace.json'}\n{target / 'trace.svg'}")
    return 0


def traced_run(supervisor: Supervisor, folder: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """The spans of a whole run. Raises TraceFailed, ChildFailed, Unreachable."""
    azurite = start_azurite(supervisor, location=None)
    site = start_sample_site(supervisor, books=options.books, fault_percent=options.faults)
    file = folder / "spans.jsonl"
    settings = {
        **site.settings,
        **SENDING,
        "AzureWebJobsStorage": azurite.connection_string,
        "SOURCES_FILE": "sources.toml",
        "AzureWebJobs.daily_timer.Disabled": "true",  # its tick must not come between
        "FUNCTIONS_WORKER_PROCESS_COUNT": str(options.workers),
        "SPAN_FILE": str(file),
    }
    host = start_devhost(supervisor, port=0, state_dir=folder / "devhost", env=settings)
    started = ask("POST", f"{host.url}/api/orchestrators/daily_scrape/{RUN_ID}")
    if started.status != 202:
        raise TraceFailed(f"the start was not accepted: {started.status} {started.text}")
    return whole_trace(file, time_limit_s=options.time_limit)


def whole_trace(file: Path, *, time_limit_s: float) -> list[dict[str, Any]]:
    """The spans in the file, once they are all there: the run's own, and that of its last step. Raises TraceFailed."""
    deadline = time.monotonic() + time_limit_s
    while True:
        spans = read_spans(file)
        if {"daily_scrape", "finish_run"} <= {span["name"] for span in spans}:
            break
        if time.monotonic() > deadline:
            raise TraceFailed(f"the run is not over in time; so far there are {len(spans)} spans")
        time.sleep(POLL_S)
    traces = {span["traceId"] for span in spans}
    known = {span["spanId"] for span in spans}
    orphans = [span["name"] for span in spans if span.get("parentSpanId", "") not in {"", *known}]
    (run,) = [attributes_of(span) for span in spans if span["name"] == "daily_scrape"]
    if len(traces) != 1 or orphans or not str(run["outcome"]).startswith("completed"):
        raise TraceFailed(f"{len(traces)} traces, spans without their parents {orphans}, the run {run}")
    return spans


if __name__ == "__main__":
    sys.exit(main())
