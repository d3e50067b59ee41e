"""Azurite for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.azurite import start_azurite
from scripts.processes import Supervisor


@contextmanager
def running_azurite(log_dir: Path, *, location: Path | None = None) -> Iterator[str]:
    """Connection string of an Azurite that ends with the block; in memory unless `location` is a folder."""
    with Supervisor(log_dir) as supervisor:
        yield start_azurite(supervisor, location=location).connection_string
