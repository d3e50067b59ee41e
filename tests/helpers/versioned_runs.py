"""Fixtures: a site whose pages have versions, and runs over it whose steps a test takes one by one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from activities.wiring import open_fetcher
from scraper.settings import Settings
from storage.store import open_store
from tests.helpers.activity_runs import ActivityRuns
from tests.helpers.memory_tables import MemoryTables
from tests.helpers.ticket_stores import MemoryHub
from tests.helpers.versioned_site import VersionedSite


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[VersionedSite]:
    """Ten books, in four batches."""
    async with VersionedSite(10, tmp_path / "sources.toml").running() as running:
        yield running


@pytest.fixture
async def runs(site: VersionedSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ActivityRuns]:
    """On tables in memory: these tests look at what is asked for and what readers see, and storage has its own."""
    tables = MemoryTables(in_turns=())
    monkeypatch.setattr("storage.store.open_tables", lambda _settings: tables)
    monkeypatch.setenv("AzureWebJobsStorage", "UseDevelopmentStorage=true")
    monkeypatch.setenv("SOURCES_FILE", str(tmp_path / "sources.toml"))
    monkeypatch.setenv("PAGES_PER_BATCH", "3")
    yield ActivityRuns(open_store(Settings()), MemoryHub(), site)
    await open_fetcher(Settings()).close()
