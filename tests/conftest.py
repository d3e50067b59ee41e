"""What any test may ask for: an Azurite of this test session, and names of its own inside it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from scripts.checkout import IN_USE_LOCK, file_lock
from scripts.processes import Supervisor
from tests.helpers.axe import TALLY
from tests.helpers.azurite import running_azurite

# Examples have no time limit: on a busy machine it would fail the slow ones, and say nothing about the code.
hypothesis.settings.register_profile("no stopwatch", deadline=None)
hypothesis.settings.load_profile("no stopwatch")

WORKERS_PER_CORE = 2
"""Tests of hosts wait half of their time."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """What `-n auto` means: several workers for all tests, none for a part that was chosen."""
    chosen = config.option.keyword or config.args_source is pytest.Config.ArgsSource.ARGS
    return 0 if chosen else WORKERS_PER_CORE * (os.cpu_count() or 1)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker tells what it has looked at in a browser."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["axe"] = TALLY.told()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add up what the workers tell."""
    if "axe" in getattr(node, "workeroutput", {}):
        TALLY.add(node.workeroutput["axe"])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line on how accessible the dashboard was found, if it was looked at."""
    if TALLY.views:
        terminalreporter.write_line(TALLY.line())


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Connection string of an in-memory Azurite, started when the first test of the session asks for it."""
    with file_lock(IN_USE_LOCK, shared=True), running_azurite(tmp_path_factory.mktemp("azurite")) as connection_string:
        yield connection_string


@pytest.fixture
def table_prefix() -> str:
    """A prefix for table and queue names that no other test uses: lower-case letters and digits."""
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    """Starts child processes for one test and ends them with it; logs are in `supervisor.log_dir`."""
    with Supervisor(tmp_path / "logs") as running:
        yield running


@pytest.fixture(scope="session", autouse=True)
def watchdog_and_purge_are_off() -> Iterator[None]:
    """They look at the storage, 289 times in a day of a virtual clock, mostly where there is none."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AzureWebJobs.watchdog.Disabled", "true")
        environment.setenv("AzureWebJobs.purge_timer.Disabled", "true")
        yield
