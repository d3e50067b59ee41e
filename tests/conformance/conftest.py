"""One host for all rows of durable functions, and one for those of HTTP functions and timers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.durable_app import DurableApp
from tests.conformance.http_app_client import HttpApp
from tests.helpers.host_process import running_host

HERE = Path(__file__).parent
WORKERS = int(os.environ.get("CONFORMANCE_WORKERS", "1"))
"""In how many processes the hosts run their apps: every row must hold with any number."""


@pytest.fixture(scope="session")
def durable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DurableApp]:
    """The app in the folder `app` on a host of its own."""
    folder = tmp_path_factory.mktemp("conformance")
    notes = folder / "notes"
    notes.mkdir()
    root = shutil.copytree(HERE / "app", folder / "app")
    with running_host(root, env={"CONFORMANCE_NOTES": str(notes)}, workers=WORKERS) as host:
        yield DurableApp(host, notes)


@pytest.fixture(scope="session")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpApp]:
    """The app in the folder `http_app` on a host of its own, with two threads for plain functions."""
    folder = tmp_path_factory.mktemp("http-conformance")
    notes = folder / "notes"
    notes.mkdir()
    root = shutil.copytree(HERE / "http_app", folder / "app")
    env = {"CONFORMANCE_NOTES": str(notes), "PYTHON_THREADPOOL_THREAD_COUNT": "2", "YEARLY": "0 0 0 1 1 *"}
    with running_host(root, env=env, workers=WORKERS) as host:
        yield HttpApp(host, notes)
