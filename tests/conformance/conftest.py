"""One host for all rows of durable orchestrations, and one for those of HTTP."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.durable_app import DurableApp
from tests.helpers.host_process import running_host

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def durable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DurableApp]:
    """The app in the folder `app` on a host of its own."""
    folder = tmp_path_factory.mktemp("conformance")
    notes = folder / "notes"
    notes.mkdir()
    root = shutil.copytree(HERE / "app", folder / "app")
    with running_host(root, env={"CONFORMANCE_NOTES": str(notes)}) as host:
        yield DurableApp(host, notes)
