"""The generated sample site as a child process, and the settings that point the sources file at it."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

from samples.site.catalogue import BOOKS_PER_LISTING_PAGE
from scripts.processes import Supervisor

READY_TIMEOUT_S = 30.0


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


def start_sample_site(supervisor: Supervisor, *, books: int, fault_percent: float) -> SampleSite:
    """Start the site on a free port, with faults on `fault_percent` % of its book pages. Raises ChildFailed."""
    size = ["--books", str(books), "--faults", f"{fault_percent:g}"]
    child = supervisor.start("sample-site", [sys.executable, "-m", "samples.site", "--port", "0", *size])
    return SampleSite(child.wait_for_line(r"^serving (http://\S+?)/?$", timeout_s=READY_TIMEOUT_S)[1], books)
