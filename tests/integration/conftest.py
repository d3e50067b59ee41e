"""The app's stores on Azurite, for tests of one process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from scraper.settings import Settings
from storage.store import Store, open_store
from tests.helpers.ticket_stores import MemoryHub


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
