"""The generated sample site as a process of its own, for tests over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.processes import Supervisor
from scripts.sample_site import SampleSite, start_sample_site


@contextmanager
def running_site(log_dir: Path, *, books: int, fault_percent: float = 0) -> Iterator[SampleSite]:
    """A sample site that ends with the block: `.url`, and `.settings` for the host's environment."""
    with Supervisor(log_dir) as supervisor:
        yield start_sample_site(supervisor, books=books, fault_percent=fault_percent)
