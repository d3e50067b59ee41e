"""Crawls of a linked site whose steps a test takes one by one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from activities.wiring import open_fetcher
from scraper.settings import Settings
from storage.store import open_store
from tests.helpers.activity_runs import ActivityRuns
from tests.helpers.linked_site import LinkedSite, random_graph
from tests.helpers.ticket_stores import MemoryHub


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[LinkedSite]:
    """Forty pages, most of which can be reached."""
    async with LinkedSite(random_graph(40, seed=1), tmp_path / "sources.toml").running() as running:
        yield running


@pytest.fixture
async def runs(
    site: LinkedSite, azurite: str, table_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ActivityRuns]:
    monkeypatch.setenv("AzureWebJobsStorage", azurite)
    monkeypatch.setenv("TABLE_PREFIX", table_prefix)
    monkeypatch.setenv("SOURCES_FILE", str(tmp_path / "sources.toml"))
    monkeypatch.setenv("PAGES_PER_BATCH", "3")
    store = open_store(Settings())
    yield ActivityRuns(store, MemoryHub(), site)
    await open_fetcher(Settings()).close()
    await store.tables.close()
