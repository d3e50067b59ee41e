"""`make bench`, first part: runs against a plain asyncio script that does the same work, in turns on the same machine.

The ratio is the figure to trust: both see the same site, the same Azurite and the same noise.
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.azurite import start_azurite
from scripts.processes import Supervisor, stop_signals_raise
from scripts.sample_site import start_sample_site
from tests.bench.scrape_runs import CONCURRENCY, Figures, app_run, plain_run
from tests.bench.usage import peak_megabytes

Measured = Mapping[int, Sequence[Figures]]
"""The rounds by number of worker processes; 0 is the plain script."""


def main(arguments: Sequence[str] = ()) -> int:
    """Print the figures; 0 unless a run was not complete."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench scrape", description=__doc__)
    parser.add_argument("--pages", type=int, nargs="+", default=[1000, 5000, 20000], help="pages of a run")
    parser.add_argument("--latency-ms", type=float, nargs="+", default=[0, 20], help="that every page takes longer")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="worker processes of the app")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each kind, in turn (3)")
    options = parser.parse_args(arguments)
    print(f"scrape: {CONCURRENCY} requests at a time, {options.rounds} rounds; figures are medians", flush=True)
    for latency_ms in options.latency_ms:
        cases: dict[int, Measured] = {}
        for pages in options.pages:
            print(f"  {pages:,} pages, {latency_ms:g} ms each", flush=True)
            cases[pages] = measure(pages, latency_ms, options.workers, options.rounds)
            report(pages, cases[pages])
        if len(cases) > 1:
            report_growth(cases)
    return 0


def measure(pages: int, latency_ms: float, workers: Sequence[int], rounds: int) -> Measured:
    """The plain script and the app in turn, on a site and an Azurite of their own."""
    with stop_signals_raise(), tempfile.TemporaryDirectory() as folder, Supervisor(Path(folder)) as supervisor:
        azurite = start_azurite(supervisor, location=None)
        site = start_sample_site(supervisor, books=pages, fault_percent=0, latency_ms=latency_ms)
        measured: dict[int, list[Figures]] = {count: [] for count in (0, *workers)}
        for number in range(rounds):
            measured[0].append(plain_run(site, azurite))
            for count in workers:
                state_dir = Path(folder) / f"hub-{number}-{count}"
                measured[count].append(app_run(supervisor, site, azurite, state_dir, workers=count))
        azurite_mb, site_mb = (peak_megabytes(child.pid)[0] for child in supervisor.children[:2])
        print(f"    peak memory of Azurite {azurite_mb:.0f} MB, of the site {site_mb:.0f} MB")
        return measured


def report(pages: int, measured: Measured) -> None:
    """One line for the script, and one for each number of worker processes."""
    for count, rounds in measured.items():
        seconds, cpu_s = median(rounds, "seconds"), median(rounds, "cpu_s")
        peaks = "+".join(f"{max(peak):.0f}" for peak in zip(*(one.peaks_mb for one in rounds), strict=True))
        line = f"{seconds:7.2f} s {pages / seconds:6.0f} pages/s, processor {cpu_s:6.2f} s, peak {peaks} MB"
        if not count:
            print(f"    plain:     {line}")
            continue
        ratios = [one.seconds / plain.seconds for one, plain in zip(rounds, measured[0], strict=True)]
        history = max(one.history_bytes for one in rounds)
        print(f"    {count} worker{'s' if count > 1 else ' '}: {line}, largest history {history:,} bytes")
        print(
            f"               ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})", flush=True
        )


def report_growth(cases: Mapping[int, Measured]) -> None:
    """How seconds and processor time grow with the pages: 1 is in proportion."""
    fewest, most = min(cases), max(cases)
    for count in cases[fewest]:
        words = []
        for name, what in (("seconds", "time"), ("cpu_s", "processor time")):
            growth = median(cases[most][count], name) / median(cases[fewest][count], name)
            words.append(f"{what} {math.log(growth) / math.log(most / fewest):.2f}")
        who = f"{count} worker{'s' if count > 1 else ''}" if count else "plain"
        print(f"  exponent from {fewest:,} to {most:,} pages, {who}: {', '.join(words)}", flush=True)


def median(rounds: Sequence[Figures], name: str) -> float:
    """The median of one figure."""
    return statistics.median(getattr(one, name) for one in rounds)
