"""`make demo`: one daily scrape from nothing, on this machine, and the proof that a second one is refused."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.azurite import start_azurite
from scripts.checkout import IN_USE_LOCK, ROOT, file_lock
from scripts.functions_host import FunctionsHost, start_devhost
from scripts.http_json import Answer, Unreachable, ask
from scripts.processes import ChildFailed, Supervisor, stop_signals_raise
from scripts.progress_view import ProgressView, open_progress_view
from scripts.run_folder import new_run_folder
from scripts.sample_site import start_sample_site
from scripts.sample_sources import require_sample_sources

RUN_ID = "demo"
POLL_S = 0.5
SHOWN_FAILURES = 5
END_OF_INSTANCE_S = 30.0


class DemoFailed(Exception):
    """The demo did not show what it promises; the message says what came instead."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; 0 if the run completed with published rows and the second start was refused."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--books", type=int, default=1000, help="books of the sample site (1000)")
    parser.add_argument("--faults", type=float, default=2.0, help="per cent of its book pages with a fault (2)")
    parser.add_argument("--time-limit", type=float, default=900.0, help="seconds for the scrape (900)")
    options = parser.parse_args(arguments)
    require_sample_sources("demo")
    folder = new_run_folder("demo")
    try:
        with stop_signals_raise(), file_lock(IN_USE_LOCK, shared=True), Supervisor(folder) as supervisor:
            host = start_everything(supervisor, folder, books=options.books, fault_percent=options.faults)
            scrape(host, time_limit_s=options.time_limit)
    except (ChildFailed, DemoFailed, Unreachable) as failure:
        print(f"\ndemo failed: {failure}", file=sys.stderr)
        _print_tail_of_host(folder, failure)
        print(f"All logs: {folder.relative_to(ROOT)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; nothing is left running", file=sys.stderr)
        return 130
    print("Everything is stopped again. Next: make run")
    return 0


def start_everything(supervisor: Supervisor, folder: Path, *, books: int, fault_percent: float) -> FunctionsHost:
    """Azurite, the sample site and the host, each on a port of its own. Raises ChildFailed."""
    print("starting Azurite, the sample site and the host …", flush=True)
    azurite = start_azurite(supervisor, location=None)
    site = start_sample_site(supervisor, books=books, fault_percent=fault_percent)
    settings = {
        **site.settings,
        "AzureWebJobsStorage": azurite.connection_string,
        "SOURCES_FILE": "sources.toml",
        "TABLE_PREFIX": "demo",
        "AzureWebJobs.daily_timer.Disabled": "true",  # its tick must not come between
    }
    host = start_devhost(supervisor, port=0, state_dir=folder / "devhost", env=settings)
    print(f"sample site {site.url} ({books:,} books, faults on {fault_percent:g} %), host {host.url}", flush=True)
    return host


def scrape(host: FunctionsHost, *, time_limit_s: float) -> None:
    """Start the run, try a second one, follow the first to its end and tell of it. Raises DemoFailed, Unreachable."""
    started = time.monotonic()
    first = ask("POST", f"{host.url}/api/orchestrators/daily_scrape/{RUN_ID}")
    print(f"POST /api/orchestrators/daily_scrape/{RUN_ID} -> {first.status}")
    if first.status != 202 or not (first.document or {}).get("statusQueryGetUri"):
        raise DemoFailed(f"the start was not accepted: {first.status} {first.text}")
    second = ask("POST", f"{host.url}/api/orchestrators/daily_scrape/{RUN_ID}-again")
    print(f"POST /api/orchestrators/daily_scrape/{RUN_ID}-again -> {second.status}\n  {second.text}", flush=True)
    if second.status != 409:
        raise DemoFailed(f"a second start must be refused with 409, but the answer was {second.status}")
    with open_progress_view() as view:
        run = follow_run(host, view, deadline=started + time_limit_s)
    seconds = time.monotonic() - started
    status = _status_at_end(first.document["statusQueryGetUri"])
    _print_summary(run, ask("GET", f"{host.url}/api/runs/{RUN_ID}/failures"), seconds)
    _require_success(run, status)


def follow_run(host: FunctionsHost, view: ProgressView, *, deadline: float) -> Mapping[str, Any]:
    """Show the run's progress until it is finished; returns its last state. Raises DemoFailed, Unreachable."""
    while True:
        answer = ask("GET", f"{host.url}/api/runs/{RUN_ID}")
        if answer.status != 200:
            raise DemoFailed(f"GET /api/runs/{RUN_ID} answered {answer.status} {answer.text}")
        run: Mapping[str, Any] = answer.document
        view.show(run["sources"])
        if run["state"] == "finished":
            return run
        if time.monotonic() > deadline:
            raise DemoFailed(f"the run is not finished in time; its last state: {answer.text}")
        time.sleep(POLL_S)


def _status_at_end(status_url: str) -> str:
    """The runtime status of the orchestration, which ends just after its last activity."""
    deadline = time.monotonic() + END_OF_INSTANCE_S
    while (answer := ask("GET", status_url)).status == 202 and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return str((answer.document or {}).get("runtimeStatus", f"unknown ({answer.status})"))


def _print_summary(run: Mapping[str, Any], failures: Answer, seconds: float) -> None:
    print(f"\nrun '{run['runId']}' (epoch {run['epoch']}): {run['outcome']} in {seconds:.1f} s")
    for source in run["sources"]:
        counts = f"{source['rows']:>7,} rows from {source['loaded']:,} of {source['pages']:,} pages"
        reason = f" ({source['reason']})" if source["reason"] else ""
        print(f"  {source['source']:<16} {source['state']:<10} {counts}, {source['failed']:,} failed{reason}")
    failed = (failures.document or {}).get("failures", [])
    if failed:
        by_reason = Counter(failure["reason"] for failure in failed)
        print("failed pages: " + ", ".join(f"{count} {reason}" for reason, count in by_reason.most_common()))
    for failure in failed[:SHOWN_FAILURES]:
        print(f"  {failure['url']}: {failure['reason']}, {failure['detail']}")
    if len(failed) > SHOWN_FAILURES:
        print(f"  … and {len(failed) - SHOWN_FAILURES} more")


def _require_success(run: Mapping[str, Any], status: str) -> None:
    published = sum(source["rows"] for source in run["sources"] if source["state"] == "published")
    if status != "Completed" or not run["outcome"].startswith("completed") or published == 0:
        raise DemoFailed(f"orchestration {status}, run {run['outcome']}, {published} rows published: {run['reason']}")
    print(f"one run at a time: the second start got 409; {published:,} rows are published")


def _print_tail_of_host(folder: Path, failure: Exception) -> None:
    log = folder / "host.log"
    if isinstance(failure, ChildFailed) or not log.exists():
        return  # its message holds the tail already
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-25:])
    print(f"--- last lines of host ---\n{tail}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
