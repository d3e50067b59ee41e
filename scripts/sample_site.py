"""The generated sample site as a child process, and the settings that point the sources file at it."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from samples.site.catalogue import BOOKS_PER_LISTING_PAGE
from scripts.free_port import is_free
from scripts.processes import Supervisor

READY_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class SampleSite:
    """A running sample site: its base URL without a trailing slash, and how many books it sells."""

    url: str
    books: int

    @property
    def settings(self) -> dict[str, str]:
        """The variables that sources.toml reads."""
        listing_pages = math.ceil(self.books / BOOKS_PER_LISTING_PAGE)
        return {"SAMPLE_SITE_URL": self.url, "SAMPLE_LISTING_PAGES": str(listing_pages)}


def start_sample_site(
    supervisor: Supervisor,
    *,
    books: int,
    fault_percent: float,
    latency_ms: float = 0,
    port_file: Path | None = None,
    options: Sequence[str] = (),
) -> SampleSite:
    """Start the site, with faults on `fault_percent` % of its book pages, each page slower by `latency_ms`.

    `options` are more of its command line's. Raises ChildFailed.

    The system chooses the port. With a `port_file` it is kept: a run that is taken up again after a restart has
    planned its pages at the old address.
    """
    size = ["--books", str(books), "--faults", f"{fault_percent:g}", "--latency-ms", f"{latency_ms:g}"]
    port = _kept_port(port_file)
    child = supervisor.start(
        "sample-site", [sys.executable, "-m", "samples.site", "--port", str(port), *size, *options]
    )
    url = child.wait_for_line(r"^serving (http://\S+?)/?$", timeout_s=READY_TIMEOUT_S, what="its address")[1]
    if port_file is not None:
        port_file.parent.mkdir(parents=True, exist_ok=True)
        port_file.write_text(url.rpartition(":")[2])
    return SampleSite(url, books)


def _kept_port(port_file: Path | None) -> int:
    """The port of last time if it is free, else 0."""
    if port_file is None or not port_file.exists():
        return 0
    port = int(port_file.read_text())
    return port if is_free(port) else 0
