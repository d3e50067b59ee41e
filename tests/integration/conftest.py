"""The app's stores on Azurite, for tests of one process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from activities.wiring import open_fetcher
from scraper.settings import Settings
from storage.store import Store, open_store
from tests.helpers.activity_runs import ActivityRuns
from tests.helpers.ticket_stores import MemoryHub
from tests.helpers.tiny_site import TinySite


@pytest.fixture
async def store(
    request: pytest.FixtureRequest, azurite: str, table_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Store]:
    """The stores that `Settings()` leads to, too; a module's text SOURCES becomes the sources file."""
    monkeypatch.setenv("AzureWebJobsStorage", azurite)
    monkeypatch.setenv("TABLE_PREFIX", table_prefix)
    if hasattr(request.module, "SOURCES"):
        file = tmp_path / "sources.toml"
        file.write_text(request.module.SOURCES)
        monkeypatch.setenv("SOURCES_FILE", str(file))
    opened = open_store(Settings())
    yield opened
    await opened.tables.close()


@pytest.fixture
def hub() -> MemoryHub:
    """A task hub in memory."""
    return MemoryHub()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[TinySite]:
    """A tiny site of twelve books, in four batches."""
    async with TinySite(12, tmp_path / "sources.toml").running() as running:
        yield running


@pytest.fixture
async def runs(
    site: TinySite, azurite: str, table_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ActivityRuns]:
    """Runs over `site`, which a folder may replace by its own, whose steps a test takes one by one."""
    monkeypatch.setenv("AzureWebJobsStorage", azurite)
    monkeypatch.setenv("TABLE_PREFIX", table_prefix)
    monkeypatch.setenv("SOURCES_FILE", str(tmp_path / "sources.toml"))
    monkeypatch.setenv("PAGES_PER_BATCH", "3")
    store = open_store(Settings())
    yield ActivityRuns(store, MemoryHub(), site)
    await open_fetcher(Settings()).close()
    await store.tables.close()
